-- Statements by which the benchmark observes the fulfillment.

-- name: remaining
-- Orders before PACKING; cheap by the index on the status.
SELECT count(*) FROM orders WHERE status IN ('received', 'validated', 'assigned_to_wave', 'picking')

-- name: statuses
-- Orders by status.
SELECT status, count(*) AS orders FROM orders WHERE order_id LIKE 'ORD-%' GROUP BY status ORDER BY status

-- name: ended
-- The time at which the last order reached PACKING.
SELECT max(e.occurred_at)
  FROM (SELECT occurred_at FROM order_events WHERE type = 'wms.order.packing-started' AND order_id LIKE 'ORD-%'
        UNION ALL
        SELECT occurred_at FROM outbox WHERE type = 'wms.order.packing-started' AND order_id LIKE 'ORD-%') AS e

-- name: lines
-- Numbers of delivered lines and allocations.
SELECT (SELECT count(*) FROM order_items WHERE order_id LIKE 'ORD-%' AND delivered = quantity) AS whole_lines,
       (SELECT count(*) FROM order_items WHERE order_id LIKE 'ORD-%') AS lines,
       (SELECT count(*) FROM allocations WHERE order_id LIKE 'ORD-%') AS allocations,
       (SELECT count(*) FROM backorders) AS backorders

-- name: runs
-- The run records of the cycles.
SELECT started_at, extract(epoch FROM finished_at - started_at)::float8 AS seconds, steps, cardinality(errors) AS errors
  FROM fulfillment_runs ORDER BY started_at

-- name: outbox_events
-- Events without a position.
SELECT count(*) FROM outbox

-- name: packed
-- Orders that wait for shipping.
SELECT order_id FROM orders WHERE status = 'packing' AND order_id LIKE 'ORD-%' ORDER BY order_id

-- name: waiting
-- The waiting reasons of the remaining orders.
SELECT string_agg(concat_ws(' ', n, status, reason), ', ')
  FROM (SELECT status, reason, count(*) AS n FROM waiting_orders WHERE order_id LIKE 'ORD-%'
         GROUP BY status, reason) AS w
