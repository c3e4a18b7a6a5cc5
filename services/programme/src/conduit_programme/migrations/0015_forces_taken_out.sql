-- A force that was brought into a practice question by mistake is taken out again. Its row goes, so that no release shows it the question.

CREATE TABLE practice_forces_taken_out (
    question_id uuid NOT NULL REFERENCES practice_questions,
    force_id text NOT NULL,
    from_number smallint NOT NULL,
    brought_by text NOT NULL,
    brought_at timestamptz NOT NULL,
    why text NOT NULL CHECK (why IN ('wrong_force', 'not_needed', 'conflict')),
    taken_out_by text NOT NULL,
    taken_out_at timestamptz NOT NULL,
    PRIMARY KEY (question_id, force_id, taken_out_at)
);
COMMENT ON TABLE practice_forces_taken_out IS 'Forces that are no longer part of a question: from when until when they were, and why. What they wrote stays.';
