-- The console rebuilt from what the services keep (decision 46): its copy of where every case stands is emptied, and filled from
-- their snapshots. What the hub's own people left behind stays: acts, claims, drafts, readings, names, filters, sent commands.
CREATE TABLE rebuilds (
    rebuild_id uuid PRIMARY KEY,
    actor text NOT NULL CHECK (actor <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    begun_at timestamptz NOT NULL,
    ended_at timestamptz CHECK (ended_at >= begun_at)
);
CREATE UNIQUE INDEX one_rebuild_at_a_time ON rebuilds ((true)) WHERE ended_at IS NULL;
COMMENT ON TABLE rebuilds IS 'Who had the console rebuilt, and why. While one is under way, every list says that it is incomplete.';

CREATE TABLE rebuild_sources (
    rebuild_id uuid NOT NULL REFERENCES rebuilds,
    service text NOT NULL,
    taken bigint NOT NULL DEFAULT 0 CHECK (taken >= 0),
    ended_at timestamptz,
    facts bigint,
    PRIMARY KEY (rebuild_id, service),
    CONSTRAINT an_end_has_a_number CHECK ((ended_at IS NULL) = (facts IS NULL))
);
COMMENT ON COLUMN rebuild_sources.taken IS 'How many of the snapshot''s facts were read.';
COMMENT ON COLUMN rebuild_sources.ended_at IS 'The broker''s time of the snapshot''s last record. Null: it has not been read.';
COMMENT ON COLUMN rebuild_sources.facts IS 'How many facts the service published once more.';

CREATE TABLE held_facts (
    referral_id uuid NOT NULL,
    event_id text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    place bigint NOT NULL,
    stage smallint NOT NULL,
    ordered_at timestamptz NOT NULL,
    happened_at timestamptz NOT NULL,
    kind text NOT NULL,
    said bytea NOT NULL,
    PRIMARY KEY (referral_id, event_id)
);
COMMENT ON TABLE held_facts IS 'What services told of cases whose earlier facts are not back yet. It takes effect after those, in its order. Codes and ids alone.';

-- A line of a timeline is never changed; a rebuild alone takes all of them away, to write them again.
CREATE FUNCTION refuse_unless_rebuilt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' OR current_setting('conduit.rebuilds', true) IS DISTINCT FROM 'timeline' THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER append_only ON timeline;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON timeline
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unless_rebuilt();

CREATE FUNCTION begin_rebuild(rebuild uuid, by text, why text, services text[], first_kept uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('conduit.rebuilds', 'timeline', true);
    -- Cases first: whoever follows facts has locked theirs, and whoever begins looks for a rebuild after them.
    LOCK TABLE cases IN ACCESS EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM cases WHERE referral_id < first_kept) THEN
        DELETE FROM handoffs WHERE referral_id >= first_kept;
        DELETE FROM questions WHERE referral_id >= first_kept;
        DELETE FROM timeline WHERE referral_id >= first_kept;
        DELETE FROM contents WHERE referral_id >= first_kept;
        DELETE FROM attachments WHERE referral_id >= first_kept;
        DELETE FROM cases WHERE referral_id >= first_kept;
    ELSE
        TRUNCATE cases, handoffs, questions, timeline, contents, attachments, failed_notices, dangers, duty_tasks;
    END IF;
    TRUNCATE held_facts;
    INSERT INTO rebuilds (rebuild_id, actor, reason, begun_at) VALUES (rebuild, by, why, clock_timestamp());
    INSERT INTO rebuild_sources (rebuild_id, service) SELECT rebuild, unnest(services);
    PERFORM set_config('conduit.rebuilds', '', true);
END
$$;
COMMENT ON FUNCTION begin_rebuild IS 'Empties the copy of all cases from the id first_kept on; the services kept all facts of those.';
