-- The keys that page tokens are signed with.

-- name: keys
-- All keys, the newest first: it signs, and tokens of the others are still read.
SELECT key FROM page_token_keys ORDER BY created_at DESC, key
