-- Orders without a wave, in every status that needs none.
INSERT INTO warehouses (warehouse_id) VALUES ('WH-01'), ('WH-02');
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    retry_count, failed_status, last_failure_reason, last_failed_at, next_retry_at,
                    created_at, updated_at)
SELECT 'ORD-' || status, 'CUST-001', 'WH-01', 'standard', status, true, '{"street":"123 Main St","city":"New York","country":"US"}', 1,
       CASE WHEN status IN ('pending_retry', 'dead_letter') THEN 'picking' END, 'jam', now(),
       CASE WHEN status = 'pending_retry' THEN now() END, now(), now()
  FROM unnest(ARRAY['received', 'validated', 'cancelled', 'pending_retry', 'dead_letter']) AS status;
INSERT INTO order_items (order_id, line_number, sku, quantity, price_currency, price_units, price_nanos)
SELECT order_id, 1, 'SKU-001', 2, 'USD', 29, 990000000 FROM orders;
INSERT INTO order_failures (order_id, life, attempt_number, status, reason, failed_at, actor)
SELECT order_id, 0, 1, 'picking', 'jam', now(), 'test' FROM orders WHERE failed_status IS NOT NULL;
INSERT INTO dead_letter_entries (entry_id, order_id, customer_id, warehouse_id, final_failure_status,
                                 final_failure_reason, total_retry_attempts, attempts, order_snapshot,
                                 created_at)
VALUES ('DLQ-1', 'ORD-dead_letter', 'CUST-001', 'WH-01', 'picking', 'jam', 1, '[]', '{}', now());
INSERT INTO request_answers (rpc, request_id, fingerprint, answer) VALUES ('r', 'id', 'f', 'a');
-- Events in the outbox and in the log.
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, to_status, warehouse_id, actor,
                    correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT order_id, 1, 1, 'wms.order.received', now(), 'received', 'WH-01', 'test', '', '', '', '', '{}'
  FROM orders;
INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, to_status,
                          warehouse_id, actor, correlation_id, wave_number, workflow_id, traceparent,
                          payload)
SELECT nextval('event_position'), gen_random_uuid(), 'ORD-gone', n, n, 'wms.order.updated', now(), NULL,
       'WH-01', 'test', '', '', '', '', '{}'
  FROM generate_series(1, 3) AS n;
INSERT INTO audit_log (at, actor, action, subject, correlation_id, detail)
VALUES (now(), 'test', 'lane.put', 'lane/LANE-1', '', '{}');
-- Stock, waves, their orders, and the allocations.
INSERT INTO lanes (lane_id, warehouse_id, zone, capacity, occupied, status)
VALUES ('LANE-1', 'WH-01', 'A', 10, 1, 'open'), ('LANE-2', 'WH-01', 'A', 10, 0, 'blocked');
INSERT INTO destinations (destination_id, warehouse_id, queue_capacity, zones, paused)
VALUES ('PACK-1', 'WH-01', 10, '{A}', false);
INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at)
VALUES ('WAVE-2024-00001', 'WH-01', 'PACK-1', now());
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    wave_id, destination_id, created_at, updated_at)
SELECT 'ORD-' || status, 'CUST-001', 'WH-01', 'same_day', status, false, '{"street":"123 Main St","city":"New York","country":"US"}',
       'WAVE-2024-00001', 'PACK-1', now(), now()
  FROM unnest(ARRAY['assigned_to_wave', 'picking', 'packing', 'shipped', 'completed']) AS status;
INSERT INTO order_items (order_id, line_number, sku, quantity, allocated)
VALUES ('ORD-picking', 1, 'SKU-001', 2, 2);
INSERT INTO order_items (order_id, line_number, sku, quantity, allocated, delivered, shipped)
VALUES ('ORD-shipped', 1, 'SKU-001', 2, 2, 2, 2);
INSERT INTO shipments (order_id, shipment_number, carrier_code, tracking_number, shipped_at, lines)
VALUES ('ORD-shipped', 1, 'UPS', '1Z999', now(), '[[1, "SKU-001", 2]]');
INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, allocated, status, location, lane_id,
                      lane_position, destination_id, produced_at, received_at, updated_at)
