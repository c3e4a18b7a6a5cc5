-- What Kafka would not take comes back as it was: with what is kept of it, with its haste, and with the promise that it keeps.
ALTER TABLE outbox_rejected
    ADD COLUMN acted_at timestamptz,
    ADD COLUMN danger boolean NOT NULL DEFAULT false,
    ADD COLUMN fact bytea,
    ADD COLUMN late boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outbox_rejected.fact IS 'As outbox.fact.';
