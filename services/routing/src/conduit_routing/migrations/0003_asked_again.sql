-- A force that acknowledged is asked again when its part changes; what an officer said of the home force is remembered.

ALTER TABLE handoffs ADD COLUMN part integer NOT NULL DEFAULT 1 CHECK (part > 0);
ALTER TABLE handoffs ADD COLUMN first_acknowledged_at timestamptz;
UPDATE handoffs SET first_acknowledged_at = acknowledged_at WHERE state = 'acknowledged';
ALTER TABLE handoffs ADD CONSTRAINT acknowledged_has_a_first_time CHECK (
    state <> 'acknowledged' OR first_acknowledged_at <= acknowledged_at
);
COMMENT ON COLUMN handoffs.part IS 'The version of the force''s part that was sent last and is to be acknowledged.';
COMMENT ON COLUMN handoffs.first_acknowledged_at IS
    'When a person there first took the case since the force joined. Stays when it is asked again; null: nobody there has taken it.';

ALTER TABLE cases ADD COLUMN named_home text;
UPDATE cases SET named_home = home_force WHERE basis = 'named_by_officer';
COMMENT ON COLUMN cases.named_home IS 'The home force that an officer named last, also after it gave the case back.';
