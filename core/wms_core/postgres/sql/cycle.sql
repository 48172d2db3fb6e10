-- The fulfillment cycle. Locks are taken in one order everywhere: orders, moves, carriers, lanes.
--
-- OFFSET 0 keeps a look-up one by its key. A queue is thousands of orders of one status, or of carriers in one place, at
-- one moment and none at the next, whatever the statistics say: joined, each look-up would walk the index of that queue.

-- name: due_retries
-- Orders whose retry is due, the longest due first.
SELECT order_id FROM orders
 WHERE status = 'pending_retry' AND next_retry_at <= $1
 ORDER BY next_retry_at, order_id LIMIT $2

-- name: received
-- Orders that wait for validation, the oldest first.
SELECT order_id FROM orders WHERE status = 'received' ORDER BY created_at, order_id LIMIT $1

-- name: advance
-- Moves orders along one arrow of the table, some of them into waves, and tells of it.
SELECT advance_orders($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS order_id

-- name: validated
-- Orders that wait for a wave, most urgent first; orders of warehouses without a destination only wait.
-- Warehouse by warehouse, in the order of the index.
SELECT o.order_id, o.warehouse_id
  FROM (SELECT DISTINCT warehouse_id FROM destinations WHERE NOT paused) AS w
 CROSS JOIN LATERAL (
     SELECT order_id, warehouse_id, priority, promised_delivery_at, created_at
       FROM orders
      WHERE status = 'validated' AND warehouse_id = w.warehouse_id
      ORDER BY array_position(ARRAY['same_day', 'next_day', 'standard'], priority), promised_delivery_at, created_at,
               order_id
      LIMIT $1) AS o
 WHERE NOT EXISTS (SELECT FROM active_pauses p WHERE p.warehouse_id IN ('', w.warehouse_id))
 ORDER BY array_position(ARRAY['same_day', 'next_day', 'standard'], o.priority), o.promised_delivery_at, o.created_at,
          o.order_id
 LIMIT $1

-- name: open_destinations
-- Destinations that are not paused, with the orders that wait at them.
SELECT d.*, coalesce(w.waiting, 0) AS waiting_orders
  FROM destinations d
  LEFT JOIN (SELECT destination_id, count(*) AS waiting
               FROM orders WHERE status IN ('assigned_to_wave', 'picking') GROUP BY destination_id) AS w
       USING (destination_id)
 WHERE NOT d.paused ORDER BY d.destination_id

-- name: out_of_reach
-- The open destinations that a SKU of an order can't be brought to, although it stands in lanes: no zone that it stands
-- in is one of theirs.
WITH asked AS MATERIALIZED (
    SELECT DISTINCT i.order_id, o.warehouse_id, i.sku
      FROM order_items i JOIN orders o USING (order_id)
     WHERE i.order_id = ANY ($1::text[])
), standing AS MATERIALIZED (
    SELECT a.warehouse_id, a.sku, array_agg(DISTINCT l.zone) AS zones
      FROM (SELECT DISTINCT warehouse_id, sku FROM asked) AS a
     CROSS JOIN LATERAL (
         SELECT c.lane_id FROM carriers c
          WHERE c.warehouse_id = a.warehouse_id AND c.sku = a.sku AND c.location <> 'left'
            AND c.status = 'available' AND c.lane_id IS NOT NULL
          ORDER BY c.produced_at LIMIT 50) AS c
      JOIN lanes l USING (lane_id)
     GROUP BY a.warehouse_id, a.sku
), missed AS MATERIALIZED (
    SELECT s.warehouse_id, s.sku, d.destination_id
      FROM standing s JOIN destinations d USING (warehouse_id)
     WHERE NOT d.paused AND NOT d.zones && s.zones
)
SELECT a.order_id, array_agg(DISTINCT m.destination_id) AS destination_ids
  FROM asked a JOIN missed m USING (warehouse_id, sku)
 GROUP BY a.order_id

-- name: to_allocate
-- Orders in a wave that hold nothing yet, most urgent first. Those that have waited already take half of the places at
-- most, so that they keep no other from being looked at; and one waits on while its destination is paused, or while
-- there is enough of the SKU that it waits for, but none where it can be had. Of those that wait for carriers which go
-- nowhere yet a few for each carrier are looked at, the most urgent and some by lot: where it goes then, others join.
-- Which ones is left to chance when they are too many. The first at each destination whose stock is elsewhere are
-- always among them: they keep their place in line.
WITH fresh AS (
    SELECT order_id
      FROM orders o
     WHERE status = 'assigned_to_wave' AND NOT holds_stock AND waiting_reason IS NULL
       AND NOT EXISTS (SELECT FROM active_pauses p WHERE p.warehouse_id IN ('', o.warehouse_id))
     ORDER BY array_position(ARRAY['same_day', 'next_day', 'standard'], priority), promised_delivery_at, created_at,
              order_id
     LIMIT $1
), waiting AS (
    SELECT o.warehouse_id, o.waiting_sku,
           array_agg(o.order_id ORDER BY array_position(ARRAY['same_day', 'next_day', 'standard'], o.priority),
                                         o.promised_delivery_at, o.created_at, o.order_id) AS order_ids
      FROM orders o
     WHERE o.status = 'assigned_to_wave' AND NOT o.holds_stock AND o.waiting_reason IS NOT NULL
       AND NOT EXISTS (SELECT FROM active_pauses p WHERE p.warehouse_id IN ('', o.warehouse_id))
     GROUP BY o.warehouse_id, o.waiting_sku
), hopeful AS (
    SELECT o.order_id, free.zones,
           w.waiting_sku IS NULL OR free.units < o.waiting_units OR o.destination_id = ANY (free.going_to) AS now,
           row_number() OVER (PARTITION BY w.warehouse_id, w.waiting_sku, d.zones && free.zones ORDER BY n.place) AS place,
           row_number() OVER (PARTITION BY w.warehouse_id, w.waiting_sku, d.zones && free.zones ORDER BY random()) AS lot
      FROM waiting w
     CROSS JOIN LATERAL (
         SELECT coalesce(sum(c.quantity - c.allocated), 0) AS units, array_agg(c.destination_id) AS going_to,
                array_agg(l.zone) FILTER (WHERE c.destination_id IS NULL AND l.status = 'open') AS zones
           FROM carriers c LEFT JOIN lanes l USING (lane_id)
          WHERE c.warehouse_id = w.warehouse_id AND c.sku = w.waiting_sku AND c.location <> 'left'
            AND c.status = 'available' AND c.quantity > c.allocated) AS free
     CROSS JOIN LATERAL unnest(w.order_ids) WITH ORDINALITY AS n (order_id, place)
      JOIN orders o USING (order_id)
      JOIN destinations d USING (destination_id)
     WHERE NOT d.paused
       AND (w.waiting_sku IS NULL OR free.units < o.waiting_units
            OR o.destination_id = ANY (free.going_to) OR d.zones && free.zones)
), again AS (
    SELECT order_id FROM hopeful
     WHERE now OR least(place, lot) <= 8 * cardinality(zones)
     ORDER BY random() LIMIT greatest($1::bigint / 2, 1)
), first AS (
    SELECT f.order_id
      FROM destinations d
     CROSS JOIN LATERAL (
         SELECT order_id
           FROM orders o
          WHERE status = 'assigned_to_wave' AND NOT holds_stock AND waiting_reason = 'stock_elsewhere'
            AND destination_id = d.destination_id
            AND NOT EXISTS (SELECT FROM active_pauses p WHERE p.warehouse_id IN ('', o.warehouse_id))
          ORDER BY array_position(ARRAY['same_day', 'next_day', 'standard'], priority), promised_delivery_at,
                   created_at, order_id
          LIMIT 5) AS f
     WHERE NOT d.paused
)
SELECT order_id
  FROM orders
 WHERE order_id IN (SELECT order_id FROM fresh UNION SELECT order_id FROM again UNION SELECT order_id FROM first)
 ORDER BY array_position(ARRAY['same_day', 'next_day', 'standard'], priority), promised_delivery_at, created_at,
          order_id
 LIMIT $1

-- name: free_carriers
-- Carriers with units that nobody holds: all of those that go somewhere, and of those that go nowhere the oldest, as
-- many as can be needed. A line leaves a rest on one carrier at most and uses up others, so $7 times a few more are
-- read than there are lines; equally old ones come together, a thousand at most. Of those read as many are given as
-- hold what is asked for, and one more for each destination. A row without a carrier names a SKU of which more are to
-- be read: what was found within some destination's reach may not do. One behind more than $6 carriers that nobody
-- wants is deep, and does not count for that.
WITH wanted AS MATERIALIZED (
    SELECT warehouse_id COLLATE "C" AS warehouse_id, sku, row_number() OVER () AS number,
           array_agg(destination_id) AS destination_ids, count(*) AS places, sum(units) AS asked,
           $7::integer * (8 + sum(lines)) AS most
      FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[])
        AS a (warehouse_id, sku, destination_id, lines, units)
     GROUP BY 1, 2
), free AS MATERIALIZED (
    SELECT w.number, c.carrier_id, c.quantity - c.allocated AS units, c.produced_at, c.location, c.lane_id,
           c.destination_id, c.allocated > 0 AS promised
      FROM carriers c JOIN wanted w USING (warehouse_id, sku)
     WHERE c.destination_id IS NOT NULL AND c.location <> 'left' AND c.status = 'available' AND c.quantity > c.allocated
    UNION ALL
    SELECT w.number, i.*, NULL, false
      FROM wanted w
     CROSS JOIN LATERAL (
         SELECT * FROM (
             SELECT c.carrier_id, c.quantity - c.allocated AS units, c.produced_at, c.location, c.lane_id
               FROM carriers c
              WHERE c.warehouse_id = w.warehouse_id AND c.sku = w.sku AND c.destination_id IS NULL
                AND c.location <> 'left' AND c.status = 'available' AND c.quantity > c.allocated
              ORDER BY c.produced_at FETCH FIRST (w.most) ROWS WITH TIES) AS oldest
          LIMIT w.most + 1000) AS i
), standing AS MATERIALIZED (
    SELECT h.carrier_id, l.zone, l.status = 'open' AS open, h.blockers
      FROM lanes l
     CROSS JOIN LATERAL (
         SELECT carrier_id,
                count(*) FILTER (WHERE allocated = 0) OVER (ORDER BY lane_position ROWS UNBOUNDED PRECEDING)
                - (allocated = 0)::integer AS blockers
           FROM carriers WHERE lane_id = l.lane_id) AS h
     WHERE l.lane_id IN (SELECT lane_id FROM free)
), judged AS MATERIALIZED (
    SELECT f.*, coalesce(t.zone, s.zone) AS zone, coalesce(s.blockers, 0) AS blockers, coalesce(s.blockers, 0) > $6 AS deep,
           m.carrier_id IS NULL AND (f.location <> 'in_lane' OR s.open) AS reachable,
           m.carrier_id IS NOT NULL
           OR f.location = 'moving' OR f.promised AND (f.location <> 'in_lane' OR s.open) AS comes_back
      FROM free f
      LEFT JOIN standing s USING (carrier_id)
      LEFT JOIN moves m ON m.carrier_id = f.carrier_id AND m.status IN ('requested', 'claimed') AND m.kind <> 'retrieve'
      LEFT JOIN lanes t ON t.lane_id = m.to_lane_id
), idle AS MATERIALIZED (
    SELECT *, max(units) OVER same AS largest,
           sum(units) OVER (same ORDER BY deep, produced_at, blockers, units ROWS UNBOUNDED PRECEDING) - units AS before
      FROM judged WHERE destination_id IS NULL
    WINDOW same AS (PARTITION BY number, zone, reachable)
), given AS (
    SELECT carrier_id, number, units, zone, destination_id, reachable, produced_at, blockers, deep, comes_back
      FROM judged WHERE destination_id IS NOT NULL
    UNION ALL
    SELECT i.carrier_id, number, i.units, i.zone, NULL, i.reachable, i.produced_at, i.blockers, i.deep, i.comes_back
      FROM idle i JOIN wanted w USING (number)
     WHERE i.before < w.asked + w.places * i.largest
), cut AS MATERIALIZED (
    SELECT w.destination_ids, w.warehouse_id, w.sku, w.asked + w.places * max(z.largest) AS enough,
           array_agg(z.zone) AS zones, array_agg(z.units) AS units
      FROM wanted w
      JOIN (SELECT number, zone, count(*) AS found, max(largest) AS largest,
                   coalesce(sum(units) FILTER (WHERE reachable AND NOT deep), 0) AS units
              FROM idle GROUP BY number, zone) AS z USING (number)
     GROUP BY w.destination_ids, w.warehouse_id, w.sku, w.asked, w.places, w.most
    HAVING sum(z.found) >= w.most
)
SELECT g.carrier_id, w.warehouse_id, w.sku, g.units::bigint AS free, g.zone, g.destination_id, g.reachable,
       extract(epoch FROM g.produced_at)::float8 AS age_rank, g.blockers, g.deep, g.comes_back
  FROM given g JOIN wanted w USING (number)
