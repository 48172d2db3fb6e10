-- Statements of the event benchmark.

-- name: fill
-- Events $2 to $3 of the log, five per order, directly after position $1.
INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, from_status, to_status,
                          warehouse_id, actor, correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT $1::bigint + n - $2, gen_random_uuid(), 'ORD-' || lpad((n / 5)::text, 26, '0'), 1 + n % 5, 1 + n % 5,
       'wms.order.picking-started', now() - interval '1 day', NULL, NULL, 'WH-01', 'worker/bench', 'corr-' || n,
       'WAVE-2026-' || lpad((n / 250)::text, 5, '0'), '', '',
       json_build_object('type', 'wms.order.picking-started', 'orderId', 'ORD-' || lpad((n / 5)::text, 26, '0'),
                         'customerId', 'CUST-' || n % 5000, 'waveId', 'WAVE-2026-' || lpad((n / 250)::text, 5, '0'),
                         'destinationId', 'PACK-' || n % 10, 'carrierIds', array['CAR-' || n, 'CAR-' || n + 1],
                         'timestamp', '2026-11-22T10:00:00.123456Z')
  FROM generate_series($2::bigint, $3::bigint) AS n

-- name: insert_burst
-- Copies of the last $1 events of the log, into the outbox in one transaction.
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, warehouse_id, actor, correlation_id, wave_number,
                    workflow_id, traceparent, payload)
SELECT order_id, sequence, version, type, clock_timestamp(), warehouse_id, actor, correlation_id, wave_number,
       workflow_id, traceparent, payload
  FROM order_events
 WHERE position > (SELECT max(position) FROM order_events) - $1::bigint
 ORDER BY position

-- name: insert_event
-- One event of a new order.
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, warehouse_id, actor, correlation_id, wave_number,
                    workflow_id, traceparent, payload)
SELECT $1, 1, 1, type, clock_timestamp(), warehouse_id, actor, correlation_id, wave_number, workflow_id, traceparent,
       payload
  FROM order_events WHERE position = $2
RETURNING event_id::text

-- name: newest
-- The last position of the log.
SELECT coalesce(max(position), 0) FROM order_events

-- name: start_from
-- Let the relay continue after a position.
INSERT INTO relay_positions (relay, position) VALUES ('kafka', $1)
    ON CONFLICT (relay) DO UPDATE SET position = excluded.position

-- name: relay_position
-- The position of the relay.
SELECT coalesce(max(position), 0) FROM relay_positions

-- name: has_outbox_events
-- Whether events are in the outbox.
SELECT EXISTS (SELECT FROM outbox)

-- name: next_unsent
-- The next event of the simple relay.
SELECT id, order_id, payload::text FROM simple_outbox WHERE sent_at IS NULL ORDER BY id LIMIT 1

-- name: mark_sent
-- Mark an event as sent by the simple relay.
UPDATE simple_outbox SET sent_at = now() WHERE id = $1

-- name: create_simple_outbox
-- The outbox of the simple relay, with its usual index.
CREATE TABLE simple_outbox (id bigint PRIMARY KEY, order_id text NOT NULL, payload json NOT NULL, sent_at timestamptz);
CREATE INDEX ON simple_outbox (id) WHERE sent_at IS NULL;
INSERT INTO simple_outbox
SELECT position, order_id, payload FROM order_events ORDER BY position DESC LIMIT 20000;
ANALYZE simple_outbox
