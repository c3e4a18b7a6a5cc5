-- What is new to whom. A line knows which one it was when the console heard of it: a fact that is read late stands further up in
-- the timeline, and is new all the same. Lines that the previous release wrote have none.
ALTER TABLE timeline ADD COLUMN version integer CHECK (version >= 1);
COMMENT ON COLUMN timeline.version IS 'How many lines the case had with this one, in the order in which the console came to know them.';

-- Who looks again within minutes is still reading: what was new when they came stays new until they have been away.
ALTER TABLE readings ADD COLUMN before_version integer, ADD COLUMN before_at timestamptz,
    ADD CONSTRAINT looked_before_at_some_time CHECK ((before_version IS NULL) = (before_at IS NULL));
COMMENT ON COLUMN readings.before_version IS 'How many lines it had when they last looked before they came now. Null: they had never looked.';

-- What triage judged when it last put the case to an officer: numbers, thresholds and the policy's version. Nobody's words.
ALTER TABLE cases ADD COLUMN assessment text CHECK (assessment IS JSON OBJECT);
COMMENT ON COLUMN cases.assessment IS 'As JSON; null where triage did not say it, as before 0.2, or never asked an officer.';
