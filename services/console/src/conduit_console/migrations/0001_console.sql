-- What the console owns: a copy of where every case stands, made of what the others publish, and what the hub's own people
-- leave behind while they look at cases. What people wrote about people stands in `contents` and `drafts` alone.

CREATE TABLE cases (
    referral_id uuid PRIMARY KEY,
    partner_id text NOT NULL,
    partner_reference text NOT NULL,
    begun_at timestamptz NOT NULL,
    received_at timestamptz,
    urgency text CHECK (urgency IN ('urgent', 'priority', 'routine')),
    rank smallint NOT NULL CHECK (rank IN (0, 1)),
    mou_lapsed boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('received', 'under_review', 'information_requested', 'accepted', 'declined',
        'with_forces', 'handed_over', 'withdrawn')),
    triage text CHECK (triage IN ('under_review', 'information_requested', 'accepted', 'declined')),
    triage_at timestamptz,
    asked_at timestamptz,
    supplied_at timestamptz,
    routing text CHECK (routing IN ('provisional', 'with_forces', 'handed_over')),
    routing_at timestamptz,
    withdrawn boolean NOT NULL,
    for_forces boolean NOT NULL,
    without_force boolean NOT NULL,
    home_force text,
    interim_owner text,
    kept_from text,
    policy_version text,
    version integer NOT NULL CHECK (version >= 0),
    CONSTRAINT triage_said_it_at_some_time CHECK ((triage IS NULL) = (triage_at IS NULL)),
    CONSTRAINT withdrawn_is_withdrawn CHECK (withdrawn = (state = 'withdrawn')),
    CONSTRAINT handed_over_has_a_home CHECK (state <> 'handed_over' OR home_force IS NOT NULL)
) WITH (fillfactor = 70);
COMMENT ON COLUMN cases.begun_at IS 'The moment in the referral''s id.';
COMMENT ON COLUMN cases.rank IS '0: a child is in danger; 1: not. So what is first stands first.';
COMMENT ON COLUMN cases.triage_at IS 'When triage last said something that moved the case, by the broker''s clock; what is older moves nothing. routing_at likewise.';
COMMENT ON COLUMN cases.for_forces IS 'Triage accepted it, or raised immediate danger: some force must have it.';
COMMENT ON COLUMN cases.kept_from IS 'Forces that a suspect belongs to, with commas; empty: the force is not known. Null: the case is not restricted.';
COMMENT ON COLUMN cases.version IS 'How many lines the timeline has.';
-- A referral's id begins with the moment at which the hub took it, so ids in order are cases in order. The indexes of what is
-- narrowed name that moment first: ordered by the id alone, a planner that does not know what is asked for would walk the
-- primary key through all that is not.
CREATE INDEX cases_by_state ON cases (state, begun_at DESC, referral_id DESC);
CREATE INDEX cases_by_partner ON cases (partner_id, begun_at DESC, referral_id DESC);
CREATE INDEX cases_by_partner_and_state ON cases (partner_id, state, begun_at DESC, referral_id DESC);
CREATE INDEX cases_in_danger ON cases (referral_id DESC) WHERE rank = 0;
CREATE INDEX cases_without_force ON cases (rank, referral_id) WHERE without_force;
CREATE INDEX cases_by_reference ON cases (lower(partner_reference) text_pattern_ops, referral_id);

