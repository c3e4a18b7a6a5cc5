-- The HTTP API: what partners are told, their clients, kept answers, attachments, and the sandbox.

CREATE TABLE standings (
    referral_id uuid PRIMARY KEY,
    partner_id text NOT NULL,
    state text NOT NULL,
    revision integer NOT NULL CHECK (revision >= 0),
    updated_at timestamptz NOT NULL,
    CONSTRAINT new_referrals_are_received CHECK (revision > 0 OR state = 'received')
) WITH (fillfactor = 80);
COMMENT ON TABLE standings IS 'Where each referral stands, by the latest of its partner''s own updates. Revision 0: accepted, nothing said yet.';
CREATE INDEX standings_partner ON standings (partner_id, referral_id);
INSERT INTO standings (referral_id, partner_id, state, revision, updated_at)
SELECT referral_id, partner_id, 'received', 0, received_at FROM referrals;

CREATE TABLE updates (
    referral_id uuid NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    body bytea NOT NULL,
    PRIMARY KEY (referral_id, revision)
);
COMMENT ON TABLE updates IS 'ReferralStatusUpdated as notification published them: no case content.';

CREATE TABLE attachments (
    attachment_id uuid PRIMARY KEY,
    referral_id uuid NOT NULL REFERENCES referrals (referral_id),
    media_type text NOT NULL,
    size integer NOT NULL CHECK (size > 0),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    state text NOT NULL CHECK (state IN ('pending', 'available', 'threat_found', 'validation_failed')),
    reason text CHECK (reason ~ '^[a-z0-9_]+$'),
    received_at timestamptz NOT NULL,
    decided_at timestamptz,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz,
    content bytea,
    UNIQUE (referral_id, sha256, media_type),
    CONSTRAINT pending_ones_are_undecided CHECK ((state = 'pending') = (decided_at IS NULL)),
    CONSTRAINT pending_ones_have_a_turn CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT refused_ones_say_why CHECK (state NOT IN ('threat_found', 'validation_failed') OR reason IS NOT NULL),
    CONSTRAINT refused_ones_are_not_kept CHECK ((state IN ('threat_found', 'validation_failed')) = (content IS NULL))
);
-- Documents and pictures are compressed already.
ALTER TABLE attachments ALTER COLUMN content SET STORAGE EXTERNAL;
COMMENT ON COLUMN attachments.content IS 'Personal data. Gone once a threat was found or its type was wrong.';
CREATE INDEX attachments_waiting ON attachments (next_attempt_at) WHERE state = 'pending';

-- An attachment's way is told in history beside the submissions, without their fields.
ALTER TABLE history DROP CONSTRAINT history_actor_check, DROP CONSTRAINT history_what_check,
    DROP CONSTRAINT submissions_are_whole, DROP CONSTRAINT answers_were_published, DROP CONSTRAINT refusals_say_why;
ALTER TABLE history
    ADD CONSTRAINT history_actor_check CHECK (actor ~ '^(programme|scanner|partner:.+)$'),
    ADD CONSTRAINT history_what_check CHECK (
        what IN ('registered', 'received', 'repeated', 'forwarded', 'rejected', 'dead_lettered')
        OR what IN ('attached', 'attachment_available', 'attachment_threat_found', 'attachment_validation_failed')),
    ADD CONSTRAINT submissions_are_whole CHECK (
        (what = 'registered' OR what LIKE 'attach%') = (submission_id IS NULL AND kind IS NULL)),
    ADD CONSTRAINT answers_were_published CHECK (
        (event_id IS NOT NULL) = (what IN ('received', 'repeated', 'forwarded', 'rejected', 'attachment_available'))),
    ADD CONSTRAINT refusals_say_why CHECK (
        what NOT IN ('rejected', 'dead_lettered', 'attachment_threat_found', 'attachment_validation_failed') OR why <> ''),
    ADD CONSTRAINT attachments_name_the_referral CHECK (what NOT LIKE 'attach%' OR referral_id IS NOT NULL),
    ADD COLUMN attachment_id uuid,
    ADD CONSTRAINT attachments_are_named CHECK ((what LIKE 'attach%') = (attachment_id IS NOT NULL));
COMMENT ON VIEW submissions IS
    'One row per record of a partner that intake saw: count these against the topics. By HTTP, submission_id starts with http/.';

CREATE TABLE clients (
    client_id text PRIMARY KEY CHECK (client_id ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*([.][a-z0-9]+(-[a-z0-9]+)*)?$'),
    partner_id text NOT NULL CHECK (partner_id = split_part(client_id, '.', 1)),
    scope text NOT NULL CHECK (scope IN ('referrals', 'sandbox')),
    salt bytea NOT NULL CHECK (octet_length(salt) = 16),
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE clients IS 'Who may ask for tokens. One salt per client, so that a wrong secret costs one hash however many are live.';

CREATE TABLE client_secrets (
    secret_id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES clients (client_id),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
COMMENT ON COLUMN client_secrets.hash IS 'scrypt, see credentials.py. The secret itself was shown once and is nowhere.';
CREATE INDEX client_secrets_client ON client_secrets (client_id);

CREATE TABLE tokens (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    secret_id text NOT NULL REFERENCES client_secrets (secret_id),
    expires_at timestamptz NOT NULL
);
COMMENT ON COLUMN tokens.hash IS 'SHA-256 of the token, which has 256 random bits.';
CREATE INDEX tokens_expires_at ON tokens (expires_at);

CREATE TABLE kept_answers (
    client_id text NOT NULL REFERENCES clients (client_id),
    key text NOT NULL CHECK (key ~ '^[!-~]{1,255}$'),
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    status smallint NOT NULL,
    location text,
    media_type text NOT NULL,
    body bytea NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (client_id, key)
);
COMMENT ON TABLE kept_answers IS 'Answers by Idempotency-Key, written in the transaction of what they answer. References only, no case content.';
COMMENT ON COLUMN kept_answers.fingerprint IS 'SHA-256 of method, path, media type and body.';
CREATE INDEX kept_answers_at ON kept_answers (at);

-- The sandbox is a schema of its own with the same tables. A sandbox client's transactions look there first and publish
-- nothing, so that neither side can see the other. Whatever changes one of these tables must change its twin.
CREATE SCHEMA sandbox;
CREATE TABLE sandbox.referrals (LIKE public.referrals INCLUDING ALL);
CREATE TABLE sandbox.supplements (LIKE public.supplements INCLUDING ALL,
    FOREIGN KEY (referral_id) REFERENCES sandbox.referrals (referral_id));
CREATE TABLE sandbox.history (LIKE public.history INCLUDING ALL);
CREATE TABLE sandbox.standings (LIKE public.standings INCLUDING ALL);
CREATE TABLE sandbox.updates (LIKE public.updates INCLUDING ALL);
CREATE TABLE sandbox.attachments (LIKE public.attachments INCLUDING ALL,
    FOREIGN KEY (referral_id) REFERENCES sandbox.referrals (referral_id));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sandbox.history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
