-- A warehouse after ten weeks: 100,000 orders, one a minute, most of them completed, two thousand in each step. The
-- newest order was created at 2024-05-31 23:59 UTC.

-- VACUUM marks only pages on disk as all-visible. Without synchronous commits it would be random whether a plan reads
-- the table or only an index.
SET synchronous_commit = on;

INSERT INTO lanes (lane_id, warehouse_id, zone, capacity, status)
SELECT 'LANE-' || n, 'WH-01', 'A', 10, 'open'
  FROM generate_series(1, 1000) AS n;

INSERT INTO destinations (destination_id, warehouse_id, queue_capacity, zones, paused)
SELECT 'PACK-' || n, 'WH-01', 10, '{A}', false
  FROM generate_series(0, 3) AS n;

INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at)
SELECT 'WAVE-2024-' || lpad(n::text, 5, '0'), 'WH-01', 'PACK-' || n % 4, '2024-06-01Z'
  FROM generate_series(0, 399) AS n;

INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    promised_delivery_at, wave_id, destination_id, failed_status, next_retry_at, created_at,
                    updated_at)
SELECT 'ORD-' || lpad(n::text, 6, '0'), 'CUST-' || lpad((n % 500)::text, 3, '0'), 'WH-01',
       (ARRAY['same_day', 'next_day', 'standard'])[1 + n % 3], s.status, true, '{"street":"123 Main St"}',
       c.at + interval '2 days', w.wave_id, w.destination_id,
       CASE WHEN s.status IN ('pending_retry', 'dead_letter') THEN 'picking' END,
       CASE WHEN s.status = 'pending_retry' THEN c.at + interval '15 minutes' END, c.at, c.at
  FROM generate_series(1, 100000) AS n
 CROSS JOIN LATERAL (SELECT '2024-06-01Z'::timestamptz - n * interval '1 minute' AS at) AS c
 CROSS JOIN LATERAL (
       SELECT CASE WHEN n % 100 < 80 THEN 'completed'
                   ELSE (ARRAY['received', 'validated', 'assigned_to_wave', 'picking', 'packing', 'shipped',
                               'cancelled', 'pending_retry', 'dead_letter'])[1 + n % 9]
              END AS status) AS s
  LEFT JOIN waves w ON s.status IN ('assigned_to_wave', 'picking', 'packing', 'shipped', 'completed')
                   AND w.wave_id = 'WAVE-2024-' || lpad((n % 400)::text, 5, '0');

INSERT INTO order_items (order_id, line_number, sku, quantity, allocated, delivered, shipped)
SELECT order_id, n, 'SKU-001', 2, s.units, s.units, s.units
  FROM orders o
 CROSS JOIN generate_series(1, 2) AS n
 CROSS JOIN LATERAL (SELECT CASE WHEN o.status IN ('shipped', 'completed') THEN 2 ELSE 0 END AS units) AS s;

INSERT INTO shipments (order_id, shipment_number, carrier_code, tracking_number, shipped_at, lines)
SELECT order_id, 1, 'UPS', '1Z999', created_at, '[[1,"SKU-001",2],[2,"SKU-001",2]]'
  FROM orders WHERE status IN ('shipped', 'completed');

INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, from_status,
                          to_status, warehouse_id, actor, correlation_id, wave_number, workflow_id, traceparent,
                          payload)
SELECT nextval('event_position'), gen_random_uuid(), order_id, n, n, 'wms.order.updated', created_at,
       CASE WHEN n = 2 THEN 'received' END, CASE n WHEN 1 THEN 'received' WHEN 2 THEN 'validated' END, 'WH-01',
       'test', '', '', '', '', '{}'
  FROM generate_series(1, 3) AS n
 CROSS JOIN orders;

INSERT INTO order_failures (order_id, retry_generation, attempt_number, status, reason, failed_at, actor)
SELECT order_id, 0, n, 'picking', 'jam', created_at, 'test'
  FROM orders CROSS JOIN generate_series(1, 5) AS n WHERE failed_status IS NOT NULL;

-- Every order in the dead letter queue has twenty entries; the last one is unresolved.
INSERT INTO dead_letter_entries (entry_id, order_id, customer_id, warehouse_id, final_failure_status,
                                 final_failure_reason, total_retry_attempts, attempts, order_snapshot,
                                 created_at, resolution, resolved_at)
SELECT 'DLQ-' || n || order_id, order_id, customer_id, warehouse_id, 'picking', 'jam', 5, '[]', '{}',
       created_at + n * interval '1 s', CASE WHEN n < 20 THEN 'manual_retry' END, CASE WHEN n < 20 THEN created_at END
  FROM orders CROSS JOIN generate_series(1, 20) AS n WHERE status = 'dead_letter';