UNION ALL
SELECT NULL, c.warehouse_id, c.sku, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM cut c
 WHERE EXISTS (SELECT FROM destinations d
                WHERE d.destination_id = ANY (c.destination_ids)
                  AND c.enough > (SELECT coalesce(sum(n.units), 0)
                                    FROM unnest(c.zones, c.units) AS n (zone, units) WHERE n.zone = ANY (d.zones)))

-- name: lost_carriers
-- Locks carriers; gives those that don't have so many free units for a destination.
SELECT lost_carriers($1, $2, $3) AS carrier_id

-- name: allocate
-- Reserves units of carriers for backorders of lines; a carrier gets the target of its first allocation.
WITH promised AS (
    INSERT INTO allocations (order_id, line_number, carrier_id, target_id, quantity, backorder_id, status,
                             created_at)
    SELECT a.order_id, a.line_number, a.carrier_id, a.destination_id, a.quantity, a.backorder_id, 'live', $7
      FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::integer[], $6::text[])
        AS a (order_id, line_number, carrier_id, destination_id, quantity, backorder_id)
    RETURNING order_id, line_number, carrier_id, target_id, quantity
), reserved AS (
    UPDATE carriers c SET allocated = c.allocated + p.quantity, destination_id = p.target_id, updated_at = $7
      FROM (SELECT carrier_id, target_id, sum(quantity) AS quantity FROM promised GROUP BY carrier_id, target_id) p
     WHERE c.carrier_id = p.carrier_id
)
UPDATE order_items i SET allocated = i.allocated + p.quantity
  FROM (SELECT order_id, line_number, sum(quantity) AS quantity FROM promised GROUP BY order_id, line_number) p
 WHERE i.order_id = p.order_id AND i.line_number = p.line_number

