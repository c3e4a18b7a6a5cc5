-- Who received what. Hand-off state only: nothing here says how a force investigates.

CREATE TABLE cases (
    referral_id uuid PRIMARY KEY,
    partner_id text NOT NULL,
    partner_reference text NOT NULL,
    body bytea NOT NULL,
    urgency text NOT NULL CHECK (urgency IN ('urgent', 'priority', 'routine')),
    immediate_danger boolean NOT NULL,
    provisional boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    policy_version text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'handed_over', 'declined', 'withdrawn')),
    home_force text,
    basis text CHECK (
        basis IN ('named_by_officer', 'most_offence_places', 'most_victims', 'first_victims_home', 'suggested_by_force')
    ),
    interim_owner text,
    version integer NOT NULL CHECK (version > 0),
    CONSTRAINT a_basis_is_of_a_home_force CHECK ((basis IS NULL) = (home_force IS NULL)),
    CONSTRAINT a_child_is_never_between_two_forces CHECK (home_force IS NULL OR interim_owner IS NOT NULL),
    CONSTRAINT handed_over_is_settled CHECK (state <> 'handed_over' OR (home_force IS NOT NULL AND NOT provisional)),
    CONSTRAINT only_provisional_is_declined CHECK (state <> 'declined' OR provisional)
);
-- Compressing a few kilobytes costs more time than it saves space.
ALTER TABLE cases ALTER COLUMN body SET STORAGE EXTERNAL;
COMMENT ON COLUMN cases.body IS 'The triage record that holds the referral, as it came. Personal data.';
COMMENT ON COLUMN cases.version IS 'The number of the last line of history.';
CREATE INDEX cases_with_nobody ON cases (opened_at) WHERE interim_owner IS NULL AND state = 'open';

CREATE TABLE handoffs (
    referral_id uuid NOT NULL REFERENCES cases,
    force_id text NOT NULL,
    areas text[] NOT NULL,
    state text NOT NULL CHECK (state IN ('disseminated', 'received', 'acknowledged', 'declined', 'stood_down')),
    disseminated_at timestamptz NOT NULL,
    receipt_due_at timestamptz NOT NULL,
    acknowledgement_due_at timestamptz NOT NULL,
    next_action_at timestamptz,
    received_at timestamptz,
    acknowledged_at timestamptz,
    declined_at timestamptz,
    stood_down_at timestamptz,
    chases integer NOT NULL CHECK (chases >= 0),
    level integer NOT NULL CHECK (level >= 0),
    force_reference text,
    PRIMARY KEY (referral_id, force_id),
    CONSTRAINT its_own_area_is_among_them CHECK (force_id = ANY (areas)),
    CONSTRAINT due_after_dissemination CHECK (receipt_due_at > disseminated_at AND acknowledgement_due_at > disseminated_at),
    CONSTRAINT disseminated_is_not_more CHECK (state <> 'disseminated' OR (received_at IS NULL AND acknowledged_at IS NULL)),
    CONSTRAINT received_has_a_time CHECK (state NOT IN ('received', 'acknowledged') OR received_at IS NOT NULL),
    CONSTRAINT acknowledged_has_a_time CHECK (state <> 'acknowledged' OR (acknowledged_at IS NOT NULL AND declined_at IS NULL)),
    CONSTRAINT declined_has_a_time CHECK (state <> 'declined' OR declined_at IS NOT NULL),
    CONSTRAINT stood_down_has_a_time CHECK (state <> 'stood_down' OR stood_down_at IS NOT NULL),
    CONSTRAINT clocks_run_only_while_waiting CHECK (next_action_at IS NULL OR state IN ('disseminated', 'received'))
);
COMMENT ON COLUMN handoffs.areas IS 'Whose area''s persons and places the force sees: its own, and those it stands in for.';
COMMENT ON COLUMN handoffs.next_action_at IS 'When the clock''s next step is due. Null: answered, withdrawn, or with the hub.';
CREATE INDEX handoffs_due ON handoffs (next_action_at) WHERE next_action_at IS NOT NULL;
CREATE INDEX handoffs_waiting ON handoffs (disseminated_at) WHERE state IN ('disseminated', 'received');

CREATE TABLE supplements (
    referral_id uuid NOT NULL REFERENCES cases,
    number integer NOT NULL CHECK (number > 0),
    body bytea NOT NULL,
    PRIMARY KEY (referral_id, number)
);
COMMENT ON COLUMN supplements.body IS 'The triage record that holds the supplement, as it came. Personal data.';

CREATE TABLE routing_reviews (
    referral_id uuid NOT NULL REFERENCES cases,
    number integer NOT NULL,
    reason text NOT NULL,
    about text NOT NULL,
    candidates text[] NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz CHECK (closed_at >= opened_at),
    PRIMARY KEY (referral_id, number)
);
COMMENT ON COLUMN routing_reviews.number IS 'The line of history that says it was opened.';
COMMENT ON COLUMN routing_reviews.about IS 'The force whose hand-off is meant, or empty for the case as a whole.';
CREATE UNIQUE INDEX routing_reviews_open ON routing_reviews (referral_id, reason, about) WHERE closed_at IS NULL;
CREATE INDEX routing_reviews_waiting ON routing_reviews (opened_at) WHERE closed_at IS NULL;

CREATE TABLE history (
    referral_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    at timestamptz NOT NULL,
    actor text NOT NULL CHECK (actor ~ '^(rules|clock|(officer|partner|force):[a-z0-9.-]+)$'),
    what text NOT NULL CHECK (what ~ '^[a-z_]+$'),
    why text NOT NULL CHECK (why ~ '^[a-z_]*$'),
    force_id text,
    policy_version text NOT NULL,
    cause_id text,
    sent_id uuid,
    PRIMARY KEY (referral_id, version)
);
COMMENT ON TABLE history IS 'Every change of a case: who, what, when, why. Codes and ids only, never anybody''s words.';
COMMENT ON COLUMN history.cause_id IS 'The record that caused it: an event id, or topic/partition/offset where it came from outside; null for the clock.';
COMMENT ON COLUMN history.sent_id IS 'The event by which the force was told.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
