-- Officers take duty tasks on the pages, and ask each other before they decide.
ALTER TABLE duty_tasks ADD COLUMN next_call_at timestamptz;
COMMENT ON COLUMN duty_tasks.next_call_at IS 'When the next on duty is called, if nobody has taken it by then.';
CREATE INDEX duty_tasks_of_taker ON duty_tasks (taken_by, taken_at DESC, task_id) WHERE taken_at IS NOT NULL;

CREATE TABLE sent_takings (
    command_id uuid PRIMARY KEY,
    task_id uuid NOT NULL,
    officer_id text NOT NULL,
    sent_at timestamptz NOT NULL,
    taken boolean,
    answered_at timestamptz,
    why text[] NOT NULL DEFAULT '{}',
    CHECK ((taken IS NULL) = (answered_at IS NULL))
);
COMMENT ON TABLE sent_takings IS 'Duty tasks that officers want to take, from the moment at which that was written to the outbox, and what came of it.';
CREATE INDEX sent_takings_of_task ON sent_takings (task_id, officer_id, sent_at DESC);

CREATE TABLE whom_to_call (
    task_id uuid NOT NULL,
    officer_id text NOT NULL,
    said_at timestamptz NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (task_id, officer_id)
);
COMMENT ON TABLE whom_to_call IS 'Whom an officer is to call who took a duty task, as the record had it. Personal data. The module of contents alone reads and writes it.';
CREATE INDEX whom_to_call_oldest ON whom_to_call (said_at);

CREATE TABLE second_opinions (
    opinion_id uuid PRIMARY KEY,
    referral_id uuid NOT NULL,
    about text NOT NULL CHECK (about ~ '^[a-z][a-z_]*$'),
    asked_by text NOT NULL,
    asked_of text CHECK (asked_of <> asked_by),
    asked_at timestamptz NOT NULL,
    mark text,
    answered_by text,
    answered_at timestamptz,
    answer text CHECK (answer IN ('agrees', 'disagrees', 'withdrawn')),
    CONSTRAINT an_answer_has_its_person CHECK (num_nulls(answered_by, answered_at, answer) IN (0, 3)),
    CONSTRAINT another_person CHECK (answer IS NULL OR (answer = 'withdrawn') = (answered_by = asked_by))
);
COMMENT ON COLUMN second_opinions.asked_of IS 'Null: whoever else decides.';
COMMENT ON COLUMN second_opinions.mark IS 'The digest of what the asker would send, as it was when they asked. Null: nothing was written yet.';
CREATE INDEX second_opinions_of_case ON second_opinions (referral_id, asked_at);
CREATE INDEX second_opinions_waiting ON second_opinions (asked_at) WHERE answer IS NULL;
CREATE INDEX second_opinions_answered ON second_opinions (answered_at) WHERE answer IN ('agrees', 'disagrees');
CREATE INDEX second_opinions_of_asker ON second_opinions (asked_by, asked_at DESC);

CREATE TABLE opinion_words (
    opinion_id uuid NOT NULL,
    part text NOT NULL CHECK (part IN ('asked', 'draft', 'answered')),
    body bytea NOT NULL,
    PRIMARY KEY (opinion_id, part)
);
COMMENT ON TABLE opinion_words IS 'What officers wrote to each other about a case. Personal data. The module of contents alone reads and writes it.';

-- What is newest is looked for once a second while anybody has a page open.
CREATE INDEX questions_newest ON questions (opened_at);
