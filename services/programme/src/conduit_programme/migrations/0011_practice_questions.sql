-- Advice without a referral: what partners ask, what the hub and forces say to it, and how it ended. No table here has a place for a
-- case, and words are in `contents`.

CREATE TABLE practice_questions (
    question_id uuid PRIMARY KEY,
    partner_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('referral', 'force', 'evidence', 'safeguarding', 'recording', 'other')),
    force_ids text[] NOT NULL,
    force_may boolean NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    due_on date NOT NULL,
    waits_until date,
    held_by text,
    answered_at timestamptz,
    outcome text CHECK (outcome IN ('answered', 'referral', 'withdrawn', 'struck')),
    ended_at timestamptz,
    struck_why text CHECK (struck_why IN ('names', 'reaches', 'places', 'numbers', 'details')),
    CONSTRAINT it_ended_somehow CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CONSTRAINT what_ended_waits_for_nobody CHECK (outcome IS NULL OR waits_until IS NULL),
    CONSTRAINT what_is_open_waits_or_was_answered
        CHECK (outcome IS NOT NULL OR waits_until IS NOT NULL OR answered_at IS NOT NULL),
    CONSTRAINT only_what_was_answered_ended_so CHECK (outcome <> 'answered' OR answered_at IS NOT NULL),
    CONSTRAINT what_ended_by_being_struck_says_why CHECK (outcome <> 'struck' OR struck_why IS NOT NULL)
);
COMMENT ON COLUMN practice_questions.force_ids IS 'Areas concerned, as the partner has them. It gives no force anything.';
COMMENT ON COLUMN practice_questions.force_may IS 'Whether the partner agrees that a force''s people are brought in.';
COMMENT ON COLUMN practice_questions.due_on IS 'By when it is to be answered first. It never changes, and is what answers are counted by.';
COMMENT ON COLUMN practice_questions.waits_until IS 'By when the hub is to write next. Null: it is not the hub''s turn.';
CREATE INDEX practice_questions_waiting ON practice_questions (waits_until, question_id) WHERE waits_until IS NOT NULL;
CREATE INDEX practice_questions_answered ON practice_questions (answered_at DESC, question_id DESC)
    WHERE outcome IS NULL AND waits_until IS NULL;
CREATE INDEX practice_questions_ended ON practice_questions (ended_at DESC, question_id DESC) WHERE outcome IS NOT NULL;
CREATE INDEX practice_questions_of_partner ON practice_questions (partner_id, asked_at DESC, question_id DESC);
CREATE INDEX practice_questions_asked ON practice_questions (asked_at);

CREATE TABLE practice_messages (
    question_id uuid NOT NULL REFERENCES practice_questions,
    number smallint NOT NULL CHECK (number BETWEEN 1 AND 100),
    side text NOT NULL CHECK (side ~ '^(hub|(partner|force)\.[a-z0-9-]+)$'),
    words_id uuid NOT NULL,
    answers boolean NOT NULL,
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (question_id, number),
    CONSTRAINT only_the_hub_answers CHECK (side = 'hub' OR NOT answers)
);
COMMENT ON TABLE practice_messages IS 'What each side wrote, in the order written. The first one is the question.';

CREATE TABLE practice_forces (
    question_id uuid NOT NULL REFERENCES practice_questions,
    force_id text NOT NULL,
    from_number smallint NOT NULL,
    brought_by text NOT NULL,
    brought_at timestamptz NOT NULL,
    PRIMARY KEY (question_id, force_id),
    FOREIGN KEY (question_id, from_number) REFERENCES practice_messages (question_id, number)
);
COMMENT ON COLUMN practice_forces.from_number IS 'What the hub told the force when it was brought in. It reads that and what came after.';
CREATE INDEX practice_questions_of_force ON practice_forces (force_id, brought_at DESC, question_id DESC);

CREATE TABLE practice_dangers (
    on_day date PRIMARY KEY,
    number integer NOT NULL CHECK (number > 0)
);
COMMENT ON TABLE practice_dangers IS 'How often somebody who wanted to ask said that a child is in danger now. Nothing else of it is kept.';
