-- What a service told the hub of its cases, kept for as long as the cases, so that the console can be rebuilt when topics
-- have deleted it (decision 46). The relay moves it here from the outbox, with the place and time that the broker gave it.
ALTER TABLE outbox
    ADD COLUMN fact bytea,
    ADD COLUMN late boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outbox.fact IS 'What is kept of it once Kafka has it; empty: its value. Null: nothing.';
COMMENT ON COLUMN outbox.late IS 'It is sent only while nothing else waits.';
CREATE INDEX outbox_late ON outbox (shard, id) WHERE late;

CREATE TABLE facts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    headers text NOT NULL,
    value bytea NOT NULL
);
-- Compressing a few hundred bytes costs more time than it saves space.
ALTER TABLE facts ALTER COLUMN value SET STORAGE EXTERNAL;
COMMENT ON TABLE facts IS 'Events that the console follows, in the order in which Kafka took them. Some hold what people wrote: personal data.';
COMMENT ON COLUMN facts.recorded_at IS 'The broker''s time of the event''s first record, and its partition and offset beside it.';

CREATE TABLE keeping_facts (since timestamptz NOT NULL);
COMMENT ON TABLE keeping_facts IS 'Since when all facts are kept: one row.';
-- A relay of the release before sends some without keeping them, until it is replaced.
INSERT INTO keeping_facts (since)
SELECT clock_timestamp() + CASE WHEN EXISTS (SELECT FROM inbox) THEN interval '1 hour' ELSE interval '0' END;

CREATE TABLE snapshot_orders (
    order_id uuid PRIMARY KEY,
    actor text NOT NULL CHECK (actor <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    ordered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    after_event bigint NOT NULL,
    last_fact bigint,
    published_to bigint NOT NULL DEFAULT 0,
    published bigint NOT NULL DEFAULT 0 CHECK (published >= 0),
    ended_at timestamptz,
    CONSTRAINT what_ended_had_an_end CHECK (ended_at IS NULL OR last_fact IS NOT NULL)
);
COMMENT ON TABLE snapshot_orders IS 'Who had all facts published once more, why, and how far that is.';
COMMENT ON COLUMN snapshot_orders.after_event IS 'It begins once the outbox has no fact up to this id: all that was told before the order is in it.';
COMMENT ON COLUMN snapshot_orders.published_to IS 'The last fact that was published. It goes on behind it, whatever was killed.';
