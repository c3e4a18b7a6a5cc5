-- What was heard, who considered it, and what came of it.

CREATE TABLE insights (
    insight_id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisations,
    source text NOT NULL CHECK (source IN ('offered', 'noted', 'feedback')),
    speaker text NOT NULL CHECK (speaker IN ('practitioner', 'manager', 'helpline', 'young_person', 'adult_survivor',
        'parent_or_carer', 'community', 'police', 'other')),
    activity_id uuid,
    heard_on date NOT NULL,
    heard_by text NOT NULL,
    heard_at timestamptz NOT NULL,
    due_on date NOT NULL,
    words_id uuid NOT NULL,
    four_p text CHECK (four_p IN ('prepare', 'protect', 'prevent', 'pursue')),
    considered_by text,
    considered_at timestamptz,
    answered_at timestamptz,
    CONSTRAINT who_considered_it_did_so_at_a_time CHECK ((considered_by IS NULL) = (considered_at IS NULL)),
    CONSTRAINT what_was_considered_belongs_to_one_of_the_four CHECK (considered_at IS NULL OR four_p IS NOT NULL),
    CONSTRAINT what_was_answered_was_considered CHECK (answered_at IS NULL OR considered_at IS NOT NULL)
);
COMMENT ON TABLE insights IS 'What an organisation told the hub, and until when it is to have an answer. It is joined to no case.';
COMMENT ON COLUMN insights.activity_id IS 'The activity in which it was heard, where it was heard in one.';
COMMENT ON COLUMN insights.answered_at IS 'When it was answered first. Later answers leave it as it is.';
CREATE INDEX insights_open ON insights (due_on, insight_id) WHERE answered_at IS NULL;
CREATE INDEX insights_answered ON insights (answered_at DESC, insight_id DESC) WHERE answered_at IS NOT NULL;
CREATE INDEX insights_of_organisation ON insights (organisation_id, heard_at DESC, insight_id DESC);
CREATE INDEX insights_heard ON insights (heard_on, four_p);

CREATE TABLE insight_answers (
    insight_id uuid NOT NULL REFERENCES insights,
    number smallint NOT NULL CHECK (number > 0),
    outcome text NOT NULL CHECK (outcome IN ('changed', 'not_changed')),
    changed_on date,
    words_id uuid NOT NULL,
    answered_by text NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (insight_id, number),
    CONSTRAINT what_changed_did_so_on_a_day CHECK ((changed_on IS NOT NULL) = (outcome = 'changed'))
);
COMMENT ON TABLE insight_answers IS 'What the hub answered. The last one holds; earlier ones stay to be read.';
CREATE INDEX insight_answers_changed ON insight_answers (changed_on) WHERE changed_on IS NOT NULL;

CREATE TABLE measures (
    measure_id uuid PRIMARY KEY,
    four_p text NOT NULL CHECK (four_p IN ('prepare', 'protect', 'prevent', 'pursue')),
    counts text NOT NULL CHECK (counts IN ('hand_offs', 'acknowledgements', 'referrers_feedback', 'people_trained',
        'people_reached', 'people_supported', 'organisations', 'other')),
    words_id uuid NOT NULL,
    agreed_on date NOT NULL,
    agreed_by text NOT NULL,
    ended_on date,
    CONSTRAINT under_pursue_only_what_the_conduit_did_and_heard
        CHECK (four_p <> 'pursue' OR counts IN ('hand_offs', 'acknowledgements', 'referrers_feedback')),
    CONSTRAINT a_measure_ends_after_it_was_agreed CHECK (ended_on >= agreed_on)
);
COMMENT ON TABLE measures IS 'What the hub and its partners agreed to look at, to see whether something gets better.';
CREATE INDEX measures_of_p ON measures (four_p, agreed_on, measure_id);

CREATE TABLE measure_readings (
    measure_id uuid NOT NULL REFERENCES measures,
    quarter_from date NOT NULL CHECK (extract(day FROM quarter_from) = 1 AND extract(month FROM quarter_from) IN (1, 4, 7, 10)),
    figure integer NOT NULL CHECK (figure >= 0),
    words_id uuid NOT NULL,
    noted_by text NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (measure_id, quarter_from)
);
COMMENT ON TABLE measure_readings IS 'What a measure was in a quarter. A correction takes the place of what stood there.';
