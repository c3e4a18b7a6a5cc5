-- As triage and routing keep it; taking a task asks for no passkey, so it stays empty here.

ALTER TABLE command_signatures ADD COLUMN passkey text;
COMMENT ON COLUMN command_signatures.passkey IS 'WebAuthn''s assertion over the digest of the command, as its header had it.';
