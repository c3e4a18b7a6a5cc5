-- Duty tasks: what a person at the hub must take, with a clock that runs until somebody has. And whom to call: the hub is an
-- audience with contacts of its own, and telephones stand beside the ladders, which the release before reads as they were.

ALTER TABLE contacts
    DROP CONSTRAINT contacts_audience_check,
    ADD CONSTRAINT contacts_audience_check CHECK (audience ~ '^((partner|force):[a-z0-9-]+|hub:[a-z]*)$'),
    ADD COLUMN telephones jsonb CHECK (jsonb_typeof(telephones) = 'array'),
    ADD COLUMN control_room text;
COMMENT ON COLUMN contacts.telephones IS 'One per contact of the ladder, in its order; null where the register has none.';

ALTER TABLE notices
    DROP CONSTRAINT notices_audience_check,
    ADD CONSTRAINT notices_audience_check CHECK (audience ~ '^((partner|force):[a-z0-9-]+|hub:[a-z]*)$'),
    -- The hub may be told by webhook as well: by another way than the one that fails.
    DROP CONSTRAINT notices_check5,
    ADD COLUMN queued_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN duty_told boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN notices.queued_at IS 'By this database''s clock. created_at is the making process'' and stands in the notice.';
COMMENT ON COLUMN notices.duty_told IS 'Whether somebody on duty was told that this notice of danger has not left.';

CREATE TABLE hub_changes (
    proposal_id uuid PRIMARY KEY,
    digest text CHECK (digest ~ '^[0-9a-f]{64}$'),
    contacts jsonb CHECK (jsonb_typeof(contacts) = 'array'),
    proposed_by text,
    approved_digest text CHECK (approved_digest ~ '^[0-9a-f]{64}$'),
    approved_by text,
    approved_at timestamptz,
    in_effect_at timestamptz,
    CHECK ((digest IS NULL) = (contacts IS NULL)),
    CHECK ((approved_digest IS NULL) = (approved_at IS NULL))
);
COMMENT ON TABLE hub_changes IS 'Proposals of duty contacts and their approvals, which race. A change takes effect where both digests agree.';

CREATE TABLE duty_tasks (
    task_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]*$'),
    subject text NOT NULL,
    partner_id text,
    partner_reference text,
    referral_id uuid,
    force_id text,
    codes text[] NOT NULL DEFAULT '{}',
    danger boolean NOT NULL,
    callback jsonb,
    said integer NOT NULL DEFAULT 1 CHECK (said >= 1),
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    calls smallint NOT NULL DEFAULT 0 CHECK (calls >= 0),
    next_call_at timestamptz DEFAULT clock_timestamp(),
    unanswered_at timestamptz,
    taken_at timestamptz,
    taken_by text,
    CHECK ((taken_at IS NULL) = (taken_by IS NULL)),
    CHECK (next_call_at IS NULL OR (taken_at IS NULL AND unanswered_at IS NULL))
);
COMMENT ON COLUMN duty_tasks.subject IS 'What coalesces: while a task is not taken, the same again is the same task.';
COMMENT ON COLUMN duty_tasks.callback IS 'Whom to ring back. Shown to whoever has taken the task, and forgotten some days later.';
COMMENT ON COLUMN duty_tasks.next_call_at IS 'By this database''s clock: no process has another.';
COMMENT ON COLUMN duty_tasks.unanswered_at IS 'Everybody on duty was called and nobody took it: it pages.';
CREATE UNIQUE INDEX duty_tasks_open ON duty_tasks (subject) WHERE taken_at IS NULL;
CREATE INDEX duty_tasks_due ON duty_tasks (next_call_at) WHERE next_call_at IS NOT NULL;

CREATE TABLE duty_calls (
    token text PRIMARY KEY CHECK (length(token) >= 32),
    task_id uuid NOT NULL REFERENCES duty_tasks (task_id),
    level smallint NOT NULL CHECK (level >= 0),
    called_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX duty_calls_task ON duty_calls (task_id);

CREATE TABLE duty_history (
    task_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    what text NOT NULL CHECK (what ~ '^[a-z][a-z_]*$'),
    policy_version text NOT NULL
);
CREATE INDEX duty_history_task ON duty_history (task_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON duty_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE callbacks (
    referral_id uuid PRIMARY KEY,
    callback jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE callbacks IS 'Of referrals with a child in danger alone: whom a duty officer rings back. Forgotten some days later.';