CREATE TABLE handoffs (
    referral_id uuid NOT NULL,
    force_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('disseminated', 'received', 'acknowledged', 'declined', 'stood_down')),
    disseminated_at timestamptz,
    received_at timestamptz,
    acknowledged_at timestamptz,
    first_acknowledged_at timestamptz,
    ended_at timestamptz,
    receipt_due_at timestamptz,
    acknowledgement_due_at timestamptz,
    due_at timestamptz,
    chases integer NOT NULL CHECK (chases >= 0),
    level integer NOT NULL CHECK (level >= 0),
    reminded_at timestamptz,
    part integer CHECK (part >= 1),
    force_reference text,
    rank smallint NOT NULL CHECK (rank IN (0, 1)),
    case_state text NOT NULL,
    PRIMARY KEY (referral_id, force_id),
    CONSTRAINT only_who_is_waited_for_is_late CHECK (due_at IS NULL OR state IN ('disseminated', 'received'))
) WITH (fillfactor = 70);
COMMENT ON COLUMN handoffs.disseminated_at IS 'Transport: the part is on the force''s topic. received_at: a connector has it. acknowledged_at: a person has.';
COMMENT ON COLUMN handoffs.due_at IS 'The deadline of the leg that runs; null where nobody is waited for. Once it has passed, the force is silent.';
COMMENT ON COLUMN handoffs.rank IS '0: a child is in danger; 1: not. As the case has it, and case_state likewise, so that a list is in one index.';
CREATE INDEX handoffs_due ON handoffs (rank, due_at, referral_id, force_id) WHERE due_at IS NOT NULL;
CREATE INDEX handoffs_by_force ON handoffs (force_id, referral_id DESC);
CREATE INDEX handoffs_by_force_and_state ON handoffs (force_id, case_state, referral_id DESC);
CREATE INDEX handoffs_by_reference ON handoffs (lower(force_reference) text_pattern_ops, referral_id)
    WHERE force_reference IS NOT NULL;

CREATE TABLE questions (
    referral_id uuid NOT NULL,
    asked_by text NOT NULL CHECK (asked_by IN ('triage', 'routing')),
    reasons text[] NOT NULL CHECK (cardinality(reasons) >= 1),
    about text[] NOT NULL,
    urgency text NOT NULL CHECK (urgency IN ('urgent', 'priority', 'routine')),
    rank smallint NOT NULL CHECK (rank IN (0, 1)),
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    waits_for_partner boolean NOT NULL,
    claimed_by text,
    PRIMARY KEY (referral_id, asked_by)
) WITH (fillfactor = 70);
COMMENT ON TABLE questions IS 'What waits for a named officer, in triage and in routing.';
COMMENT ON COLUMN questions.about IS 'The forces to choose from, or those that are silent.';
COMMENT ON COLUMN questions.due_at IS 'As triage gave it. Routing gives none: what it asks is due when it is asked.';
COMMENT ON COLUMN questions.claimed_by IS 'As the claim of the case has it, so that one index has a person''s questions in order.';
CREATE INDEX questions_in_turn ON questions (rank, due_at, referral_id, asked_by);
CREATE INDEX questions_of_officer ON questions (claimed_by, rank, due_at, referral_id, asked_by)
    WHERE claimed_by IS NOT NULL;
CREATE INDEX questions_unclaimed ON questions (rank, due_at, referral_id, asked_by) WHERE claimed_by IS NULL;

CREATE TABLE timeline (
    referral_id uuid NOT NULL,
    event_id text NOT NULL,
    ordered_at timestamptz NOT NULL,
    stage smallint NOT NULL CHECK (stage BETWEEN 0 AND 9),
    place bigint NOT NULL,
    happened_at timestamptz NOT NULL,
    actor text NOT NULL CHECK (actor ~ '^(rules|clock|(officer|partner|force):[a-z0-9.-]+)$'),
    what text NOT NULL CHECK (what ~ '^[a-z][a-z0-9_]*$'),
    why text[] NOT NULL,
    force_ids text[] NOT NULL,
    policy_version text,
    PRIMARY KEY (referral_id, event_id)
);
COMMENT ON TABLE timeline IS 'One line for each event of a case, codes and ids alone. What people wrote with it is in contents under the same event.';
COMMENT ON COLUMN timeline.ordered_at IS 'The broker''s time of the record: a service reads what led to it before, so this is the order in which things became true.';
COMMENT ON COLUMN timeline.place IS 'The record''s offset, for what was written in the same millisecond.';
CREATE INDEX timeline_in_order ON timeline (referral_id, ordered_at, stage, place, event_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON timeline
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE contents (
    referral_id uuid NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]*$'),
    said_at timestamptz NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (referral_id, event_id)
);
-- Compressing a few kilobytes costs more time than it saves space.
ALTER TABLE contents ALTER COLUMN body SET STORAGE EXTERNAL;
COMMENT ON TABLE contents IS 'What people wrote about people, as the record had it. Personal data. One module reads and writes it.';

CREATE TABLE attachments (
    referral_id uuid NOT NULL,
    attachment_id uuid NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    cleared_at timestamptz NOT NULL,
    PRIMARY KEY (referral_id, attachment_id)
);

