-- What partners are called, as the register of partners says it. The id alone says little to an officer.
CREATE TABLE partner_names (
    partner_id text PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    said_at timestamptz NOT NULL
);
COMMENT ON TABLE partner_names IS 'The last name of each partner, of those that have left too: their cases are still there.';
COMMENT ON COLUMN partner_names.said_at IS 'The broker''s time of the record that says so; what is older changes nothing.';
