-- A second key, beside the one that the migration made.
INSERT INTO page_token_keys (key) VALUES (decode(repeat('ab', 32), 'hex'));
