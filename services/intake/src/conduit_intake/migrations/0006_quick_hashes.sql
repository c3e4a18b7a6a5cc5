-- A secret's second hash, which costs nothing to compare: nobody can hold the right one up by showing wrong ones.

ALTER TABLE client_secrets ADD COLUMN quick_hash bytea CHECK (octet_length(quick_hash) = 32);
COMMENT ON COLUMN client_secrets.quick_hash IS
    'SHA-256, see credentials.py. NULL until a secret of an earlier release is used for the first time.';
COMMENT ON COLUMN client_secrets.hash IS 'scrypt, which the release before reads. The secret itself was shown once and is nowhere.';
