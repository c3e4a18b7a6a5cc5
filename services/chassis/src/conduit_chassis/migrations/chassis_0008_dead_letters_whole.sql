-- A dead letter outlives its topic: while it waits, the service's own store holds all of it, and nothing of it afterwards.
ALTER TABLE dead_letters
    ADD COLUMN headers text,
    ADD COLUMN value bytea,
    ADD COLUMN record_timestamp bigint;
COMMENT ON COLUMN dead_letters.headers IS 'The record''s, as JSON; null where a release before this one wrote the row, or it no longer waits.';

CREATE FUNCTION forget_dead_letter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.headers := NULL;
    NEW.value := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER forget_what_no_longer_waits BEFORE UPDATE OF resolved_at ON dead_letters
    FOR EACH ROW WHEN (NEW.resolved_at IS NOT NULL) EXECUTE FUNCTION forget_dead_letter();

-- A newer record of a register's key closes what waits of that key.
ALTER TABLE dead_letter_actions DROP CONSTRAINT dead_letter_actions_action_check;
ALTER TABLE dead_letter_actions
    ADD CONSTRAINT dead_letter_actions_action_check CHECK (action IN ('replayed', 'discarded', 'superseded'));