-- name: promise
-- Promises what was planned to orders in a wave.
SELECT promise_stock($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS order_id

-- name: touch
-- A change of lines is a change of their orders.
UPDATE orders SET version = version + 1, waiting_reason = NULL, updated_at = $2 WHERE order_id = ANY ($1::text[])

-- name: wait
-- Records why orders wait.
UPDATE orders o SET waiting_reason = w.reason, waiting_sku = w.sku, waiting_units = w.units
  FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[]) AS w (order_id, reason, sku, units)
 WHERE o.order_id = w.order_id
   AND (o.waiting_reason, o.waiting_sku, o.waiting_units) IS DISTINCT FROM (w.reason, w.sku, w.units)

-- name: request_moves
-- Asks for allocated carriers that are the heads of their lanes, the longest allocated first, as far as each
-- destination's queue has room.
WITH heads AS MATERIALIZED (
    SELECT h.carrier_id
      FROM lanes l
     CROSS JOIN LATERAL (SELECT c.carrier_id, c.destination_id, c.location, c.allocated, c.status FROM carriers c
                          WHERE c.lane_id = l.lane_id ORDER BY c.lane_position LIMIT 1) AS h
     WHERE l.status = 'open'
       AND l.lane_id IN (SELECT lane_id FROM carriers WHERE location = 'in_lane' AND destination_id IS NOT NULL)
       AND h.destination_id IS NOT NULL AND h.location = 'in_lane' AND h.allocated > 0 AND h.status = 'available'
), wanted AS (
    SELECT c.carrier_id, c.warehouse_id, c.lane_id, c.destination_id,
           (SELECT min(a.allocation_id) FROM allocations a
             WHERE a.carrier_id = c.carrier_id AND a.target_id = c.destination_id) AS since
      FROM (SELECT carrier_id FROM heads ORDER BY carrier_id) AS h
     CROSS JOIN LATERAL (SELECT * FROM carriers WHERE carrier_id = h.carrier_id OFFSET 0 FOR UPDATE) AS c
     WHERE c.destination_id IS NOT NULL AND c.location = 'in_lane' AND c.allocated > 0 AND c.status = 'available'
       AND NOT EXISTS (SELECT FROM moves m WHERE m.carrier_id = c.carrier_id AND m.status IN ('requested', 'claimed'))
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
      FROM destinations d
     WHERE NOT d.paused
       AND NOT EXISTS (SELECT FROM active_pauses p WHERE p.warehouse_id IN ('', d.warehouse_id))
)
INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, destination_id, requested_at,
                   deadline_at)
