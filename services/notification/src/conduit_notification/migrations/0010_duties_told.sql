-- What becomes of a duty task is published. A trigger marks what is to be told, so that whoever changes a task, the release before
-- and the operators' command included, need not know of it.
ALTER TABLE duty_tasks ADD COLUMN to_tell boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN duty_tasks.to_tell IS 'It has changed since it was last published on notification.duties.v1.';
UPDATE duty_tasks SET to_tell = false WHERE taken_at IS NOT NULL;
CREATE INDEX duty_tasks_to_tell ON duty_tasks (opened_at, task_id) WHERE to_tell;

CREATE FUNCTION mark_duty_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.said, NEW.danger, NEW.codes, NEW.referral_id, NEW.unanswered_at, NEW.taken_at)
        IS DISTINCT FROM (OLD.said, OLD.danger, OLD.codes, OLD.referral_id, OLD.unanswered_at, OLD.taken_at) THEN
        NEW.to_tell := true;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tell_what_changed BEFORE UPDATE ON duty_tasks FOR EACH ROW EXECUTE FUNCTION mark_duty_task();
