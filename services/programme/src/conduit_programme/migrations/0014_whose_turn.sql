-- Whose turn it is in a practice question: a force that was brought in has a day, too. And what the hub was told is overdue.

ALTER TABLE practice_forces ADD COLUMN answer_by date;
COMMENT ON COLUMN practice_forces.answer_by IS 'By when the force is to write. Null: it has written, or was brought in before there was such a day.';
CREATE INDEX practice_forces_waiting ON practice_forces (answer_by, question_id) WHERE answer_by IS NOT NULL;
CREATE INDEX practice_questions_open ON practice_questions (partner_id) WHERE outcome IS NULL;

CREATE TABLE practice_overdue (
    question_id uuid NOT NULL REFERENCES practice_questions,
    force_id text NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (question_id, force_id)
);
COMMENT ON TABLE practice_overdue IS 'What the hub was told has no answer in time. A row goes once there is one, and that is told as well.';
COMMENT ON COLUMN practice_overdue.force_id IS 'The force that has not written; empty where the hub itself has not answered.';
