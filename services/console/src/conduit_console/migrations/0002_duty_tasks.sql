-- What a person at the hub must deal with, as notification says it. Who to call is not here: whoever takes a task is shown that.
CREATE TABLE duty_tasks (
    task_id uuid PRIMARY KEY,
    kind text NOT NULL,
    rank smallint NOT NULL CHECK (rank IN (0, 1)),
    partner_id text,
    partner_reference text,
    referral_id uuid,
    force_id text,
    codes text[] NOT NULL,
    said integer NOT NULL CHECK (said >= 1),
    opened_at timestamptz NOT NULL,
    unanswered_at timestamptz,
    taken_at timestamptz,
    taken_by text,
    said_at timestamptz NOT NULL
);
COMMENT ON COLUMN duty_tasks.said_at IS 'The broker''s time of what was said last; what is older changes nothing.';
CREATE INDEX duty_tasks_waiting ON duty_tasks (rank, opened_at, task_id) WHERE taken_at IS NULL;
CREATE INDEX duty_tasks_of_case ON duty_tasks (referral_id) WHERE referral_id IS NOT NULL;
