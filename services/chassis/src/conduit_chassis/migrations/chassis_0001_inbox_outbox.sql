-- What every service of the conduit has beside its own tables.

CREATE TABLE inbox (
    topic text NOT NULL,
    event_id text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, event_id)
);
COMMENT ON TABLE inbox IS 'Records whose effect is in this database. Kept longer than any record can come again.';
CREATE INDEX inbox_seen_at ON inbox USING brin (seen_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    shard smallint NOT NULL,
    topic text NOT NULL,
    key bytea,
    headers text NOT NULL,
    value bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shard, id)
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON TABLE outbox IS 'Events committed but not yet confirmed by Kafka. Deleted on confirmation.';

CREATE TABLE outbox_rejected (
    id bigint PRIMARY KEY,
    topic text NOT NULL,
    key bytea,
    headers text NOT NULL,
    value bytea,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE outbox_rejected IS 'Events that Kafka will not take. They wait here for a person.';

CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    key bytea,
    lane bytea,
    digest bytea NOT NULL,
    reason text NOT NULL,
    error_class text,
    attempts integer NOT NULL DEFAULT 1 CHECK (attempts > 0),
    at timestamptz NOT NULL,
    resolved_at timestamptz
);
COMMENT ON COLUMN dead_letters.lane IS 'What later records are parked behind this one; null where it holds nobody up.';
COMMENT ON COLUMN dead_letters.digest IS 'SHA-256 of the record, so that a replay is known to be the same record.';
CREATE INDEX dead_letters_waiting ON dead_letters (lane, id) WHERE resolved_at IS NULL;

CREATE TABLE dead_letter_actions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dead_letter_id bigint NOT NULL REFERENCES dead_letters (id),
    action text NOT NULL CHECK (action IN ('replayed', 'discarded')),
    actor text NOT NULL CHECK (actor <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dead_letter_actions_letter ON dead_letter_actions (dead_letter_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;
COMMENT ON FUNCTION refuse_change IS 'For BEFORE UPDATE OR DELETE triggers of append-only tables.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dead_letter_actions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
