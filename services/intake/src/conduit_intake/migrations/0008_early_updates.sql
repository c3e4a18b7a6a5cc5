-- Updates that came before the referral that they are about: each waits here for a short time, and is refused after it.
CREATE TABLE early_updates (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partner_id text NOT NULL,
    partner_reference text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    key bytea,
    headers text NOT NULL,
    value bytea,
    record_timestamp bigint NOT NULL,
    due_at timestamptz NOT NULL
);
COMMENT ON COLUMN early_updates.due_at IS 'When it is refused if its referral has not come.';
CREATE INDEX early_updates_reference ON early_updates (partner_id, partner_reference, id);
