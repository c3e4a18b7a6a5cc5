-- With the gravest decisions of an officer who has a passkey, what it answered: with its public key in the register it proves
-- that the officer touched it for that command, whoever held the console.

ALTER TABLE command_signatures ADD COLUMN passkey text;
COMMENT ON COLUMN command_signatures.passkey IS 'WebAuthn''s assertion over the digest of the command, as its header had it.';
