-- Where the first span about a referral lies, so that what happens to it days later, in another trace, can point there.
-- Written while tracing is on; forgotten with the inbox.
CREATE TABLE trace_origins (
    subject uuid PRIMARY KEY,
    traceparent text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX trace_origins_at ON trace_origins (at);
