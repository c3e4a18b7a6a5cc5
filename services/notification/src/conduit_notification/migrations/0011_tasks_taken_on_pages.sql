-- Officers take duty tasks by signed commands. Who stood for each that was taken, as it was signed, proves it with the public key.
CREATE TABLE command_signatures (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    command_id text NOT NULL,
    task_id uuid NOT NULL,
    officer_id text NOT NULL,
    signature text NOT NULL
);
COMMENT ON COLUMN command_signatures.recorded_at IS 'When the broker took the command: by it the signature is judged.';
CREATE INDEX command_signatures_task ON command_signatures (task_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON command_signatures
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Pages say when the next on duty is called.
CREATE OR REPLACE FUNCTION mark_duty_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.said, NEW.danger, NEW.codes, NEW.referral_id, NEW.unanswered_at, NEW.taken_at, NEW.next_call_at)
        IS DISTINCT FROM
        (OLD.said, OLD.danger, OLD.codes, OLD.referral_id, OLD.unanswered_at, OLD.taken_at, OLD.next_call_at) THEN
        NEW.to_tell := true;
    END IF;
    RETURN NEW;
END $$;
