-- What a process had begun when it was killed. Rows are there while a big batch is handled, or any in a process's first
-- minute; a row that is still there when its records come again says that they may have killed the process.
CREATE TABLE begun (
    topic text NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    last_offset bigint NOT NULL CHECK (last_offset >= first_offset),
    alone integer NOT NULL DEFAULT 0 CHECK (alone >= 0),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, first_offset)
);
COMMENT ON COLUMN begun.alone IS 'How often this record was begun with no other beside it, and its process did not live to say how it went.';
