-- No unique constraint: a second effect of one record must be seen, not refused.
CREATE TABLE effects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    topic text NOT NULL,
    key text,
    number integer,
    principal text NOT NULL
);
