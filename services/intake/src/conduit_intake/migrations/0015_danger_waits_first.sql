-- What says danger and waits for its referral is answered before what says none, whoever sent how much of that.
ALTER TABLE early_updates ADD COLUMN danger boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN early_updates.danger IS 'Whether it says that a child is in danger now. False for what the release before kept.';
