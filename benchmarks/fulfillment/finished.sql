-- Orders that were fulfilled long ago, with all their rows. $1 is the first number, $2 the last one.

-- name: waves
INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at)
SELECT 'WAVE-2001-' || lpad(n::text, 8, '0'), 'WH-01', 'PACK-0' || n % 10, now() - interval '9 days'
  FROM generate_series($1::integer / 50, $2::integer / 50) AS n
    ON CONFLICT DO NOTHING

-- name: orders
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, promised_delivery_at, allow_partial,
                    shipping_address, wave_id, destination_id, version, sequence, created_at, updated_at, delivered_at)
SELECT 'OLD-' || lpad(n::text, 8, '0'), 'CUST-' || n % 5000, 'WH-01', 'standard', 'completed',
       now() - interval '8 days', true, '{"street":"1 Main St","city":"Springfield","country":"US"}',
       'WAVE-2001-' || lpad((n / 50)::text, 8, '0'), 'PACK-0' || (n / 50) % 10, 9, 7,
       now() - interval '9 days' + n * interval '1 ms', now() - interval '7 days', now() - interval '7 days'
  FROM generate_series($1::integer, $2::integer) AS n

-- name: lines
INSERT INTO order_items (order_id, line_number, sku, quantity, allocated, delivered, shipped)
SELECT 'OLD-' || lpad(n::text, 8, '0'), line, 'SKU-' || lpad(((n * 7 + line * 13) % 2000)::text, 5, '0'), 2, 2, 2, 2
  FROM generate_series($1::integer, $2::integer) AS n, generate_series(1, 1 + n % 3) AS line

-- name: shipments
INSERT INTO shipments (order_id, shipment_number, carrier_code, tracking_number, shipped_at, lines)
SELECT 'OLD-' || lpad(n::text, 8, '0'), 1, 'UPS', 'T' || n, now() - interval '8 days', '[[1,"SKU-00001",2]]'
  FROM generate_series($1::integer, $2::integer) AS n

-- name: carriers
-- One load carrier for two orders, which has left empty.
INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, status, location, produced_at, received_at, updated_at)
SELECT 'OLD-' || lpad(n::text, 8, '0'), 'WH-01', 'SKU-' || lpad((n * 7 % 2000)::text, 5, '0'), 0, 'available', 'left',
       now() - interval '90 days', now() - interval '80 days', now() - interval '8 days'
  FROM generate_series($1::integer / 2, $2::integer / 2) AS n
    ON CONFLICT DO NOTHING

-- name: moves
INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, destination_id, claimed_by,
                   requested_at, claimed_at, deadline_at, finished_at)
SELECT 'OLD-' || lpad(n::text, 8, '0'), 'WH-01', 'OLD-' || lpad((n / 2)::text, 8, '0'), 'retrieve', 'completed',
       'LANE-' || lpad((n % 1000)::text, 4, '0'), 'PACK-0' || (n / 50) % 10, 'crane', now() - interval '8 days',
       now() - interval '8 days', now() - interval '8 days', now() - interval '8 days'
  FROM generate_series($1::integer, $2::integer) AS n

-- name: allocations
INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, created_at, ended_at)
SELECT 'OLD-' || lpad(n::text, 8, '0'), line, 'OLD-' || lpad((n / 2)::text, 8, '0'), 2, 'picked',
       now() - interval '8 days', now() - interval '8 days'
  FROM generate_series($1::integer, $2::integer) AS n, generate_series(1, 1 + n % 3) AS line

-- name: events
-- Four events for each order, already in the log. $3 is the position before the first one.
INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, from_status, to_status,
                          warehouse_id, actor, correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT $3::bigint + (n - $1) * 4 + step, gen_random_uuid(), 'OLD-' || lpad(n::text, 8, '0'), step, step,
       (ARRAY['wms.order.validated', 'wms.order.picking-started', 'wms.order.packing-started',
              'wms.order.shipped'])[step],
       now() - interval '8 days', NULL, NULL, 'WH-01', 'worker/old', '', '', '', '',
       json_build_object('orderId', 'OLD-' || lpad(n::text, 8, '0'), 'customerId', 'CUST-' || n % 5000)
  FROM generate_series($1::integer, $2::integer) AS n, generate_series(1, 4) AS step
