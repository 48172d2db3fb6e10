-- The fulfillment cycle. Locks are taken in one order everywhere: orders, moves, carriers, lanes.

-- name: due_retries
-- Orders whose retry is due, the longest due first.
SELECT order_id FROM orders
 WHERE status = 'pending_retry' AND next_retry_at <= $1
 ORDER BY next_retry_at, order_id LIMIT $2

-- name: received
-- Orders that wait for validation, the oldest first.
SELECT order_id FROM orders WHERE status = 'received' ORDER BY created_at, order_id LIMIT $1

-- name: advance
-- Moves orders along one arrow of the table; what somebody else is changing is left for the next cycle.
WITH chosen AS (
    SELECT order_id FROM orders
     WHERE order_id = ANY ($1::text[]) AND status = $2
     ORDER BY order_id
       FOR UPDATE SKIP LOCKED
)
UPDATE orders o
   SET status = $3, version = o.version + 1, sequence = o.sequence + 1, waiting_reason = NULL, updated_at = $4
  FROM chosen c WHERE o.order_id = c.order_id
RETURNING o.*

-- name: tell
-- Writes events.
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id,
                    actor, correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::timestamptz[], $6::text[],
                     $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
                     $14::json[])

-- name: validated
-- Orders that wait for a wave, most urgent first; orders of warehouses without a destination only wait.
SELECT order_id, warehouse_id
  FROM orders
 WHERE status = 'validated' AND warehouse_id IN (SELECT warehouse_id FROM destinations WHERE NOT paused)
 ORDER BY array_position(ARRAY['same_day', 'next_day', 'standard'], priority), promised_delivery_at, created_at,
          order_id
 LIMIT $1

-- name: open_destinations
-- Destinations that are not paused, with the orders that wait at them.
SELECT d.*,
       (SELECT count(*) FROM orders o
         WHERE o.destination_id = d.destination_id AND o.status IN ('assigned_to_wave', 'picking'))
           AS waiting_orders
  FROM destinations d WHERE NOT paused ORDER BY destination_id

-- name: make_waves
-- Makes the waves of a plan.
INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at)
SELECT w.wave_id, w.warehouse_id, w.destination_id, $4
  FROM unnest($1::text[], $2::text[], $3::text[]) AS w (wave_id, warehouse_id, destination_id)

-- name: join_waves
-- Puts validated orders into the waves of a plan.
WITH chosen AS (
    SELECT o.order_id, m.wave_id, m.destination_id
      FROM unnest($1::text[], $2::text[], $3::text[]) AS m (order_id, wave_id, destination_id)
      JOIN orders o USING (order_id)
     WHERE o.status = 'validated'
     ORDER BY o.order_id
       FOR UPDATE OF o SKIP LOCKED
)
UPDATE orders o
   SET status = 'assigned_to_wave', wave_id = c.wave_id, destination_id = c.destination_id,
       version = o.version + 1, sequence = o.sequence + 1, waiting_reason = NULL, updated_at = $4
  FROM chosen c WHERE o.order_id = c.order_id
RETURNING o.*

-- name: to_allocate
-- Orders in a wave that hold nothing yet, most urgent first.
SELECT order_id
  FROM orders o
 WHERE status = 'assigned_to_wave' AND order_id <> ALL ($2::text[])
   AND NOT EXISTS (SELECT FROM allocations a WHERE a.order_id = o.order_id AND a.status = 'live')
 ORDER BY array_position(ARRAY['same_day', 'next_day', 'standard'], priority), promised_delivery_at, created_at,
          order_id
 LIMIT $1

-- name: free_carriers
-- Carriers with units that nobody holds, locked in order of id. One on its way back to a lane serves nobody.
SELECT c.carrier_id, c.warehouse_id, c.sku, c.quantity - c.allocated AS free, c.produced_at, c.destination_id,
       l.zone,
       CASE
           WHEN c.location = 'in_lane' THEN l.status = 'open'
           ELSE NOT EXISTS (SELECT FROM moves m WHERE m.carrier_id = c.carrier_id AND m.kind = 'return'
                               AND m.status IN ('requested', 'claimed'))
       END AS reachable
  FROM carriers c LEFT JOIN lanes l USING (lane_id)
 WHERE c.warehouse_id = ANY ($1::text[]) AND c.sku = ANY ($2::text[])
   AND c.location <> 'left' AND c.status = 'available' AND c.quantity > c.allocated
 ORDER BY c.carrier_id
   FOR UPDATE OF c

