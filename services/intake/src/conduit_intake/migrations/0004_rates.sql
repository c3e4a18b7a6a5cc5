-- What each partner and force may still ask for, for all processes together.

CREATE UNLOGGED TABLE rates (
    name text PRIMARY KEY,
    tokens double precision NOT NULL CHECK (tokens >= 0),
    refused boolean NOT NULL,
    since timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE rates IS 'Token buckets, one per owner and scope, and one per client that asks for tokens.';
