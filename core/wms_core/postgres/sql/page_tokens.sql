-- Signing keys of page tokens.

-- name: list_keys
-- Returns all keys, the newest first. The newest key signs; tokens signed with the others are still accepted.
SELECT key FROM page_token_keys ORDER BY created_at DESC, key
