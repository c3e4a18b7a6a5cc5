-- Some events keep a promise: they must reach Kafka soon after an act outside the hub.
ALTER TABLE outbox ADD COLUMN acted_at timestamptz;
COMMENT ON COLUMN outbox.acted_at IS 'When that act happened; null where no promise counts. The relay measures from it.';
