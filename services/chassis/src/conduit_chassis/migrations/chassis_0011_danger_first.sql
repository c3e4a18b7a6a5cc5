-- What says that a child is in danger leaves before all else that waits (decision 34). The index has no entry for other rows.
ALTER TABLE outbox ADD COLUMN danger boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outbox.danger IS 'It may be sent first: no earlier event of its key waits that may not.';
CREATE INDEX outbox_danger ON outbox (shard, id) WHERE danger;