VALUES ('CAR-1', 'WH-01', 'SKU-001', 5, 2, 'available', 'in_lane', 'LANE-1', 1, 'PACK-1', now(), now(),
        now());
INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, target_id, created_at)
VALUES ('ORD-picking', 1, 'CAR-1', 2, 'live', 'PACK-1', now());
INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, destination_id,
                   requested_at, deadline_at)
VALUES ('MOV-1', 'WH-01', 'CAR-1', 'retrieve', 'requested', 'LANE-1', 'PACK-1', now(), now());
-- A role with a former holder.
UPDATE worker_roles SET epoch = 3, worker_id = 'w-1', heartbeat_at = now() WHERE role = 'fulfillment';
-- Backorders in every status, their allocations, and short picks.
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    wave_id, destination_id, created_at, updated_at)
VALUES ('ORD-owed', 'CUST-001', 'WH-01', 'standard', 'shipped', true, '{"street":"123 Main St","city":"New York","country":"US"}',
        'WAVE-2024-00001', 'PACK-1', now(), now());
INSERT INTO order_items (order_id, line_number, sku, quantity, allocated, delivered, shipped, backordered)
VALUES ('ORD-owed', 1, 'SKU-001', 12, 9, 7, 6, 4);
INSERT INTO backorders (backorder_id, order_id, line_number, customer_id, warehouse_id, sku, quantity,
                        quantity_fulfilled, reason, status, cancel_reason, created_at, updated_at, closed_at)
VALUES ('BO-1', 'ORD-owed', 1, 'CUST-001', 'WH-01', 'SKU-001', 2, 0, 'quantity_mismatch', 'open', '', now(), now(), NULL),
       ('BO-2', 'ORD-owed', 1, 'CUST-001', 'WH-01', 'SKU-001', 3, 1, 'not_found', 'in_progress', '', now(), now(), NULL),
       ('BO-3', 'ORD-owed', 1, 'CUST-001', 'WH-01', 'SKU-001', 1, 1, 'damaged', 'fulfilled', '', now(), now(), now()),
       ('BO-4', 'ORD-owed', 1, 'CUST-001', 'WH-01', 'SKU-001', 1, 0, 'damaged', 'cancelled', 'gone', now(), now(), now());
INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, target_id, created_at, backorder_id)
VALUES ('ORD-owed', 1, 'CAR-1', 2, 'live', 'PACK-1', now(), 'BO-2');
UPDATE carriers SET allocated = 4 WHERE carrier_id = 'CAR-1';
INSERT INTO write_offs (warehouse_id, order_id, carrier_id, sku, quantity, reason, actor, at)
VALUES ('WH-01', 'ORD-owed', 'CAR-1', 'SKU-001', 1, 'damaged', 'test', now());
-- Runs in every status, requested or not, and a pause of each kind.
INSERT INTO fulfillment_runs (run_id, status, warehouse_id, requested_by, requested_at, created_at, started_at,
                              finished_at, worker_id, epoch, steps, errors)
SELECT 'RUN-' || status, status, 'WH-01', 'test', now(), now(),
       CASE WHEN status <> 'requested' THEN now() END,
       CASE WHEN status NOT IN ('requested', 'running') THEN now() END, 'w-1', 3, '[]',
       CASE WHEN status = 'failed' THEN ARRAY['allocate: jam'] ELSE ARRAY[]::text[] END
  FROM unnest(ARRAY['requested', 'running', 'completed', 'failed', 'abandoned']) AS status;
INSERT INTO fulfillment_pauses (warehouse_id, reason, paused_by, paused_at, expires_at)
VALUES ('', 'audit', 'test', now(), now() + interval '1 h'), ('WH-02', 'stocktaking', 'test', now(), NULL);
-- Ended allocations beside live ones.
INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, created_at, ended_at)
VALUES ('ORD-owed', 1, 'CAR-1', 7, 'picked', now(), now()),
       ('ORD-owed', 1, 'CAR-1', 1, 'released', now(), now());
