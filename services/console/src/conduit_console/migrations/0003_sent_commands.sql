-- What officers decided on the pages, from the moment at which it was written to the outbox. What they wrote is not here.
CREATE TABLE sent_commands (
    command_id uuid PRIMARY KEY,
    referral_id uuid NOT NULL,
    officer_id text NOT NULL,
    decision text NOT NULL CHECK (decision ~ '^[a-z][a-z_]*$'),
    sent_at timestamptz NOT NULL,
    seen_until timestamptz NOT NULL
);
COMMENT ON COLUMN sent_commands.command_id IS 'The ce_id of the record. A form that is sent twice has the same.';
COMMENT ON COLUMN sent_commands.seen_until IS 'Up to when the page knew the case on which the officer decided.';
CREATE INDEX sent_commands_of_case ON sent_commands (referral_id, sent_at DESC);
