-- The dead letter queue.

-- name: insert_entries
-- Inserts entries for orders that were just dead-lettered, with the failures of their retry generation.
INSERT INTO dead_letter_entries (entry_id, order_id, customer_id, warehouse_id, final_failure_status,
                                 final_failure_reason, total_retry_attempts, order_snapshot, created_at, attempts)
SELECT d.entry_id, d.order_id, d.customer_id, d.warehouse_id, d.final_failure_status, d.final_failure_reason,
       d.total_retry_attempts, d.order_snapshot, d.created_at,
       (SELECT coalesce(json_agg(json_build_object('attempt_number', f.attempt_number, 'status', f.status,
                                                   'reason', f.reason, 'failed_at', CASE
                                                       -- asyncpg writes the first and the last moment so.
                                                       WHEN f.failed_at = '-infinity' THEN '0001-01-01T00:00:00+00:00'
                                                       WHEN f.failed_at = 'infinity' THEN '9999-12-31T23:59:59.999999+00:00'
                                                       ELSE to_json(f.failed_at) #>> '{}' END,
                                                   'workflow_id', f.workflow_id) ORDER BY f.attempt_number), '[]')
          FROM order_failures f WHERE f.order_id = d.order_id AND f.retry_generation = d.retry_generation)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::json[],
              $9::timestamptz[], $10::integer[])
    AS d (entry_id, order_id, customer_id, warehouse_id, final_failure_status, final_failure_reason,
          total_retry_attempts, order_snapshot, created_at, retry_generation)

-- name: get_entry
-- Returns an entry by id.
SELECT * FROM dead_letter_documents WHERE entry_id = $1

-- name: find_newest
-- Returns the newest entry of an order, preferring the open one, of which there is at most one. A call that waited for a
-- lock may have created it with an earlier time than a resolved entry.
SELECT * FROM dead_letter_documents
 WHERE order_id = $1
 ORDER BY resolution IS NULL OR resolution = 'escalated' DESC, created_at DESC, entry_id DESC LIMIT 1

-- name: record_decision
-- Adds a decision. The last decision of an entry applies.
WITH inserted_decision AS (
    INSERT INTO dead_letter_resolutions (entry_id, number, resolution, notes, resolved_by, resolved_at)
    VALUES ($1, $2, $3, $4, $5, $6)
)
UPDATE dead_letter_entries SET resolution = $3, resolved_at = $6 WHERE entry_id = $1

-- name: read_stats
-- Returns all counts of one snapshot. It sums the counters, because counting the entries takes about a second.
WITH counts_by_kind AS (
    SELECT final_failure_status, resolution, sum(entries)::bigint AS entry_count
      FROM dead_letter_counts GROUP BY final_failure_status, resolution HAVING sum(entries) <> 0
)
SELECT coalesce(sum(entry_count), 0)::bigint AS total,
       coalesce(sum(entry_count) FILTER (WHERE resolution IS NULL), 0)::bigint AS unresolved,
       coalesce(sum(entry_count) FILTER (WHERE resolution IS NOT NULL), 0)::bigint AS resolved,
       json_object_agg(final_failure_status, entry_count) FILTER (WHERE resolution IS NULL) AS by_failure_status,
       (SELECT json_object_agg(resolution, r.entry_count)
          FROM (SELECT resolution, sum(entry_count) AS entry_count FROM counts_by_kind WHERE resolution IS NOT NULL GROUP BY resolution) AS r)
           AS by_resolution,
       (SELECT min(created_at) FROM dead_letter_entries WHERE resolution IS NULL) AS oldest_unresolved_at
  FROM counts_by_kind

-- name: compact_counters
-- Merges the counter rows of each pair of status and resolution if there are a hundred or more. Rows that another
-- transaction has locked are skipped.
WITH deleted_counts AS (
    DELETE FROM dead_letter_counts
     WHERE ctid = ANY (ARRAY (SELECT ctid FROM dead_letter_counts LIMIT $1 FOR UPDATE SKIP LOCKED))
       AND (SELECT count(*) FROM dead_letter_counts) > 100
    RETURNING *
), inserted_counts AS (
    INSERT INTO dead_letter_counts
    SELECT final_failure_status, resolution, sum(entries) FROM deleted_counts
     GROUP BY final_failure_status, resolution HAVING sum(entries) <> 0
)
SELECT count(*) FROM deleted_counts