CREATE TABLE failed_notices (
    notice_id uuid PRIMARY KEY,
    audience text NOT NULL,
    channel text NOT NULL,
    template text NOT NULL,
    referral_id uuid,
    attempts integer NOT NULL,
    code text NOT NULL,
    failed_at timestamptz NOT NULL
);
CREATE INDEX failed_notices_newest ON failed_notices (failed_at DESC, notice_id DESC);
CREATE INDEX failed_notices_of_case ON failed_notices (referral_id) WHERE referral_id IS NOT NULL;

CREATE TABLE dangers (
    event_id text PRIMARY KEY,
    partner_id text NOT NULL,
    partner_reference text,
    referral_id uuid,
    codes text[] NOT NULL,
    waits_until timestamptz,
    reported_at timestamptz NOT NULL
);
COMMENT ON TABLE dangers IS 'Danger in what the hub could not take: no case of its own, and a person must hear. Who to call is with the duty task.';
CREATE INDEX dangers_newest ON dangers (reported_at DESC, event_id DESC);

CREATE TABLE claims (
    referral_id uuid PRIMARY KEY,
    officer_id text NOT NULL,
    claimed_at timestamptz NOT NULL
);
CREATE INDEX claims_of_officer ON claims (officer_id, claimed_at, referral_id);

CREATE TABLE readings (
    referral_id uuid NOT NULL,
    officer_id text NOT NULL,
    seen_at timestamptz NOT NULL,
    seen_version integer NOT NULL,
    PRIMARY KEY (referral_id, officer_id)
);
COMMENT ON TABLE readings IS 'Who looked at a case last when, and how many lines it had then: who else is reading it, and what is new to whom.';

CREATE TABLE drafts (
    referral_id uuid NOT NULL,
    officer_id text NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]*$'),
    body bytea NOT NULL,
    saved_at timestamptz NOT NULL,
    PRIMARY KEY (referral_id, officer_id, kind)
);
COMMENT ON TABLE drafts IS 'What an officer began to write. Personal data. Read and written by the module of contents alone.';

CREATE TABLE officers_named (
    referral_id uuid NOT NULL,
    officer_id text NOT NULL,
    named_by text NOT NULL,
    named_at timestamptz NOT NULL,
    PRIMARY KEY (referral_id, officer_id)
);
COMMENT ON TABLE officers_named IS 'To whom a restricted case is open.';

CREATE TABLE acts (
    act_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    officer_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('consultation', 'alteration', 'disclosure', 'combination')),
    what text NOT NULL CHECK (what ~ '^[a-z][a-z_]*$'),
    referral_id uuid,
    why text,
    about text
);
COMMENT ON TABLE acts IS 'Who looked at what, and did what, at the console. A row of a view is committed before what is viewed is shown.';
COMMENT ON COLUMN acts.why IS 'A code, never anybody''s words.';
-- By time first, for the same reason as with cases.
CREATE INDEX acts_of_officer ON acts (officer_id, at DESC, act_id DESC);
CREATE INDEX acts_of_case ON acts (referral_id, at DESC, act_id DESC) WHERE referral_id IS NOT NULL;
CREATE INDEX acts_of_kind ON acts (kind, at DESC, act_id DESC);
CREATE INDEX acts_of_officer_and_kind ON acts (officer_id, kind, at DESC, act_id DESC);
CREATE INDEX acts_newest ON acts (at DESC, act_id DESC);
CREATE INDEX acts_of_glass ON acts (referral_id, officer_id, at) WHERE what = 'broke_glass';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON acts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE filters (
    officer_id text NOT NULL,
    list text NOT NULL CHECK (list ~ '^[a-z][a-z_]*$'),
    filter jsonb NOT NULL CHECK (jsonb_typeof(filter) = 'object' AND length(filter::text) <= 2000),
    remembered_at timestamptz NOT NULL,
    PRIMARY KEY (officer_id, list)
);

CREATE TABLE followed (
    topic text NOT NULL,
    partition integer NOT NULL,
    complete_to timestamptz NOT NULL,
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition)
);
COMMENT ON COLUMN followed.complete_to IS 'All that was written to the partition until then is in these tables.';
