-- Runs of the cycle, pauses, statistics.

-- name: read_waiting_reason
-- Returns the waiting reason of an order; no row for a finished order.
SELECT reason FROM waiting_orders WHERE order_id = $1

-- name: insert_requested_run
-- Requests a cycle from the active worker.
INSERT INTO fulfillment_runs (run_id, status, warehouse_id, requested_by, requested_at, created_at)
VALUES ($1, 'requested', $2, $3, $4, $4)
RETURNING *

-- name: get_run
-- Returns a run.
SELECT * FROM fulfillment_runs WHERE run_id = $1

-- name: is_run_requested
-- Returns whether a run is requested.
SELECT EXISTS (SELECT FROM fulfillment_runs WHERE status = 'requested')

-- name: start_runs
-- Starts the requested runs.
UPDATE fulfillment_runs SET status = 'running', started_at = $1, worker_id = $2, epoch = $3
 WHERE status = 'requested'
RETURNING run_id

-- name: abandon_runs
-- Marks the unfinished runs of an earlier worker as abandoned.
UPDATE fulfillment_runs SET status = 'abandoned', finished_at = $1 WHERE status = 'running' AND epoch < $2

-- name: finish_runs
-- Writes the record of a cycle into its requested runs.
UPDATE fulfillment_runs SET status = $2, finished_at = $3, steps = $4, errors = $5 WHERE run_id = ANY ($1::text[])

-- name: insert_run
-- Writes the record of a cycle that was not requested.
INSERT INTO fulfillment_runs (run_id, status, created_at, started_at, finished_at, worker_id, epoch, steps, errors)
VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8)

-- name: delete_expired_runs
-- Deletes expired records, in small steps.
DELETE FROM fulfillment_runs
 WHERE run_id = ANY (ARRAY (SELECT run_id FROM fulfillment_runs
                             WHERE created_at < statement_timestamp() - $1::interval ORDER BY created_at LIMIT $2))

-- name: upsert_pause
-- Creates or changes a pause of a warehouse, or of all.
INSERT INTO fulfillment_pauses (warehouse_id, reason, paused_by, paused_at, expires_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (warehouse_id) DO UPDATE SET reason = $2, paused_by = $3, paused_at = $4, expires_at = $5
RETURNING *

-- name: delete_pause
-- Ends a pause.
DELETE FROM fulfillment_pauses WHERE warehouse_id = $1

-- name: list_pauses
-- Returns the active pauses.
SELECT * FROM active_pauses ORDER BY warehouse_id

-- name: read_warehouse_stats
-- Returns for each warehouse the backordered units, the overdue, received and shipped orders, and shipping times.
SELECT w.warehouse_id,
       (SELECT count(*) FROM orders o
         WHERE o.status IN ('received', 'validated', 'assigned_to_wave', 'picking', 'packing', 'pending_retry',
                            'dead_letter')
           AND o.warehouse_id = w.warehouse_id AND o.promised_delivery_at < $2) AS overdue,
       (SELECT count(*) FROM orders o
         WHERE o.warehouse_id = w.warehouse_id AND o.created_at > $2::timestamptz - interval '1 h') AS received,
       (SELECT coalesce(sum(b.quantity - b.quantity_fulfilled), 0)::bigint FROM backorders b
         WHERE b.warehouse_id = w.warehouse_id AND b.status IN ('open', 'in_progress')) AS backordered_units,
       (SELECT count(*) FROM dead_letter_entries e
         WHERE e.warehouse_id = w.warehouse_id AND e.created_at > $2::timestamptz - interval '1 h') AS dead_lettered,
       s.shipped, s.times
  FROM warehouses w
 CROSS JOIN LATERAL (
     SELECT count(*) AS shipped,
            percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (
                ORDER BY extract(epoch FROM p.shipped_at - o.created_at)) AS times
       FROM shipments p
      -- With LIMIT 1 the planner does not read all orders to join a few.
      CROSS JOIN LATERAL (SELECT warehouse_id, created_at FROM orders WHERE order_id = p.order_id LIMIT 1) AS o
      WHERE p.shipment_number = 1 AND p.shipped_at > $2::timestamptz - interval '1 h'
        AND o.warehouse_id = w.warehouse_id) AS s
 WHERE $1 = '' OR w.warehouse_id = $1
 ORDER BY w.warehouse_id

-- name: read_waiting_stats
-- Returns the number of waiting orders and the oldest one, by status and waiting reason. Only shipped orders with a
-- backorder can have another reason than awaiting_delivery; the others, which may be millions, are only counted.
WITH waiting AS (
    SELECT warehouse_id, status, reason, created_at, order_id, 1 AS orders
      FROM waiting_orders
     WHERE status IN ('received', 'validated', 'assigned_to_wave', 'picking', 'packing', 'pending_retry', 'dead_letter')
    UNION ALL
    SELECT warehouse_id, status, reason, created_at, order_id, 1
      FROM waiting_orders
     WHERE status = 'shipped' AND order_id = ANY (ARRAY (SELECT order_id FROM backorders))
    UNION ALL
    SELECT w.warehouse_id, 'shipped', 'awaiting_delivery', o.created_at, o.order_id, n.orders
      FROM warehouses w
     CROSS JOIN LATERAL (SELECT created_at, order_id FROM orders
                          WHERE status = 'shipped' AND warehouse_id = w.warehouse_id
                            AND order_id NOT IN (SELECT order_id FROM backorders)
                          ORDER BY created_at, order_id LIMIT 1) AS o
     CROSS JOIN LATERAL (SELECT count(*) AS orders FROM orders
                          WHERE status = 'shipped' AND warehouse_id = w.warehouse_id
                            AND order_id NOT IN (SELECT order_id FROM backorders)) AS n
)
SELECT warehouse_id, status, reason, sum(orders)::bigint AS waiting, min(created_at) AS oldest_at,
       (array_agg(order_id ORDER BY created_at, order_id))[1] AS oldest_id
  FROM waiting
 WHERE $1 = '' OR warehouse_id = $1
 GROUP BY warehouse_id, status, reason
 ORDER BY warehouse_id, status, reason
