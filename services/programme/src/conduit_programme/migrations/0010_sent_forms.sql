-- Forms that made something. Whoever sends one twice is led to what the first one made, and nothing more is made.

CREATE TABLE sent_forms (
    account text NOT NULL,
    form_key uuid NOT NULL,
    leads_to text NOT NULL CHECK (leads_to ~ '^/[^/]'),
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (account, form_key)
);
COMMENT ON TABLE sent_forms IS 'Which form led where: codes and ids. A row goes once no session can send its form any more.';
CREATE INDEX sent_forms_oldest ON sent_forms (sent_at);