SELECT 'MOV-' || gen_random_uuid(), q.warehouse_id, q.carrier_id, 'retrieve', 'requested', q.lane_id,
       q.destination_id, $2, $1
  FROM queued q JOIN room r USING (destination_id)
 WHERE q.place <= r.places
 ORDER BY q.since LIMIT $3
RETURNING 1

-- name: blockers
-- Heads of open lanes that nobody wants now, with a wanted carrier behind them; one that is to go to a paused
-- destination is not wanted now. What is taken out goes behind all others of its lane, so that with each trip fewer are
-- in front of what is wanted.
WITH wanted AS MATERIALIZED (
    SELECT DISTINCT c.lane_id
      FROM carriers c JOIN destinations d USING (destination_id)
     WHERE c.location = 'in_lane' AND c.destination_id IS NOT NULL AND c.allocated > 0 AND c.status = 'available'
       AND NOT d.paused
), heads AS MATERIALIZED (
    SELECT f.carrier_id
      FROM wanted w
     CROSS JOIN LATERAL (SELECT c.carrier_id, c.allocated, c.location, c.destination_id FROM carriers c
                          WHERE c.lane_id = w.lane_id ORDER BY c.lane_position LIMIT 1) AS f
      LEFT JOIN destinations d USING (destination_id)
     WHERE (f.allocated = 0 OR d.paused) AND f.location = 'in_lane'
)
SELECT h.carrier_id, h.warehouse_id, h.lane_id, l.zone,
       ARRAY (SELECT lane_id
                FROM (SELECT DISTINCT lane_id
                        FROM (SELECT lane_id FROM carriers
                               WHERE warehouse_id = h.warehouse_id AND sku = h.sku AND location <> 'left'
                                 AND lane_id IS NOT NULL
                               ORDER BY produced_at DESC LIMIT 50) AS newest) AS s
                JOIN lanes o USING (lane_id)
               WHERE o.zone = l.zone AND o.status = 'open') AS homes
  FROM heads JOIN carriers h USING (carrier_id) JOIN lanes l USING (lane_id)
 WHERE h.location = 'in_lane' AND l.status = 'open'
   AND (h.allocated = 0 OR EXISTS (SELECT FROM destinations d WHERE d.destination_id = h.destination_id AND d.paused))
   AND NOT EXISTS (SELECT FROM active_pauses p WHERE p.warehouse_id IN ('', h.warehouse_id))
   AND NOT EXISTS (SELECT FROM moves m WHERE m.carrier_id = h.carrier_id AND m.status IN ('requested', 'claimed'))
 ORDER BY h.carrier_id LIMIT $1
   FOR UPDATE OF h

