-- What every part of the programme stands on: a copy of who takes part, what people wrote, and who did what here.

CREATE TABLE partners (
    partner_id text PRIMARY KEY,
    name text NOT NULL,
    suspended boolean NOT NULL,
    mous jsonb NOT NULL,
    registered_at timestamptz NOT NULL
);
COMMENT ON TABLE partners IS 'A copy of the register, without contacts: where notices go is no concern of the programme''s pages.';

CREATE TABLE forces (
    force_id text PRIMARY KEY,
    registered_at timestamptz NOT NULL
);

CREATE TABLE contents (
    content_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]*$'),
    body bytea NOT NULL,
    written_at timestamptz NOT NULL
);
COMMENT ON TABLE contents IS 'Words, names and contacts. Personal data. One module reads and writes it, and deletes by id.';

CREATE TABLE acts (
    act_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    account text NOT NULL,
    belongs_to text NOT NULL CHECK (belongs_to ~ '^(hub|(partner|force)\.[a-z0-9-]+)$'),
    kind text NOT NULL CHECK (kind IN ('consultation', 'alteration', 'disclosure', 'combination')),
    what text NOT NULL CHECK (what ~ '^[a-z][a-z_]*$'),
    about text CHECK (about ~ '^[a-z][a-z_]*$'),
    about_id uuid,
    why text CHECK (why ~ '^[a-z][a-z_]*$'),
    CONSTRAINT an_id_says_what_it_is_of CHECK (about IS NOT NULL OR about_id IS NULL)
);
COMMENT ON TABLE acts IS 'Who looked at what, and did what, at this desk. A row of a view is committed before what is viewed is shown.';
COMMENT ON COLUMN acts.why IS 'A code, never anybody''s words.';
-- By time first: ordered by id alone, a planner that does not know what is asked for would walk through all that is not.
CREATE INDEX acts_of_account ON acts (account, at DESC, act_id DESC);
CREATE INDEX acts_about ON acts (about_id, at DESC, act_id DESC) WHERE about_id IS NOT NULL;
CREATE INDEX acts_of_kind ON acts (kind, at DESC, act_id DESC);
CREATE INDEX acts_of_account_and_kind ON acts (account, kind, at DESC, act_id DESC);
CREATE INDEX acts_newest ON acts (at DESC, act_id DESC);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON acts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