-- name: allocate
-- Reserves units of carriers for lines of orders; a carrier gets the target of its first allocation.
WITH promised AS (
    INSERT INTO allocations (order_id, line_number, carrier_id, target_id, quantity, status, created_at)
    SELECT a.order_id, a.line_number, a.carrier_id, a.destination_id, a.quantity, 'live', $6
      FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::integer[])
        AS a (order_id, line_number, carrier_id, destination_id, quantity)
    RETURNING order_id, line_number, carrier_id, target_id, quantity
), reserved AS (
    UPDATE carriers c SET allocated = c.allocated + p.quantity, destination_id = p.target_id, updated_at = $6
      FROM (SELECT carrier_id, target_id, sum(quantity) AS quantity FROM promised GROUP BY carrier_id, target_id) p
     WHERE c.carrier_id = p.carrier_id
)
UPDATE order_items i SET allocated = i.allocated + p.quantity
  FROM (SELECT order_id, line_number, sum(quantity) AS quantity FROM promised GROUP BY order_id, line_number) p
 WHERE i.order_id = p.order_id AND i.line_number = p.line_number

-- name: touch
-- A change of lines is a change of their orders.
UPDATE orders SET version = version + 1, waiting_reason = NULL, updated_at = $2 WHERE order_id = ANY ($1::text[])

-- name: wait
-- Records why orders wait.
UPDATE orders o SET waiting_reason = w.reason
  FROM unnest($1::text[], $2::text[]) AS w (order_id, reason)
 WHERE o.order_id = w.order_id AND o.waiting_reason IS DISTINCT FROM w.reason

-- name: request_moves
-- Asks for allocated carriers, the longest allocated first, as far as each destination's queue has room.
WITH wanted AS (
    SELECT c.carrier_id, c.warehouse_id, c.lane_id, c.destination_id,
           (SELECT min(a.allocation_id) FROM allocations a WHERE a.carrier_id = c.carrier_id AND a.status = 'live')
               AS since
      FROM carriers c JOIN lanes l USING (lane_id)
     WHERE c.destination_id IS NOT NULL AND c.location = 'in_lane' AND c.allocated > 0
       AND c.status = 'available' AND l.status = 'open'
       AND NOT EXISTS (SELECT FROM moves m WHERE m.carrier_id = c.carrier_id AND m.status IN ('requested', 'claimed'))
     ORDER BY c.carrier_id
       FOR UPDATE OF c
), queued AS (
    SELECT w.*, row_number() OVER (PARTITION BY destination_id ORDER BY since, carrier_id) AS place FROM wanted w
), room AS (
    SELECT d.destination_id,
           d.queue_capacity
           - (SELECT count(*) FROM carriers c
               WHERE c.destination_id = d.destination_id AND c.location = 'at_destination')
           - (SELECT count(*) FROM moves m
               WHERE m.destination_id = d.destination_id AND m.kind = 'retrieve'
                 AND m.status IN ('requested', 'claimed')) AS places
      FROM destinations d WHERE NOT d.paused
)
INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, destination_id, requested_at,
                   deadline_at)
SELECT 'MOV-' || gen_random_uuid(), q.warehouse_id, q.carrier_id, 'retrieve', 'requested', q.lane_id,
       q.destination_id, $2, $1
  FROM queued q JOIN room r USING (destination_id)
 WHERE q.place <= r.places
 ORDER BY q.since LIMIT $3
RETURNING 1

-- name: ready_to_pick
-- Orders in a wave of which a carrier has been asked for, is on its way or there.
SELECT DISTINCT o.order_id
  FROM orders o
  JOIN allocations a ON a.order_id = o.order_id AND a.status = 'live'
  JOIN carriers c USING (carrier_id)
 WHERE o.status = 'assigned_to_wave'
   AND (c.location <> 'in_lane'
        OR EXISTS (SELECT FROM moves m WHERE m.carrier_id = c.carrier_id AND m.status IN ('requested', 'claimed')))
 LIMIT $1

-- name: arrived_for
-- Orders in PICKING for which a carrier is at its destination.
SELECT DISTINCT o.order_id
  FROM carriers c
  JOIN allocations a ON a.carrier_id = c.carrier_id AND a.status = 'live'
  JOIN orders o ON o.order_id = a.order_id
 WHERE c.destination_id IS NOT NULL AND c.location = 'at_destination' AND c.allocated > 0 AND o.status = 'picking'
 LIMIT $1

-- name: lock_picking
-- Those of the orders that are in PICKING, locked.
SELECT order_id FROM orders
 WHERE order_id = ANY ($1::text[]) AND status = 'picking'
 ORDER BY order_id
   FOR UPDATE SKIP LOCKED