-- name: ready_to_pick
-- Orders in a wave of which a carrier has been asked for, is on its way or there.
WITH going AS MATERIALIZED (
    SELECT carrier_id, destination_id FROM moves WHERE status IN ('requested', 'claimed') AND kind = 'retrieve'
    UNION ALL
    SELECT carrier_id, destination_id FROM carriers WHERE location = 'at_destination'
)
SELECT o.order_id
  FROM (SELECT DISTINCT a.order_id
          FROM going g
         CROSS JOIN LATERAL (SELECT order_id FROM allocations
                              WHERE carrier_id = g.carrier_id AND target_id = g.destination_id OFFSET 0) AS a) AS a
 CROSS JOIN LATERAL (SELECT order_id, status FROM orders WHERE order_id = a.order_id OFFSET 0) AS o
 WHERE o.status = 'assigned_to_wave'
 LIMIT $1

-- name: arrived_for
-- Orders for which a carrier is at its destination, destination by destination; past PICKING only backorders wait for
-- one.
SELECT o.order_id, o.destination_id, a.owed
  FROM (SELECT a.order_id, bool_or(a.backorder_id IS NOT NULL) AS owed
          FROM carriers c
         CROSS JOIN LATERAL (SELECT order_id, backorder_id FROM allocations
                              WHERE carrier_id = c.carrier_id AND target_id = c.destination_id OFFSET 0) AS a
         WHERE c.location = 'at_destination' AND c.allocated > 0 AND c.status = 'available'
         GROUP BY a.order_id) AS a
 CROSS JOIN LATERAL (SELECT order_id, status, destination_id FROM orders WHERE order_id = a.order_id OFFSET 0) AS o
 WHERE o.status IN ('picking', 'packing', 'shipped')
 ORDER BY o.destination_id, o.order_id
 LIMIT $1

