-- What calls need beside the data: stored answers, keys of page tokens, and whether the disk has room.

-- Answers to requests that brought an id, kept in the transaction of the change (contract: at least 24 h).
CREATE TABLE request_answers (
    rpc         text NOT NULL,
    request_id  text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    answer      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rpc, request_id)
);
-- The janitor's removal of old answers.
CREATE INDEX request_answers_by_age ON request_answers (created_at);

-- The keys that page tokens are signed with: one is made here, at random, for all servers of this database.

CREATE TABLE page_token_keys (
    key        bytea PRIMARY KEY CHECK (length(key) >= 32),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Two UUIDs of version 4 have 244 random bits.
INSERT INTO page_token_keys (key)
SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

-- Always empty. While the disk is full, a process fills it in a transaction that is rolled back: whether that works
-- shows whether there is room again. Rows are as wide as a page and are not compressed.
CREATE TABLE space_probe (filling text NOT NULL);
ALTER TABLE space_probe ALTER COLUMN filling SET STORAGE PLAIN;
