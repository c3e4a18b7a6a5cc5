-- `conduit trace` finds a referral by the id of an event; why by this kind of index: see intake's migration of this name.

CREATE INDEX history_event ON history USING brin (event_id text_bloom_ops (n_distinct_per_range = 2000))
WITH (pages_per_range = 32, autosummarize = on);
-- The stretch that is being written has no filter until it is full: each row would write the whole of it to the WAL again.
SELECT brin_desummarize_range(
    'history_event', pg_relation_size('history') / current_setting('block_size')::bigint / 32 * 32
);
