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
-- All counts from one snapshot. The entries themselves are not counted: that takes a second where this takes none.
WITH kinds AS (
    SELECT final_failure_status, resolution, sum(entries)::bigint AS n
      FROM dead_letter_counts GROUP BY final_failure_status, resolution HAVING sum(entries) <> 0
)
SELECT coalesce(sum(n), 0)::bigint AS total,
       coalesce(sum(n) FILTER (WHERE resolution IS NULL), 0)::bigint AS unresolved,
       coalesce(sum(n) FILTER (WHERE resolution IS NOT NULL), 0)::bigint AS resolved,
       json_object_agg(final_failure_status, n) FILTER (WHERE resolution IS NULL) AS by_failure_status,
       (SELECT json_object_agg(resolution, r.n)
          FROM (SELECT resolution, sum(n) AS n FROM kinds WHERE resolution IS NOT NULL GROUP BY resolution) AS r)
           AS by_resolution,
       (SELECT min(created_at) FROM dead_letter_entries WHERE resolution IS NULL) AS oldest_unresolved_at
  FROM kinds

-- name: fold_counts
-- Makes one row of the many of each kind, once there are a hundred; those that another is folding are left to it.
WITH folded AS (
    DELETE FROM dead_letter_counts
     WHERE ctid = ANY (ARRAY (SELECT ctid FROM dead_letter_counts LIMIT $1 FOR UPDATE SKIP LOCKED))
       AND (SELECT count(*) FROM dead_letter_counts) > 100
    RETURNING *
), kept AS (
    INSERT INTO dead_letter_counts
    SELECT final_failure_status, resolution, sum(entries) FROM folded
     GROUP BY final_failure_status, resolution HAVING sum(entries) <> 0
)
SELECT count(*) FROM folded
