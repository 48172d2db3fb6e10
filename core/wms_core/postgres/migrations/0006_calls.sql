-- Tables for calls: stored responses, signing keys of page tokens, and the probe of disk space.

-- Stored responses of requests with an idempotency key, written in the transaction of the change (contract: kept for
-- at least 24 h).
CREATE TABLE request_answers (
    rpc         text NOT NULL,
    request_id  text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    answer      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rpc, request_id)
);
-- Housekeeping: removal of expired responses.
CREATE INDEX request_answers_by_creation ON request_answers (created_at);

-- The signing keys of page tokens. A random key is created here for all servers of this database.
CREATE TABLE page_token_keys (
    key        bytea PRIMARY KEY CHECK (length(key) >= 32),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Two UUIDs of version 4 have 244 random bits.
INSERT INTO page_token_keys (key)
SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

-- Always empty. While the disk is full, a process fills the table in a transaction that is rolled back, which succeeds
-- if there is disk space again. Rows are as wide as a page and are not compressed.
CREATE TABLE space_probe (filling text NOT NULL);
ALTER TABLE space_probe ALTER COLUMN filling SET STORAGE PLAIN;
