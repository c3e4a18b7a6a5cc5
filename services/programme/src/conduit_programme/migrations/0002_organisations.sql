-- With whom the programme works, what they bring, and what was agreed.

CREATE TABLE organisations (
    organisation_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('partner', 'candidate', 'third_sector', 'childrens_services', 'health', 'education',
        'national_agency', 'inspectorate', 'other')),
    name text NOT NULL CHECK (name <> ''),
    partner_id text UNIQUE,
    merged_into uuid REFERENCES organisations,
    owner text,
    begun_at timestamptz NOT NULL,
    CONSTRAINT who_refers_is_a_partner CHECK (partner_id IS NULL OR kind = 'partner'),
    CONSTRAINT nobody_is_merged_into_themselves CHECK (merged_into <> organisation_id)
);
COMMENT ON COLUMN organisations.name IS 'Of a partner as the register has it, from the moment at which that was read.';
COMMENT ON COLUMN organisations.merged_into IS 'The one that it became part of, which is in nobody else: whatever names this one means that one.';
COMMENT ON COLUMN organisations.owner IS 'The account of whoever at the hub looks after the relationship.';
CREATE INDEX organisations_by_name ON organisations (lower(name), organisation_id) WHERE merged_into IS NULL;
CREATE INDEX organisations_by_kind ON organisations (kind, lower(name), organisation_id) WHERE merged_into IS NULL;
CREATE INDEX organisations_merged ON organisations (merged_into) WHERE merged_into IS NOT NULL;
INSERT INTO organisations (organisation_id, kind, name, partner_id, begun_at)
SELECT gen_random_uuid(), 'partner', name, partner_id, registered_at FROM partners;

CREATE TABLE offers (
    organisation_id uuid PRIMARY KEY REFERENCES organisations,
    services text[] NOT NULL,
    expertise text[] NOT NULL,
    force_ids text[] NOT NULL,
    everywhere boolean NOT NULL,
    youngest smallint CHECK (youngest BETWEEN 0 AND 120),
    oldest smallint CHECK (oldest BETWEEN 0 AND 120),
    languages text[] NOT NULL,
    words_id uuid,
    said_by text NOT NULL,
    said_at timestamptz NOT NULL,
    CONSTRAINT nobody_is_older_than_the_oldest CHECK (youngest <= oldest)
);
COMMENT ON TABLE offers IS 'What an organisation brings. An age that is null has no limit.';
CREATE INDEX offers_by_service ON offers USING gin (services);
CREATE INDEX offers_by_language ON offers USING gin (languages);

CREATE TABLE contacts (
    contact_id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisations,
    words_id uuid NOT NULL,
    since timestamptz NOT NULL,
    left_at timestamptz
);
COMMENT ON TABLE contacts IS 'Roles, and who has them. Where somebody left, the words are deleted, and the row says until when there was somebody.';
CREATE INDEX contacts_of_organisation ON contacts (organisation_id, since, contact_id) WHERE left_at IS NULL;

CREATE TABLE agreements (
    agreement_id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisations,
    reference text NOT NULL CHECK (reference <> ''),
    valid_from date,
    valid_to date,
    review_on date,
    document_sha256 text CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
    assessed_on date,
    words_id uuid,
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    UNIQUE (organisation_id, reference),
    CONSTRAINT an_agreement_begins_before_it_ends CHECK (valid_from <= valid_to)
);
COMMENT ON TABLE agreements IS 'What the programme keeps of an agreement. Where a partner''s register has the reference, its days hold and those here are null.';
COMMENT ON COLUMN agreements.assessed_on IS 'When the data protection impact assessment was made.';

CREATE TABLE agreement_reviews (
    agreement_id uuid NOT NULL REFERENCES agreements,
    reviewed_on date NOT NULL,
    next_on date,
    reviewed_by text NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (agreement_id, reviewed_on)
);
