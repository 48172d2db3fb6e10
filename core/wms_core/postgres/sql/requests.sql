-- Answers of requests that brought an id.

-- name: reserve
-- Takes request ids; a conflicting insert waits until the other transaction has ended.
INSERT INTO request_answers (rpc, request_id, fingerprint, answer)
SELECT $1, r.request_id, r.fingerprint, ''::bytea
  FROM unnest($2::text[], $3::bytea[]) AS r (request_id, fingerprint)
    ON CONFLICT DO NOTHING
RETURNING request_id

-- name: answers
-- What was answered to these ids.
SELECT request_id, fingerprint, answer FROM request_answers WHERE rpc = $1 AND request_id = ANY ($2::text[])

-- name: keep
-- Keeps the answers of ids that this transaction took.
UPDATE request_answers q SET answer = r.answer
  FROM unnest($2::text[], $3::bytea[]) AS r (request_id, answer)
 WHERE q.rpc = $1 AND q.request_id = r.request_id

-- name: give_back
-- Frees ids whose requests failed.
DELETE FROM request_answers WHERE rpc = $1 AND request_id = ANY ($2::text[])

-- name: forget
-- Removes answers that were kept long enough by the clock that dated them, in small steps.
DELETE FROM request_answers
 WHERE ctid = ANY (ARRAY (SELECT ctid FROM request_answers
                            WHERE created_at < statement_timestamp() - $1::interval ORDER BY created_at LIMIT $2))
RETURNING 1
