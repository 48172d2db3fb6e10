-- Idempotency keys and stored responses.

-- name: reserve_keys
-- Reserves request ids. A conflicting insert waits for the end of the other transaction.
INSERT INTO request_answers (rpc, request_id, fingerprint, answer)
SELECT $1, r.request_id, r.fingerprint, ''::bytea
  FROM unnest($2::text[], $3::bytea[]) AS r (request_id, fingerprint)
    ON CONFLICT DO NOTHING
RETURNING request_id

-- name: list_responses
-- Returns the stored responses of request ids.
SELECT request_id, fingerprint, answer FROM request_answers WHERE rpc = $1 AND request_id = ANY ($2::text[])

-- name: store_responses
-- Stores the responses of request ids that this transaction reserved.
UPDATE request_answers q SET answer = r.answer
  FROM unnest($2::text[], $3::bytea[]) AS r (request_id, answer)
 WHERE q.rpc = $1 AND q.request_id = r.request_id

-- name: release_keys
-- Releases the ids of failed requests.
DELETE FROM request_answers WHERE rpc = $1 AND request_id = ANY ($2::text[])

-- name: delete_expired
-- Deletes expired responses by the clock of Postgres, which dated them, in small steps.
DELETE FROM request_answers
 WHERE ctid = ANY (ARRAY (SELECT ctid FROM request_answers
                            WHERE created_at < statement_timestamp() - $1::interval ORDER BY created_at LIMIT $2))
RETURNING 1
