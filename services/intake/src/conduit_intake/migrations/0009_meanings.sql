-- The same request in another spelling is the same request, by its Idempotency-Key too.

ALTER TABLE kept_answers ADD COLUMN meaning bytea CHECK (octet_length(meaning) = 32);
COMMENT ON COLUMN kept_answers.meaning IS
    'SHA-256 of what the request means, however it is spelt. NULL in rows of an earlier release, which compares fingerprints.';

-- The sandbox's history has the same columns as its twin.
ALTER TABLE sandbox.history ADD COLUMN replayed_by text DEFAULT nullif(current_setting('conduit.replayed_by', true), '');
COMMENT ON COLUMN sandbox.history.replayed_by IS 'Always null in the sandbox, where nothing is brought back.';
