-- Entries of the dead letter queue.

-- name: insert
-- Makes an entry for an order that has just been dead-lettered.
INSERT INTO dead_letter_entries (entry_id, order_id, customer_id, warehouse_id, final_failure_status,
                                 final_failure_reason, total_retry_attempts, attempts, order_snapshot, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: get
-- An entry by its id.
SELECT * FROM dead_letter_documents WHERE entry_id = $1

-- name: newest
-- The newest entry of an order: the open one, of which there is one at most; a call that had to wait may have
-- made it with an earlier time than one that is decided.
SELECT * FROM dead_letter_documents
 WHERE order_id = $1
 ORDER BY resolution IS NULL OR resolution = 'escalated' DESC, created_at DESC, entry_id DESC LIMIT 1

-- name: decide
-- Adds a decision; the last one counts.
WITH decided AS (
    INSERT INTO dead_letter_resolutions (entry_id, number, resolution, notes, resolved_by, resolved_at)
    VALUES ($1, $2, $3, $4, $5, $6)
)
UPDATE dead_letter_entries SET resolution = $3, resolved_at = $6 WHERE entry_id = $1

-- name: stats
-- All counts from one snapshot.
SELECT coalesce(sum(n), 0)::bigint AS total,
       coalesce(sum(n) FILTER (WHERE resolution IS NULL), 0)::bigint AS unresolved,
       coalesce(sum(n) FILTER (WHERE resolution IS NOT NULL), 0)::bigint AS resolved,
       (SELECT json_object_agg(final_failure_status, f.n)
          FROM (SELECT final_failure_status, count(*) AS n FROM dead_letter_entries
                 WHERE resolution IS NULL GROUP BY final_failure_status) AS f) AS by_failure_status,
       json_object_agg(resolution, n) FILTER (WHERE resolution IS NOT NULL) AS by_resolution,
       (SELECT min(created_at) FROM dead_letter_entries WHERE resolution IS NULL) AS oldest_unresolved_at
  FROM (SELECT resolution, count(*) AS n FROM dead_letter_entries GROUP BY resolution) AS r
