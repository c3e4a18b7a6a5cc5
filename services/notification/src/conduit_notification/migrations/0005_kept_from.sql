-- A restricted case: from which forces it is kept, since a suspect belongs to them. Neither their control rooms nor their
-- contacts are shown to whoever is on duty, and no notice about the case goes to them.
CREATE TABLE kept_from (
    referral_id uuid NOT NULL,
    force_id text NOT NULL,
    PRIMARY KEY (referral_id, force_id)
);
COMMENT ON COLUMN kept_from.force_id IS 'Empty: the force is not known, so any might be the one.';
