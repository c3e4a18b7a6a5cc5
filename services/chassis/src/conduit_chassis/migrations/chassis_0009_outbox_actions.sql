-- What Kafka would not take comes back, or is given up, by a command that says who and why.
ALTER TABLE outbox_rejected ADD COLUMN shard smallint NOT NULL DEFAULT 0;
CREATE TABLE outbox_actions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL,
    action text NOT NULL CHECK (action IN ('returned', 'discarded')),
    actor text NOT NULL CHECK (actor <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN outbox_actions.event_id IS 'The row of outbox_rejected, which is gone since.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON outbox_actions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