-- A role whose holder won an election.
UPDATE worker_roles SET epoch = 7, worker_id = 'w-2', heartbeat_at = now(), election_folder = 1790000000000,
       election_node = 4294967301
 WHERE role = 'relay';
-- A replica with a report and a former role.
INSERT INTO workers (worker_id, host, version, mode, started_at, heartbeat_at)
VALUES ('w-2', 'host-2', '0.1.0', 'passive', now(), now());
INSERT INTO worker_parts (worker_id, role, epoch) VALUES ('w-2', 'relay', 7);
UPDATE worker_roles SET step_down_epoch = 7, step_down_at = now() WHERE role = 'relay';
INSERT INTO relay_positions (relay, position) VALUES ('kafka', 0);
INSERT INTO parked_events (position, event_id, order_id, parked_at, attempts, last_error)
VALUES (1, gen_random_uuid(), 'ORD-received', now(), 1, 'MessageSizeTooLargeError');
-- A log with a second partition.
SELECT setval('event_position', 1000000);
INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, to_status,
                          warehouse_id, actor, correlation_id, wave_number, workflow_id, traceparent,
                          payload)
SELECT 1000000, gen_random_uuid(), 'ORD-gone', 4, 4, 'wms.order.updated', now(), NULL, 'WH-01', 'test', '', '', '',
       '', '{}';
UPDATE orders SET wave_number = 'WAVE-2024-00123' WHERE order_id = 'ORD-received';
-- Dead letters that were created, resolved and deleted while counters existed.
INSERT INTO dead_letter_entries (entry_id, order_id, customer_id, warehouse_id, final_failure_status,
                                 final_failure_reason, total_retry_attempts, attempts, order_snapshot, created_at)
SELECT 'DLQ-counted-' || status, 'ORD-' || status, 'CUST-001', 'WH-01', 'packing', 'jam', 1, '[]', '{}', now()
  FROM unnest(ARRAY['received', 'validated', 'cancelled']) AS status;
UPDATE dead_letter_entries SET resolution = 'manual_retry', resolved_at = now() WHERE entry_id = 'DLQ-counted-received';
DELETE FROM dead_letter_entries WHERE entry_id = 'DLQ-counted-cancelled';
-- A load carrier with allocations for its destination, beside earlier allocations.
INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, allocated, status, location, lane_id,
                      lane_position, destination_id, produced_at, received_at, updated_at)
VALUES ('CAR-13', 'WH-01', 'SKU-001', 5, 2, 'available', 'in_lane', 'LANE-1', 13, 'PACK-1', now(), now(), now());
INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, target_id, created_at)
VALUES ('ORD-picking', 1, 'CAR-13', 2, 'live', 'PACK-1', now());
-- Two events that are not sequenced yet.
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id, actor,
                    correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT 'ORD-waiting', number, number, 'wms.order.received', now(), NULL, NULL, 'WH-01', 'tests', '', '', '', '', '{}'
  FROM generate_series(1, 2) AS number;
-- An order that a call of the cycle has validated.
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    created_at, updated_at)
VALUES ('ORD-called', 'CUST-1', 'WH-01', 'standard', 'received', true, '{}', now(), now());
SELECT advance_orders('fulfillment', epoch, '{ORD-called}', '{}', '{}', 'received', 'validated', 'wms.order.validated',
                      'tests', '', now(), '2026-11-28T00:00:00Z')
  FROM worker_roles WHERE role = 'fulfillment';
-- A second key, beside that of the migration.
INSERT INTO page_token_keys (key) VALUES (decode(repeat('ab', 32), 'hex'));
-- The report of a relay before it was replaced.
INSERT INTO relay_reports (relay, worker_id, state, since, reported_at)
VALUES ('kafka', 'worker-old', 'failing', '2026-02-01 09:00+00', '2026-02-01 09:05+00');
