-- The registers of partners and forces, which this service writes from now on: each entry whole, and the record that says so.

CREATE TABLE register_entries (
    kind text NOT NULL CHECK (kind IN ('partner', 'force')),
    identity text NOT NULL,
    entry jsonb NOT NULL,
    event_id text NOT NULL,
    on_topic boolean NOT NULL,
    order_id text,
    ordered_by text,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (kind, identity)
);
COMMENT ON TABLE register_entries IS 'What was written on the register, with where notices go: teams'' addresses, never a person''s. No page reads it.';
COMMENT ON COLUMN register_entries.event_id IS 'The id of the record on the register''s topic.';
COMMENT ON COLUMN register_entries.on_topic IS 'Whether that record was read there. Until then no other takes its place.';
COMMENT ON COLUMN register_entries.order_id IS 'The last order for this entry that was carried out. An entry of an earlier release has none.';
