-- Who stood for each officer's command that was taken, as it was signed. With the public key it proves that, for as long as
-- history is kept; of what the officer wrote it holds the digest alone.

CREATE TABLE command_signatures (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    command_id text NOT NULL,
    referral_id uuid NOT NULL,
    officer_id text NOT NULL,
    signature text NOT NULL
);
COMMENT ON COLUMN command_signatures.recorded_at IS 'When the broker took the command: by it the signature is judged.';
CREATE INDEX command_signatures_referral ON command_signatures (referral_id);
