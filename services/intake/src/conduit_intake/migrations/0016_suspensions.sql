-- Suspensions as they were ordered: they hold also before the register has them.

CREATE TABLE partner_suspensions (
    partner_id text PRIMARY KEY,
    wholly boolean NOT NULL,
    mous text[] NOT NULL,
    ordered_at timestamptz NOT NULL,
    CONSTRAINT something_is_suspended CHECK (wholly OR mous <> '{}')
);
COMMENT ON TABLE partner_suspensions IS 'What is suspended by order. `partners` has it, too, for as long as a row is here.';
COMMENT ON COLUMN partner_suspensions.mous IS 'References of the Memoranda of Understanding that are suspended.';
