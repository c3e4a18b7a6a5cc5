-- A line of history that an operator's replay led to says so: the chassis sets this for the transaction of a replay.
ALTER TABLE history ADD COLUMN replayed_by text DEFAULT nullif(current_setting('conduit.replayed_by', true), '');
COMMENT ON COLUMN history.replayed_by IS 'The operator who had the record brought back that led to this; null for every other line.';
