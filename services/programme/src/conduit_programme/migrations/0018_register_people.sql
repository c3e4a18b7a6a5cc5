-- The registers of people, which this service writes from now on: each entry whole, and the record that says so.

CREATE TABLE register_people (
    person_id text PRIMARY KEY,
    kind text CHECK (kind IN ('hub', 'partner', 'force')),
    entry jsonb,
    event_id text NOT NULL,
    on_topic boolean NOT NULL,
    order_id text,
    ordered_by text,
    changed_at timestamptz NOT NULL,
    CONSTRAINT "of somebody who was removed nothing is kept but the id" CHECK ((entry IS NULL) = (kind IS NULL))
);
COMMENT ON TABLE register_people IS 'Who vouches for whom, and what they do: no name and no address. No page reads it.';
COMMENT ON COLUMN register_people.entry IS 'Absent: removed. The id is given to nobody else.';
COMMENT ON COLUMN register_people.event_id IS 'The id of the record on the register''s topic.';
COMMENT ON COLUMN register_people.on_topic IS 'Whether that record was read there. Until then no other takes its place.';
COMMENT ON COLUMN register_people.order_id IS 'The last order for this entry that was carried out. An entry of an earlier release has none.';
