-- Who is signed in at a desk. Each desk has these tables in its own database.

CREATE TABLE web_sessions (
    session_id uuid PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    issuer text NOT NULL,
    subject text NOT NULL,
    provider_session text,
    second_factor boolean NOT NULL,
    signed_in_at timestamptz,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text CHECK (end_reason IN ('signed_out', 'ended_by_person', 'ended_by_provider', 'signed_in_again')),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CHECK (seen_at >= started_at AND ends_at > started_at)
);
COMMENT ON TABLE web_sessions IS 'The cookie holds a secret, and this its hash: who reads the table can be nobody.';
COMMENT ON COLUMN web_sessions.provider_session IS 'The sid of the provider, by which it ends the session.';
CREATE INDEX web_sessions_identity ON web_sessions (issuer, subject, started_at) WHERE ended_at IS NULL;
CREATE INDEX web_sessions_provider ON web_sessions (issuer, provider_session) WHERE ended_at IS NULL;
CREATE INDEX web_sessions_ends_at ON web_sessions (ends_at);

CREATE TABLE web_sign_ins (
    state_hash bytea PRIMARY KEY CHECK (octet_length(state_hash) = 32),
    browser_hash bytea NOT NULL CHECK (octet_length(browser_hash) = 32),
    provider text NOT NULL,
    nonce text NOT NULL,
    code_verifier text NOT NULL,
    return_to text NOT NULL CHECK (return_to LIKE '/%'),
    fresh boolean NOT NULL,
    ends_at timestamptz NOT NULL
);
COMMENT ON TABLE web_sign_ins IS 'Sign-ins on their way. Each has a row of its own, so that two tabs do not disturb each other.';
CREATE INDEX web_sign_ins_ends_at ON web_sign_ins (ends_at);

CREATE TABLE web_logout_tokens (
    issuer text NOT NULL,
    token_id text NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, token_id)
);
COMMENT ON TABLE web_logout_tokens IS 'Orders to end sessions that were followed. None is followed twice.';
CREATE INDEX web_logout_tokens_ends_at ON web_logout_tokens (ends_at);
