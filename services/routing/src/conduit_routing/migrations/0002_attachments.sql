-- Attachments that intake keeps: which force may fetch each of them.

CREATE TABLE attachments (
    attachment_id uuid PRIMARY KEY,
    referral_id uuid NOT NULL,
    media_type text NOT NULL,
    size integer NOT NULL CHECK (size > 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    opened_to text
);
COMMENT ON TABLE attachments IS 'An attachment may be here before its case is. Its content never is.';
COMMENT ON COLUMN attachments.opened_to IS 'The home force that was told of it. Null: there is none.';
CREATE INDEX attachments_referral ON attachments (referral_id);