-- name: lock_arrived
-- The carriers at their destination that hold something for these orders.
SELECT carrier_id FROM carriers
 WHERE location = 'at_destination'
   AND carrier_id IN (SELECT carrier_id FROM allocations WHERE order_id = ANY ($1::text[]) AND status = 'live')
 ORDER BY carrier_id
   FOR UPDATE

-- name: pick
-- Picks what carriers that have arrived hold for orders; an empty carrier leaves.
WITH picked AS (
    UPDATE allocations SET status = 'picked', target_id = NULL, ended_at = $3
     WHERE order_id = ANY ($1::text[]) AND carrier_id = ANY ($2::text[]) AND status = 'live'
    RETURNING order_id, line_number, carrier_id, quantity
), taken AS (
    UPDATE carriers c
       SET quantity = c.quantity - p.quantity, allocated = c.allocated - p.quantity, updated_at = $3,
           location = CASE WHEN c.quantity = p.quantity THEN 'left' ELSE c.location END,
           destination_id = CASE WHEN c.quantity = p.quantity THEN NULL ELSE c.destination_id END
      FROM (SELECT carrier_id, sum(quantity) AS quantity FROM picked GROUP BY carrier_id) AS p
     WHERE c.carrier_id = p.carrier_id
)
UPDATE order_items i SET delivered = i.delivered + p.quantity
  FROM (SELECT order_id, line_number, sum(quantity) AS quantity FROM picked GROUP BY order_id, line_number) AS p
 WHERE i.order_id = p.order_id AND i.line_number = p.line_number

-- name: delivered_whole
-- Those of the orders for which nothing is on its way any more.
SELECT o.order_id FROM orders o
 WHERE o.order_id = ANY ($1::text[]) AND o.status = 'picking'
   AND NOT EXISTS (SELECT FROM order_items i WHERE i.order_id = o.order_id AND i.delivered < i.allocated)

-- name: to_return
-- Carriers with a rest at a destination where nobody holds any of it.
SELECT c.carrier_id, c.warehouse_id, c.destination_id, d.zones
  FROM carriers c JOIN destinations d USING (destination_id)
 WHERE c.destination_id IS NOT NULL AND c.location = 'at_destination' AND c.allocated = 0
   AND NOT EXISTS (SELECT FROM moves m WHERE m.carrier_id = c.carrier_id AND m.status IN ('requested', 'claimed'))
 ORDER BY c.carrier_id LIMIT $1
   FOR UPDATE OF c

-- name: lanes_with_room
-- Open lanes with free positions, the emptiest first.
SELECT *
  FROM lanes
 WHERE warehouse_id = ANY ($1::text[]) AND status = 'open' AND occupied < capacity
 ORDER BY capacity - occupied DESC, lane_id LIMIT $2

-- name: request_returns
-- Asks for carriers to be brought back; their positions are promised now.
WITH trips AS (
    INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, to_lane_id, destination_id, requested_at,
                       deadline_at)
    SELECT 'MOV-' || gen_random_uuid(), t.warehouse_id, t.carrier_id, 'return', 'requested', t.lane_id,
           t.destination_id, $5, $6
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
        AS t (carrier_id, warehouse_id, destination_id, lane_id)
    RETURNING to_lane_id
)
UPDATE lanes l SET occupied = l.occupied + t.n
  FROM (SELECT to_lane_id, count(*) AS n FROM trips GROUP BY to_lane_id) AS t
 WHERE l.lane_id = t.to_lane_id

-- name: overdue_moves
-- Live moves whose deadline has passed.
SELECT move_id FROM moves
 WHERE status IN ('requested', 'claimed') AND deadline_at < $1
 ORDER BY deadline_at LIMIT $2

-- name: waiting_for_failed_moves
-- Orders that wait for a carrier whose move failed, with the reason; nobody has acted on the move yet.
SELECT DISTINCT ON (o.order_id) o.order_id, m.failure_reason
  FROM moves m
  JOIN allocations a ON a.carrier_id = m.carrier_id AND a.status = 'live'
  JOIN orders o ON o.order_id = a.order_id
 WHERE m.status = 'failed' AND NOT m.taken_in AND o.status IN ('assigned_to_wave', 'picking')
 ORDER BY o.order_id, m.finished_at LIMIT $1

-- name: take_in_failed_moves
-- Marks failed moves as acted on whose carriers no order waits for any more.
UPDATE moves m SET taken_in = true
 WHERE m.status = 'failed' AND NOT m.taken_in
   AND NOT EXISTS (SELECT FROM allocations a WHERE a.carrier_id = m.carrier_id AND a.status = 'live')
RETURNING 1
