-- The signed document of an agreement, as somebody attached it. The file itself is in `contents`.

CREATE TABLE agreement_documents (
    document_id uuid PRIMARY KEY,
    agreement_id uuid NOT NULL REFERENCES agreements,
    media_type text NOT NULL CHECK (media_type IN ('application/pdf', 'image/png', 'image/jpeg')),
    size integer NOT NULL CHECK (size > 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    content_id uuid,
    state text NOT NULL CHECK (state IN ('waiting', 'clean', 'refused')),
    attached_by text NOT NULL,
    attached_at timestamptz NOT NULL,
    attempts smallint NOT NULL,
    next_attempt_at timestamptz,
    decided_at timestamptz,
    replaced_at timestamptz,
    CONSTRAINT what_is_refused_is_gone CHECK ((state = 'refused') = (content_id IS NULL)),
    CONSTRAINT only_what_waits_is_tried_again CHECK ((state = 'waiting') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT what_waits_is_not_decided CHECK ((state = 'waiting') = (decided_at IS NULL))
);
COMMENT ON TABLE agreement_documents IS 'Signed documents. One that was replaced stays, with its hash, and until when it held.';
COMMENT ON COLUMN agreement_documents.attempts IS 'How often a scanner was asked. Nothing is opened before it said that it finds nothing.';
CREATE UNIQUE INDEX agreement_documents_last ON agreement_documents (agreement_id) WHERE replaced_at IS NULL;
CREATE INDEX agreement_documents_of_agreement ON agreement_documents (agreement_id, attached_at DESC, document_id DESC);
CREATE INDEX agreement_documents_waiting ON agreement_documents (next_attempt_at) WHERE state = 'waiting';