-- name: pick
-- Picks for orders what has arrived for them.
SELECT * FROM pick_arrived($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: finish_picking
-- Moves orders to PACKING that have everything.
SELECT finish_picking($1, $2, $3, $4, $5, $6, $7, $8)

-- name: to_return
-- Carriers with a rest at a destination where nobody holds any of it, and lanes that hold the same.
SELECT c.carrier_id, c.warehouse_id, c.destination_id, d.zones,
       ARRAY (SELECT lane_id
                FROM (SELECT DISTINCT lane_id
                        FROM (SELECT lane_id FROM carriers
                               WHERE warehouse_id = c.warehouse_id AND sku = c.sku AND location <> 'left'
                                 AND lane_id IS NOT NULL
                               ORDER BY produced_at DESC LIMIT 50) AS newest) AS s
                JOIN lanes o USING (lane_id)
               WHERE o.zone = ANY (d.zones) AND o.status = 'open') AS homes
  FROM carriers c JOIN destinations d USING (destination_id)
 WHERE c.location = 'at_destination' AND c.allocated = 0
   AND NOT EXISTS (SELECT FROM moves m WHERE m.carrier_id = c.carrier_id AND m.status IN ('requested', 'claimed'))
 ORDER BY c.carrier_id LIMIT $1
   FOR UPDATE OF c

-- name: lanes_with_room
-- Open lanes with free positions, the emptiest of each zone first.
SELECT *
  FROM (SELECT *, row_number() OVER (PARTITION BY warehouse_id, zone ORDER BY capacity - occupied DESC, lane_id) AS place
          FROM lanes
         WHERE warehouse_id = ANY ($1::text[]) AND status = 'open' AND occupied < capacity) AS l
 WHERE place <= $2
 ORDER BY warehouse_id, zone, place

-- name: request_trips
-- Asks for carriers to be brought into lanes, back from a destination or out of another's way; their positions
-- are promised now, as far as the lanes are open and have them still. One that goes to the end of its own lane has
-- its position. Gives how many are asked for; the others wait for the next cycle.
WITH open_lanes AS MATERIALIZED (
    SELECT lane_id, capacity - occupied AS room FROM lanes
     WHERE lane_id = ANY ($5::text[]) AND status = 'open' ORDER BY lane_id FOR UPDATE
), wanted AS (
    SELECT *, from_lane_id IS NOT DISTINCT FROM to_lane_id AS stays,
           row_number() OVER (PARTITION BY to_lane_id, from_lane_id IS NOT DISTINCT FROM to_lane_id ORDER BY number) AS place
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY
        AS t (carrier_id, warehouse_id, kind, from_lane_id, to_lane_id, destination_id, number)
), trips AS (
    INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, to_lane_id, destination_id,
                       requested_at, deadline_at)
    SELECT 'MOV-' || gen_random_uuid(), t.warehouse_id, t.carrier_id, t.kind, 'requested', t.from_lane_id,
           t.to_lane_id, t.destination_id, $7, $8
      FROM wanted t JOIN open_lanes l ON l.lane_id = t.to_lane_id
     WHERE t.stays OR t.place <= l.room
    RETURNING from_lane_id, to_lane_id
), counted AS (
    UPDATE lanes l SET occupied = l.occupied + t.n, updated_at = $7
      FROM (SELECT to_lane_id, count(*) AS n FROM trips
             WHERE from_lane_id IS DISTINCT FROM to_lane_id GROUP BY to_lane_id) AS t
     WHERE l.lane_id = t.to_lane_id
)
SELECT count(*) AS trips FROM trips

