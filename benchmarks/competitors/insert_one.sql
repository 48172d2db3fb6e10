-- The transaction of the competitors with handwritten SQL.

-- name: order
-- An order with its lines and its event.
WITH new_order AS (
    INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, promised_delivery_at, allow_partial,
                        shipping_address, created_at, updated_at)
    VALUES ($1, $2, $3, $4, 'received', $5, $6, $7, $8, $8)
), lines AS (
    INSERT INTO order_items (order_id, line_number, sku, quantity, price_currency, price_units, price_nanos)
    SELECT $1, number, sku, quantity, currency, units, nanos
      FROM unnest($9::text[], $10::integer[], $11::text[], $12::bigint[], $13::integer[])
           WITH ORDINALITY AS l (sku, quantity, currency, units, nanos, number)
)
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id, actor,
                    correlation_id, wave_number, workflow_id, traceparent, payload)
VALUES ($1, 1, 1, 'wms.order.received', $8, NULL, 'received', $3, 'anonymous', '', '', '', '', $14)
