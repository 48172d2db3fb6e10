-- The bare four-status update: the minimum that any fulfillment must write.

-- name: create_destination
-- A separate warehouse and destination, without load carriers for the worker.
WITH site AS (
    INSERT INTO warehouses (warehouse_id) VALUES ('BARE') ON CONFLICT DO NOTHING
)
INSERT INTO destinations (destination_id, warehouse_id, queue_capacity, zones, paused)
VALUES ('BARE-PACK', 'BARE', 1, '{AMBIENT}', true) ON CONFLICT DO NOTHING

-- name: waves
-- One wave for fifty orders each, like the waves of the cycle.
INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at)
SELECT 'WAVE-2000-' || lpad(($1::integer + n)::text, 8, '0'), 'BARE', 'BARE-PACK', now()
  FROM generate_series(0, $2::integer / 50) AS n

-- name: orders
-- Received orders with their lines.
WITH new_orders AS (
    INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                        created_at, updated_at)
    SELECT $1 || lpad(n::text, 7, '0'), 'CUST-' || n % 5000, 'BARE', 'standard', 'received', true,
           '{"street":"1 Main St","city":"Springfield","country":"US"}', now(), now()
      FROM generate_series(0, $2::integer - 1) AS n
    RETURNING order_id
)
INSERT INTO order_items (order_id, line_number, sku, quantity)
SELECT order_id, line, 'SKU-00001', 1 FROM new_orders, generate_series(1, 3) AS line

-- name: update_status
-- Change the status of orders, with an event for each.
WITH moved AS (
    UPDATE orders o
       SET status = $3, version = o.version + 1, sequence = o.sequence + 1, updated_at = now(),
           wave_id = coalesce(o.wave_id, m.wave_id),
           destination_id = CASE WHEN o.wave_id IS NULL AND m.wave_id IS NULL THEN NULL ELSE 'BARE-PACK' END
      FROM unnest($1::text[], $5::text[]) AS m (order_id, wave_id)
     WHERE o.order_id = m.order_id AND o.status = $2
    RETURNING o.*
)
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id, actor,
                    correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT order_id, sequence, version, $4, updated_at, $2, status, warehouse_id, 'worker/bare', '',
       coalesce(wave_id, ''), '', '',
       json_build_object('type', $4::text, 'orderId', order_id, 'customerId', customer_id, 'waveId', wave_id,
                         'timestamp', updated_at)
  FROM moved
