-- The keys that page tokens are signed with: one is made here, at random, for all servers of this database.

CREATE TABLE page_token_keys (
    key        bytea PRIMARY KEY CHECK (length(key) >= 32),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Two UUIDs of version 4 have 244 random bits.
INSERT INTO page_token_keys (key)
SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
