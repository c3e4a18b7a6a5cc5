-- Assessments, the review queue, what partners added, and who looked and did what.
-- `refuse_change` comes from the chassis' own migrations, which run first.

CREATE TABLE assessments (
    referral_id uuid PRIMARY KEY,
    partner_id text NOT NULL,
    partner_reference text NOT NULL,
    received_at timestamptz NOT NULL,
    body bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('under_review', 'accepted', 'declined', 'withdrawn')),
    danger_raised boolean NOT NULL,
    rounds smallint NOT NULL CHECK (rounds BETWEEN 0 AND 2),
    decided_by text CHECK (decided_by ~ '^(rules|officer:.+)$'),
    decided_at timestamptz,
    grounds text[] NOT NULL,
    home_force text,
    decline_reason text,
    declined_by text,
    policy_version text NOT NULL,
    UNIQUE (referral_id, state),
    CONSTRAINT decisions_are_whole CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT under_review_is_undecided CHECK (state <> 'under_review' OR (decided_by IS NULL AND rounds > 0)),
    CONSTRAINT accepted_has_grounds CHECK (state <> 'accepted' OR (decided_by IS NOT NULL AND cardinality(grounds) > 0)),
    CONSTRAINT declined_has_reason CHECK (state <> 'declined' OR (decline_reason IS NOT NULL AND declined_by IS NOT NULL)),
    CONSTRAINT no_machine_declines CHECK (decline_reason IS NULL OR (rounds > 0 AND decided_by = 'officer:' || declined_by)),
    CONSTRAINT second_look_follows_decline CHECK (rounds < 2 OR declined_by IS NOT NULL)
);
COMMENT ON TABLE assessments IS 'One row per referral: where triage stands, who decided, on which grounds, under which policy.';
COMMENT ON COLUMN assessments.body IS 'The ReferralReceived event as it came. Personal data.';
COMMENT ON COLUMN assessments.rounds IS 'Reviews opened so far: 2 after a reconsideration.';
COMMENT ON COLUMN assessments.declined_by IS 'The officer who declined last, who may not decide the second look.';

CREATE TABLE reviews (
    referral_id uuid PRIMARY KEY,
    state text NOT NULL DEFAULT 'under_review' CHECK (state = 'under_review'),
    reasons text[] NOT NULL CHECK (cardinality(reasons) > 0),
    urgency text NOT NULL CHECK (urgency IN ('urgent', 'priority', 'routine')),
    urgency_rank smallint NOT NULL GENERATED ALWAYS AS (array_position(ARRAY['urgent', 'priority', 'routine'], urgency)) STORED,
    immediate_danger boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    waiting_for_partner boolean NOT NULL,
    FOREIGN KEY (referral_id, state) REFERENCES assessments (referral_id, state)
);
COMMENT ON TABLE reviews IS 'The open reviews. The foreign key makes an open review of a decided referral impossible.';
CREATE INDEX reviews_queue ON reviews (immediate_danger DESC, urgency_rank, due_at, opened_at, referral_id);

CREATE TABLE supplements (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    referral_id uuid NOT NULL REFERENCES assessments (referral_id),
    event_id text NOT NULL,
    body bytea NOT NULL,
    arrived_at timestamptz NOT NULL,
    UNIQUE (referral_id, event_id)
);
COMMENT ON COLUMN supplements.body IS 'The InformationSupplied event as it came. Personal data.';

CREATE TABLE history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    referral_id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL CHECK (actor ~ '^(rules|(officer|partner):.+)$'),
    what text NOT NULL CHECK (what ~ '^[a-z_]+$'),
    why text NOT NULL CHECK (why ~ '^[a-z_ ]*$'),
    policy_version text NOT NULL,
    event_id text NOT NULL
);
COMMENT ON COLUMN history.why IS 'Codes, separated by spaces; never words of a person.';
CREATE INDEX history_referral ON history (referral_id, id);

CREATE TABLE remarks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    referral_id uuid NOT NULL REFERENCES assessments (referral_id),
    at timestamptz NOT NULL,
    actor text NOT NULL,
    what text NOT NULL,
    text text NOT NULL
);
COMMENT ON TABLE remarks IS 'What officers and partners wrote about a decision, for who decides next. May hold personal data.';
CREATE INDEX remarks_referral ON remarks (referral_id, id);

CREATE TABLE consultations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    referral_id uuid NOT NULL,
    officer_id text NOT NULL CHECK (officer_id <> ''),
    at timestamptz NOT NULL
);
COMMENT ON TABLE consultations IS 'Who looked at which case, and when: section 62 of the Data Protection Act 2018.';
CREATE INDEX consultations_referral ON consultations (referral_id, id);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consultations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
