-- Places of partitions at which reading waits, as what stands there cannot be read. An operator sees them here, and leads
-- the service past one. Places of before stay, as the record of who passed them.
CREATE TABLE unreadable_places (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    last_offset bigint NOT NULL CHECK (last_offset >= record_offset),
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    passed_at timestamptz,
    passed_by text CHECK (passed_by <> ''),
    passed_why text CHECK (passed_why <> ''),
    UNIQUE (topic, partition, record_offset),
    CHECK ((passed_at IS NULL) = (passed_by IS NULL) AND (passed_at IS NULL) = (passed_why IS NULL))
);
COMMENT ON COLUMN unreadable_places.seen_at IS 'When a service last waited here. Where it no longer does, this is past.';
