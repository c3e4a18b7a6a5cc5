-- What a provider said of a sign-in, and is needed later: how it calls it, and where its settings ask for that, the ID token.

ALTER TABLE web_sessions ADD COLUMN level text;
ALTER TABLE web_sessions ADD COLUMN id_token text;
COMMENT ON COLUMN web_sessions.level IS
    'The acr of the provider, or the amr that counts: what an officer signs says it. NULL where it says neither, and for sessions that began before this.';
COMMENT ON COLUMN web_sessions.id_token IS 'Shown to the provider at sign-out where its settings say id_token_hint; gone when the session ends.';
CREATE INDEX web_sessions_id_token ON web_sessions (ends_at) WHERE id_token IS NOT NULL;
