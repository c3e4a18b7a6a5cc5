-- Passkeys that officers made on their page and that no administrator has confirmed yet. They count for nothing until one has:
-- what is trusted stands in the register, where the console cannot write.
CREATE TABLE passkey_offers (
    credential_id text PRIMARY KEY,
    officer_id text NOT NULL,
    offer text NOT NULL,
    made_at timestamptz NOT NULL
);
COMMENT ON COLUMN passkey_offers.offer IS 'The passkey in one line, as its officer gives it to an administrator. Public.';
CREATE INDEX passkey_offers_of_officer ON passkey_offers (officer_id, made_at);
