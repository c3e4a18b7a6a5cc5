-- Partners, referrals as they were sent, what was added to them, and what became of every submission.
-- `refuse_change` comes from the chassis' own migrations, which run first.

CREATE TABLE partners (
    partner_id text PRIMARY KEY,
    suspended boolean NOT NULL,
    mous jsonb NOT NULL CHECK (jsonb_typeof(mous) = 'array'),
    registered_at timestamptz NOT NULL
);
COMMENT ON TABLE partners IS 'A copy of the programme''s register, without names and contacts.';

CREATE TABLE referrals (
    referral_id uuid PRIMARY KEY,
    partner_id text NOT NULL,
    partner_reference text NOT NULL,
    content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    received_at timestamptz NOT NULL,
    place_ids text[] NOT NULL,
    person_ids text[] NOT NULL,
    withdrawn_at timestamptz,
    reconsideration_requested_at timestamptz,
    body bytea NOT NULL,
    UNIQUE (partner_id, partner_reference)
);
COMMENT ON TABLE referrals IS 'One row per referral in order. It is withdrawn where withdrawn_at is set.';
COMMENT ON COLUMN referrals.body IS 'What the partner sent, to the byte. Personal data.';
COMMENT ON COLUMN referrals.place_ids IS 'Of the referral and of everything added to it; person_ids likewise.';

CREATE TABLE supplements (
    referral_id uuid NOT NULL REFERENCES referrals (referral_id),
    content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    body bytea NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (referral_id, content_hash)
);
COMMENT ON COLUMN supplements.body IS 'What the partner sent, to the byte. Personal data.';

CREATE TABLE history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    referral_id uuid,
    at timestamptz NOT NULL,
    actor text NOT NULL CHECK (actor ~ '^(programme|partner:.+)$'),
    what text NOT NULL CHECK (what IN ('registered', 'received', 'repeated', 'forwarded', 'rejected', 'dead_lettered')),
    why text NOT NULL CHECK (why ~ '^[a-z0-9_ ]*$'),
    policy_version text,
    event_id text,
    partner_id text NOT NULL,
    partner_reference text,
    submission_id text,
    kind text CHECK (kind IN ('referral', 'information', 'withdrawal', 'reconsideration', 'unreadable')),
    CONSTRAINT submissions_are_whole CHECK ((what = 'registered') = (submission_id IS NULL AND kind IS NULL)),
    CONSTRAINT submissions_have_ids_and_kinds CHECK ((submission_id IS NULL) = (kind IS NULL)),
    CONSTRAINT answers_were_published CHECK ((what IN ('registered', 'dead_lettered')) = (event_id IS NULL)),
    CONSTRAINT refusals_say_why CHECK (what NOT IN ('rejected', 'dead_lettered') OR why <> ''),
    CONSTRAINT acceptances_name_the_referral CHECK (what NOT IN ('received', 'repeated', 'forwarded') OR referral_id IS NOT NULL)
);
COMMENT ON TABLE history IS 'What became of every submission, and every change of the register. Append-only.';
COMMENT ON COLUMN history.why IS 'Codes, separated by spaces; never words of a person.';
COMMENT ON COLUMN history.policy_version IS 'Null: intake decides nothing by the policy file.';
COMMENT ON COLUMN history.event_id IS 'The event on intake.referrals.v1 that says so.';
CREATE INDEX history_referral ON history (referral_id, id) WHERE referral_id IS NOT NULL;

CREATE VIEW submissions AS
SELECT submission_id, partner_id, partner_reference, kind, what AS outcome, why AS codes, at, referral_id
FROM history WHERE submission_id IS NOT NULL;
COMMENT ON VIEW submissions IS 'One row per record of a partner that intake saw: count these against the topics.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
