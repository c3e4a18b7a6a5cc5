-- `conduit trace` finds a submission by the id of an event. A row's place follows from when it was written, so a filter for
-- each stretch of the table does: a hundredth of its size, and next to nothing when a row is written, where a B-tree would
-- cost every referral a page.

CREATE INDEX history_event ON history USING brin (
    event_id text_bloom_ops (n_distinct_per_range = 2000),
    submission_id text_bloom_ops (n_distinct_per_range = 2000)
) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX history_refused ON history (partner_reference) WHERE referral_id IS NULL AND partner_reference IS NOT NULL;

-- The sandbox's tables are as their twins.
CREATE INDEX history_event ON sandbox.history USING brin (
    event_id text_bloom_ops (n_distinct_per_range = 2000),
    submission_id text_bloom_ops (n_distinct_per_range = 2000)
) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX history_refused ON sandbox.history (partner_reference)
    WHERE referral_id IS NULL AND partner_reference IS NOT NULL;
-- The stretch that is being written has no filter until it is full: each row would write the whole of it to the WAL again.
SELECT brin_desummarize_range(
    'history_event', pg_relation_size('history') / current_setting('block_size')::bigint / 32 * 32
);
