-- What notification owns: where each referral stands for its partner, where notices go, and every notice with its attempts.
-- Nothing here holds case content.

CREATE TABLE referrals (
    referral_id uuid PRIMARY KEY,
    partner_id text NOT NULL,
    partner_reference text NOT NULL,
    revision integer NOT NULL CHECK (revision >= 1),
    state text NOT NULL CHECK (state IN ('received', 'under_review', 'information_requested', 'accepted', 'declined',
        'with_forces', 'handed_over', 'withdrawn')),
    triage text CHECK (triage IN ('under_review', 'information_requested', 'accepted', 'declined')),
    asked_at timestamptz,
    supplied_at timestamptz,
    routing text CHECK (routing IN ('provisional', 'with_forces', 'handed_over')),
    withdrawn boolean NOT NULL,
    immediate_danger boolean NOT NULL,
    home_force text,
    handoffs jsonb NOT NULL CHECK (jsonb_typeof(handoffs) = 'object'),
    CHECK ((triage IS NOT DISTINCT FROM 'information_requested') = (asked_at IS NOT NULL)),
    CHECK (withdrawn = (state = 'withdrawn')),
    CHECK (state <> 'handed_over' OR home_force IS NOT NULL)
) WITH (fillfactor = 70);
COMMENT ON COLUMN referrals.triage IS 'What triage said last, in its own order; routing and supplied_at likewise. state follows from these alone.';

CREATE TABLE history (
    referral_id uuid NOT NULL,
    revision integer NOT NULL CHECK (revision >= 1),
    at timestamptz NOT NULL,
    happened_at timestamptz NOT NULL,
    actor text NOT NULL CHECK (actor ~ '^(rules|clock|(officer|partner|force):[a-z0-9.-]+)$'),
    what text NOT NULL CHECK (what ~ '^[a-z][a-z0-9_]*$'),
    why text CHECK (why ~ '^[a-z][a-z0-9_]*$'),
    state text NOT NULL,
    policy_version text NOT NULL,
    event_id text NOT NULL,
    PRIMARY KEY (referral_id, revision)
);
COMMENT ON TABLE history IS 'One row per update that a partner was sent. The key makes a second update of the same revision impossible.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE contacts (
    audience text PRIMARY KEY CHECK (audience ~ '^(partner|force):[a-z0-9-]+$'),
    ladder jsonb NOT NULL CHECK (jsonb_typeof(ladder) = 'array' AND jsonb_array_length(ladder) >= 1),
    said_at timestamptz NOT NULL
);
COMMENT ON COLUMN contacts.ladder IS 'The team first, then the escalation levels in order. Secrets are named here, never held.';

CREATE TABLE notices (
    notice_id uuid PRIMARY KEY,
    audience text NOT NULL CHECK (audience ~ '^((partner|force):[a-z0-9-]+|hub:)$'),
    level smallint NOT NULL DEFAULT 0 CHECK (level >= 0),
    channel text NOT NULL CHECK (channel IN ('email', 'webhook')),
    template text NOT NULL CHECK (template ~ '^(partner|force|hub)_[a-z_]+$'),
    referral_id uuid,
    params jsonb NOT NULL CHECK (jsonb_typeof(params) = 'object' AND length(params::text) <= 2000),
    urgent boolean NOT NULL,
    collapse text,
    state text NOT NULL CHECK (state IN ('queued', 'sent', 'failed', 'dropped')),
    attempts smallint NOT NULL CHECK (attempts >= 0),
    next_attempt_at timestamptz,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    code text CHECK (code ~ '^[a-z][a-z0-9_]*$'),
    CHECK ((state = 'queued') = (next_attempt_at IS NOT NULL)),
    CHECK ((state = 'queued') = (finished_at IS NULL)),
    CHECK ((state = 'queued') = (code IS NULL)),
    CHECK (state = 'queued' OR attempts >= 1),
    CHECK (split_part(audience, ':', 1) = split_part(template, '_', 1)),
    CHECK (audience <> 'hub:' OR channel = 'email')
);
COMMENT ON COLUMN notices.next_attempt_at IS 'While an attempt runs this is the end of its lease: a worker that dies leaves the notice to the others.';
COMMENT ON COLUMN notices.attempts IS 'Counted when an attempt begins, so that it also tells an attempt from a later one whose lease took over.';
COMMENT ON COLUMN notices.collapse IS 'Where set, one notice of this name per audience and channel is enough.';
CREATE INDEX notices_due ON notices (channel, urgent DESC, next_attempt_at) WHERE state = 'queued';
CREATE INDEX notices_referral ON notices (referral_id);
CREATE UNIQUE INDEX notices_collapse ON notices (audience, channel, collapse) WHERE collapse IS NOT NULL;

CREATE TABLE notice_attempts (
    notice_id uuid NOT NULL REFERENCES notices (notice_id),
    attempt smallint NOT NULL CHECK (attempt >= 1),
    at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome ~ '^[a-z][a-z0-9_]*$'),
    status smallint CHECK (status BETWEEN 100 AND 999),
    duration_ms integer NOT NULL CHECK (duration_ms >= 0),
    PRIMARY KEY (notice_id, attempt)
);
COMMENT ON COLUMN notice_attempts.status IS 'The SMTP or HTTP status, where the other side gave one.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON notice_attempts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
