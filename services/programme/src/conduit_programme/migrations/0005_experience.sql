-- What people who lived through it tell. Nothing here has a place for a case, and words, names and contacts are in `contents`.

CREATE TABLE contributors (
    contributor_id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisations,
    name_id uuid,
    contact_id uuid,
    limits_on date NOT NULL,
    limits_by text NOT NULL CHECK (limits_by IN ('partner', 'hub')),
    reviewed_on date NOT NULL,
    begun_by text NOT NULL,
    begun_at timestamptz NOT NULL,
    forgotten_at timestamptz,
    CONSTRAINT who_is_forgotten_has_no_name CHECK ((name_id IS NULL) = (forgotten_at IS NOT NULL)),
    CONSTRAINT who_is_forgotten_cannot_be_reached CHECK (contact_id IS NULL OR forgotten_at IS NULL)
);
COMMENT ON TABLE contributors IS 'Pseudonymous. The id is by chance, and only the partner knows whose it is.';
COMMENT ON COLUMN contributors.limits_on IS 'When the limits of confidentiality were explained. Nothing can be kept before.';
COMMENT ON COLUMN contributors.contact_id IS 'Null: through the partner, which is the default.';
CREATE INDEX contributors_newest ON contributors (begun_at DESC, contributor_id DESC) WHERE forgotten_at IS NULL;
CREATE INDEX contributors_to_review ON contributors (reviewed_on, contributor_id) WHERE forgotten_at IS NULL;

CREATE TABLE consents (
    consent_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contributor_id uuid NOT NULL REFERENCES contributors,
    purpose text NOT NULL CHECK (purpose IN ('record', 'quote', 'contact', 'publish')),
    given boolean NOT NULL,
    on_day date NOT NULL,
    said_by text NOT NULL CHECK (said_by IN ('contributor', 'partner', 'hub')),
    told_of_print boolean NOT NULL,
    noted_by text NOT NULL,
    noted_at timestamptz NOT NULL,
    CONSTRAINT who_is_published_knows_that_print_stays CHECK (told_of_print OR NOT (given AND purpose = 'publish')),
    CONSTRAINT nobody_gives_it_for_them CHECK (said_by <> 'hub' OR NOT given)
);
COMMENT ON TABLE consents IS 'Each given or withdrawn with its day and by whom: the last line of a purpose holds.';
CREATE INDEX consents_last ON consents (contributor_id, purpose, consent_id DESC);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consents
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE conversations (
    conversation_id uuid PRIMARY KEY,
    contributor_id uuid NOT NULL REFERENCES contributors,
    reference text NOT NULL UNIQUE,
    planned_on date NOT NULL,
    held_on date,
    planned_by text NOT NULL,
    planned_at timestamptz NOT NULL
);
COMMENT ON COLUMN conversations.held_on IS 'Only where the limits of confidentiality were explained again at its beginning.';
CREATE INDEX conversations_of_contributor ON conversations (contributor_id, planned_on);

CREATE TABLE wellbeing_checks (
    conversation_id uuid NOT NULL REFERENCES conversations,
    moment text NOT NULL CHECK (moment IN ('before', 'after')),
    owner text NOT NULL,
    due_on date NOT NULL,
    outcome text CHECK (outcome IN ('well', 'support', 'stop')),
    done_by text,
    done_at timestamptz,
    PRIMARY KEY (conversation_id, moment),
    CONSTRAINT a_check_is_done_by_somebody CHECK ((outcome IS NULL) = (done_by IS NULL) AND (outcome IS NULL) = (done_at IS NULL))
);
COMMENT ON TABLE wellbeing_checks IS 'No words: whoever supports the contributor is at the partner.';
CREATE INDEX wellbeing_checks_due ON wellbeing_checks (due_on, conversation_id, moment) WHERE outcome IS NULL;

CREATE TABLE quotes (
    quote_id uuid PRIMARY KEY,
    contributor_id uuid NOT NULL REFERENCES contributors,
    conversation_id uuid NOT NULL REFERENCES conversations,
    words_id uuid,
    kept_at timestamptz NOT NULL,
    gone_at timestamptz,
    CONSTRAINT what_is_gone_has_no_words CHECK ((words_id IS NULL) = (gone_at IS NOT NULL))
);
CREATE INDEX quotes_of_contributor ON quotes (contributor_id, kept_at, quote_id);
CREATE INDEX quotes_newest ON quotes (kept_at DESC, quote_id DESC) WHERE gone_at IS NULL;

CREATE TABLE releases (
    release_id uuid PRIMARY KEY,
    title_id uuid NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    published_by text NOT NULL,
    published_at timestamptz NOT NULL
);
CREATE INDEX releases_newest ON releases (published_at DESC, release_id DESC);

CREATE TABLE release_quotes (
    release_id uuid NOT NULL REFERENCES releases,
    place integer NOT NULL,
    quote_id uuid NOT NULL REFERENCES quotes,
    gone_in integer,
    PRIMARY KEY (release_id, place),
    UNIQUE (release_id, quote_id)
);
COMMENT ON TABLE release_quotes IS 'Ids of quotes, never words: what is withdrawn is gone from every release on the next read.';
COMMENT ON COLUMN release_quotes.gone_in IS 'The revision that names the gap. It stays one, whatever is agreed to later.';
CREATE INDEX release_quotes_of_quote ON release_quotes (quote_id) WHERE gone_in IS NULL;

CREATE TABLE release_revisions (
    release_id uuid NOT NULL REFERENCES releases,
    revision integer NOT NULL,
    revised_at timestamptz NOT NULL,
    PRIMARY KEY (release_id, revision)
);

CREATE TABLE payments (
    payment_id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL UNIQUE REFERENCES conversations,
    state text NOT NULL CHECK (state IN ('due', 'offered', 'accepted', 'declined', 'paid')),
    pence integer CHECK (pence > 0),
    since timestamptz NOT NULL,
    CONSTRAINT what_is_offered_has_an_amount CHECK ((pence IS NULL) = (state = 'due'))
);
COMMENT ON TABLE payments IS 'For finance alone. It knows a conversation by its reference, and nobody by name.';
CREATE INDEX payments_by_state ON payments (state, since DESC, payment_id DESC);

CREATE TABLE payment_steps (
    step_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id uuid NOT NULL REFERENCES payments,
    state text NOT NULL,
    pence integer NOT NULL,
    account text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX payment_steps_of_payment ON payment_steps (payment_id, step_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_steps
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
