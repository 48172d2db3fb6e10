-- What the benchmark looks at from outside.

-- name: left
-- Orders on their way to PACKING; by the index on the status, so that looking costs little.
SELECT count(*) FROM orders WHERE status IN ('received', 'validated', 'assigned_to_wave', 'picking')

-- name: statuses
-- What became of the orders.
SELECT status, count(*) AS orders FROM orders WHERE order_id LIKE 'ORD-%' GROUP BY status ORDER BY status

-- name: ended
-- When the last order reached PACKING.
SELECT max(e.occurred_at)
  FROM (SELECT occurred_at FROM order_events WHERE type = 'wms.order.packing-started' AND order_id LIKE 'ORD-%'
        UNION ALL
        SELECT occurred_at FROM outbox WHERE type = 'wms.order.packing-started' AND order_id LIKE 'ORD-%') AS e

-- name: lines
-- How many lines were delivered, from how many allocations.
SELECT (SELECT count(*) FROM order_items WHERE order_id LIKE 'ORD-%' AND delivered = quantity) AS whole_lines,
       (SELECT count(*) FROM order_items WHERE order_id LIKE 'ORD-%') AS lines,
       (SELECT count(*) FROM allocations WHERE order_id LIKE 'ORD-%') AS allocations,
       (SELECT count(*) FROM backorders) AS backorders

-- name: runs
-- The records of the cycles.
SELECT started_at, extract(epoch FROM finished_at - started_at)::float8 AS seconds, steps, cardinality(errors) AS errors
  FROM fulfillment_runs ORDER BY started_at

-- name: untold
-- Events that have no position yet.
SELECT count(*) FROM outbox

-- name: packed
-- Orders that wait for their shipment.
SELECT order_id FROM orders WHERE status = 'packing' AND order_id LIKE 'ORD-%' ORDER BY order_id

-- name: waiting
-- What those wait for that do not get on.
SELECT string_agg(concat_ws(' ', n, status, reason), ', ')
  FROM (SELECT status, reason, count(*) AS n FROM waiting_orders WHERE order_id LIKE 'ORD-%'
         GROUP BY status, reason) AS w