INSERT INTO dead_letter_resolutions (entry_id, number, resolution, notes, resolved_by, resolved_at)
SELECT entry_id, 1, resolution, '', 'SUPERVISOR-001', resolved_at
  FROM dead_letter_entries WHERE resolution IS NOT NULL;

-- Most load carriers are empty and have left.
INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, status, location, lane_id, lane_position,
                      produced_at, received_at, updated_at)
SELECT 'CAR-' || n, 'WH-01', 'SKU-' || lpad((n % 2000)::text, 4, '0'), CASE WHEN n <= 10000 THEN 100 ELSE 0 END,
       'available', CASE WHEN n <= 10000 THEN 'in_lane' ELSE 'left' END, CASE WHEN n <= 10000 THEN 'LANE-' || (n + 9) / 10 END,
       CASE WHEN n <= 10000 THEN 1 + n % 10 END, '2024-05-01Z', '2024-05-01Z', '2024-05-01Z'
  FROM generate_series(1, 20000) AS n;

INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, created_at, ended_at)
SELECT order_id, 1, 'CAR-1', 2, 'picked', created_at, created_at
  FROM orders WHERE status IN ('shipped', 'completed');

-- Orders in picking have fifty allocations of two units each.
CREATE TEMP TABLE held AS
SELECT order_id, destination_id, 'CAR-' || row_number() OVER (ORDER BY order_id) AS carrier_id
  FROM orders WHERE status = 'picking';
UPDATE carriers c SET allocated = 100, destination_id = h.destination_id FROM held h WHERE c.carrier_id = h.carrier_id;
INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, target_id, created_at)
SELECT order_id, 1, carrier_id, 2, 'live', destination_id, '2024-05-31Z'
  FROM held CROSS JOIN generate_series(1, 50);

INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, destination_id, claimed_by,
                   requested_at, deadline_at, finished_at)
SELECT 'MOV-' || n, 'WH-01', 'CAR-' || n, 'retrieve', CASE WHEN n <= 100 THEN 'requested' ELSE 'completed' END,
       'LANE-1', 'PACK-1', 'wcs', '2024-05-31Z', '2024-05-31Z', CASE WHEN n > 100 THEN '2024-05-31Z'::timestamptz END
  FROM generate_series(1, 20000) AS n;

-- One of a hundred backorders is open; those of orders in picking have allocations.
INSERT INTO backorders (backorder_id, order_id, line_number, customer_id, warehouse_id, sku, quantity,
                        quantity_fulfilled, reason, status, created_at, updated_at, closed_at)
SELECT 'BO-' || n, o.order_id, 1, o.customer_id, 'WH-01', 'SKU-' || lpad((n % 2000)::text, 4, '0'), 2,
       CASE WHEN l.live THEN 0 ELSE 2 END, 'quantity_mismatch', CASE WHEN l.live THEN 'open' ELSE 'fulfilled' END,
       o.created_at, o.created_at, CASE WHEN NOT l.live THEN o.created_at END
  FROM generate_series(1, 20000) AS n
 CROSS JOIN LATERAL (SELECT n % 100 = 0 AS live) AS l
  JOIN orders o ON o.order_id = 'ORD-' || lpad(n::text, 6, '0');

-- A record for each second of the last hours; only the newest one is relevant.
INSERT INTO fulfillment_runs (run_id, status, created_at, started_at, finished_at, worker_id, epoch)
SELECT 'RUN-' || lpad(n::text, 6, '0'), CASE WHEN n = 1 THEN 'requested' ELSE 'completed' END,
       '2024-06-01Z'::timestamptz - n * interval '1 s', '2024-06-01Z', '2024-06-01Z', 'w-1', 3
  FROM generate_series(1, 20000) AS n;

INSERT INTO request_answers (rpc, request_id, fingerprint, answer, created_at)
SELECT 'CreateOrder', n::text, '', '', '2024-06-01Z'::timestamptz - n * interval '1 minute'
  FROM generate_series(1, 20000) AS n;

INSERT INTO audit_log (at, actor, action, subject, correlation_id, detail)
SELECT '2024-05-01Z', 'test', 'carrier.received', 'carrier/CAR-' || n, '', '{}' FROM generate_series(1, 20000) AS n;

-- Half of the orders have an event that Kafka rejected; ten of them have been released.
INSERT INTO parked_events (position, event_id, order_id, parked_at, attempts, last_error, released_at)
SELECT position, event_id, order_id, '2024-06-01Z', 1, 'MessageSizeTooLargeError',
       CASE WHEN position <= 20 THEN '2024-06-01Z'::timestamptz END
  FROM order_events WHERE sequence = 1 AND position % 2 = 0;
