-- What became of officers' commands that had no effect, or took effect over something new. Their officers ask for it.

CREATE TABLE command_answers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    command_id text NOT NULL,
    officer_id text,
    referral_id uuid,
    answer text NOT NULL CHECK (answer IN ('ignored', 'refused', 'outdated')),
    code text CHECK (code ~ '^[a-z_]+$'),
    problems jsonb NOT NULL,
    changes text[] NOT NULL,
    CONSTRAINT an_answer_says_why CHECK (code IS NOT NULL OR jsonb_array_length(problems) > 0)
);
COMMENT ON TABLE command_answers IS 'Codes, fields and texts of the contract, never what a command said.';
COMMENT ON COLUMN command_answers.officer_id IS 'Null where the record names no officer that can be read: then every officer is shown it.';
CREATE INDEX command_answers_officer ON command_answers (officer_id, id);