-- name: overdue_moves
-- Live moves whose deadline has passed.
SELECT move_id FROM moves
 WHERE status IN ('requested', 'claimed') AND deadline_at < $1
 ORDER BY deadline_at LIMIT $2

-- name: waiting_for_failed_moves
-- Orders that wait for a carrier whose move failed, with the reason; nobody has acted on the move yet.
WITH failed AS MATERIALIZED (
    SELECT carrier_id, failure_reason, finished_at FROM moves WHERE status = 'failed' AND NOT taken_in
)
SELECT DISTINCT ON (o.order_id) o.order_id, f.failure_reason
  FROM failed f
 CROSS JOIN LATERAL (SELECT order_id FROM allocations
                      WHERE carrier_id = f.carrier_id AND target_id IS NOT NULL AND backorder_id IS NULL OFFSET 0) AS a
 CROSS JOIN LATERAL (SELECT order_id, status FROM orders WHERE order_id = a.order_id OFFSET 0) AS o
 WHERE o.status IN ('assigned_to_wave', 'picking')
 ORDER BY o.order_id, f.finished_at LIMIT $1

-- name: owed_by_failed_moves
-- Backorders that wait for a carrier whose move failed.
WITH failed AS MATERIALIZED (
    SELECT carrier_id FROM moves WHERE status = 'failed' AND NOT taken_in
)
SELECT DISTINCT a.backorder_id
  FROM failed f JOIN allocations a ON a.carrier_id = f.carrier_id AND a.target_id IS NOT NULL
 WHERE a.backorder_id IS NOT NULL
 LIMIT $1

-- name: waiting_for_held_carriers
-- Orders that wait for a carrier that was held after it had been allocated, in its lane or where they wait for it.
WITH held AS MATERIALIZED (
    SELECT carrier_id, destination_id, status_reason
      FROM carriers c
     WHERE status <> 'available' AND destination_id IS NOT NULL AND location IN ('in_lane', 'at_destination')
       AND allocated > 0
       AND NOT EXISTS (SELECT FROM moves m WHERE m.carrier_id = c.carrier_id AND m.status IN ('requested', 'claimed'))
)
SELECT DISTINCT ON (o.order_id) o.order_id, h.carrier_id, h.status_reason
  FROM held h
 CROSS JOIN LATERAL (SELECT order_id FROM allocations
                      WHERE carrier_id = h.carrier_id AND target_id = h.destination_id AND backorder_id IS NULL
                     OFFSET 0) AS a
 CROSS JOIN LATERAL (SELECT order_id, status FROM orders WHERE order_id = a.order_id OFFSET 0) AS o
 WHERE o.status IN ('assigned_to_wave', 'picking')
 ORDER BY o.order_id, h.carrier_id LIMIT $1

-- name: owed_by_held_carriers
-- Backorders that wait for a carrier that was held after it had been allocated, in its lane or where they wait.
WITH held AS MATERIALIZED (
    SELECT carrier_id, destination_id, status_reason
      FROM carriers c
     WHERE status <> 'available' AND destination_id IS NOT NULL AND location IN ('in_lane', 'at_destination')
       AND allocated > 0
       AND NOT EXISTS (SELECT FROM moves m WHERE m.carrier_id = c.carrier_id AND m.status IN ('requested', 'claimed'))
)
SELECT DISTINCT a.backorder_id
  FROM held h JOIN allocations a ON a.carrier_id = h.carrier_id AND a.target_id = h.destination_id
 WHERE a.backorder_id IS NOT NULL
 LIMIT $1

-- name: take_in_failed_moves
-- Marks failed moves as acted on whose carriers nobody waits for any more.
UPDATE moves m SET taken_in = true
 WHERE m.status = 'failed' AND NOT m.taken_in
   AND NOT EXISTS (SELECT FROM allocations a WHERE a.carrier_id = m.carrier_id AND a.target_id IS NOT NULL)
RETURNING 1
