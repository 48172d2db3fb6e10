-- The fulfillment cycle. All transactions lock in the same order: orders, moves, load carriers, lanes.
--
-- OFFSET 0 forces a lookup by key. A queue (the orders of a status, the load carriers of a location) has thousands of
-- rows at one time and none at another, independently of the statistics. In a join, each lookup might scan its index.

-- name: list_due_retries
-- Returns orders whose retry is due, the longest due first.
SELECT order_id FROM orders
 WHERE status = 'pending_retry' AND next_retry_at <= $1
 ORDER BY next_retry_at, order_id LIMIT $2

-- name: list_received
-- Returns orders that wait for validation, the oldest first.
SELECT order_id FROM orders WHERE status = 'received' ORDER BY created_at, order_id LIMIT $1

-- name: advance_orders
-- Moves orders from one status to the next, some of them into waves, and writes their events.
SELECT advance_orders($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS order_id

-- name: list_validated
-- Returns orders that wait for a wave, most urgent first, except orders of warehouses without a destination.
-- It reads each warehouse separately, in the order of the index.
SELECT o.order_id, o.warehouse_id
  FROM (SELECT DISTINCT warehouse_id FROM destinations WHERE NOT paused) AS w
 CROSS JOIN LATERAL (
     SELECT order_id, warehouse_id, urgency, promised_delivery_at, created_at
       FROM orders
      WHERE status = 'validated' AND warehouse_id = w.warehouse_id
      ORDER BY urgency, promised_delivery_at, created_at, order_id
      LIMIT $1) AS o
 WHERE NOT EXISTS (SELECT FROM paused_warehouses p WHERE p.warehouse_id = w.warehouse_id)
 ORDER BY o.urgency, o.promised_delivery_at, o.created_at, o.order_id
 LIMIT $1

-- name: list_open_destinations
-- Returns the destinations that are not paused, with the number of their waiting orders.
SELECT d.*, coalesce(w.waiting, 0) AS waiting_orders
  FROM destinations d
  LEFT JOIN (SELECT destination_id, count(*) AS waiting
               FROM orders WHERE status IN ('assigned_to_wave', 'picking') GROUP BY destination_id) AS w
       USING (destination_id)
 WHERE NOT d.paused ORDER BY d.destination_id

-- name: list_unreachable_destinations
-- Returns, for each order, the open destinations that one of its SKUs cannot reach: the SKU is in lanes, but in none of
-- the destination's zones.
WITH ordered_skus AS MATERIALIZED (
    SELECT DISTINCT i.order_id, o.warehouse_id, i.sku
      FROM order_items i JOIN orders o USING (order_id)
     WHERE i.order_id = ANY ($1::text[])
), zones_by_sku AS MATERIALIZED (
    SELECT a.warehouse_id, a.sku, array_agg(DISTINCT l.zone) AS zones
      FROM (SELECT DISTINCT warehouse_id, sku FROM ordered_skus) AS a
     CROSS JOIN LATERAL (
         SELECT c.lane_id FROM carriers c
          WHERE c.warehouse_id = a.warehouse_id AND c.sku = a.sku AND c.location <> 'left'
            AND c.status = 'available' AND c.lane_id IS NOT NULL
          ORDER BY c.produced_at LIMIT 50) AS c
      JOIN lanes l USING (lane_id)
     GROUP BY a.warehouse_id, a.sku
), unreachable_destinations AS MATERIALIZED (
    SELECT s.warehouse_id, s.sku, d.destination_id
      FROM zones_by_sku s JOIN destinations d USING (warehouse_id)
     WHERE NOT d.paused AND NOT d.zones && s.zones
)
SELECT a.order_id, array_agg(DISTINCT m.destination_id) AS destination_ids
  FROM ordered_skus a JOIN unreachable_destinations m USING (warehouse_id, sku)
 GROUP BY a.order_id

-- name: list_orders_to_allocate
-- Returns orders in a wave without allocations, most urgent first. Orders that already have a waiting reason get at most
-- a share of the places ($2), so that they do not displace new orders. Such an order is not retried while its destination is
-- paused, or while its SKU has enough units but none that its destination can reach. Of the orders that wait for load
-- carriers without a destination, a few per load carrier ($3) are retried: the most urgent, and some at random. Once such a
-- load carrier has a destination, other orders there use it, too. If there are too many, the choice is random. The
-- first orders ($4) of each destination with the reason stock_elsewhere are always included, so they keep their place in line.
WITH new_orders AS (
    SELECT order_id
      FROM orders o
     WHERE status = 'assigned_to_wave' AND NOT holds_stock AND waiting_reason IS NULL
       AND NOT EXISTS (SELECT FROM paused_warehouses p WHERE p.warehouse_id = o.warehouse_id)
     ORDER BY urgency, promised_delivery_at, created_at, order_id
     LIMIT $1
), waiting_by_sku AS (
    SELECT o.warehouse_id, o.waiting_sku,
           array_agg(o.order_id ORDER BY o.urgency, o.promised_delivery_at, o.created_at, o.order_id) AS order_ids
      FROM orders o
     WHERE o.status = 'assigned_to_wave' AND NOT o.holds_stock AND o.waiting_reason IS NOT NULL
       AND NOT EXISTS (SELECT FROM paused_warehouses p WHERE p.warehouse_id = o.warehouse_id)
     GROUP BY o.warehouse_id, o.waiting_sku
), retry_candidates AS (
    SELECT o.order_id, free_stock.zones,
           w.waiting_sku IS NULL OR free_stock.units < o.waiting_units OR o.destination_id = ANY (free_stock.destination_ids) AS can_allocate_now,
           row_number() OVER (PARTITION BY w.warehouse_id, w.waiting_sku, d.zones && free_stock.zones ORDER BY n.waiting_rank) AS waiting_rank,
           row_number() OVER (PARTITION BY w.warehouse_id, w.waiting_sku, d.zones && free_stock.zones ORDER BY random()) AS random_rank
      FROM waiting_by_sku w
     CROSS JOIN LATERAL (
         SELECT coalesce(sum(c.quantity - c.allocated), 0) AS units, array_agg(c.destination_id) AS destination_ids,
                array_agg(l.zone) FILTER (WHERE c.destination_id IS NULL AND l.status = 'open') AS zones
           FROM carriers c LEFT JOIN lanes l USING (lane_id)
          WHERE c.warehouse_id = w.warehouse_id AND c.sku = w.waiting_sku AND c.location <> 'left'
            AND c.status = 'available' AND c.quantity > c.allocated) AS free_stock
     CROSS JOIN LATERAL unnest(w.order_ids) WITH ORDINALITY AS n (order_id, waiting_rank)
      JOIN orders o USING (order_id)
      JOIN destinations d USING (destination_id)
     WHERE NOT d.paused
       AND (w.waiting_sku IS NULL OR free_stock.units < o.waiting_units
            OR o.destination_id = ANY (free_stock.destination_ids) OR d.zones && free_stock.zones)
), retried_orders AS (
    SELECT order_id FROM retry_candidates
     WHERE can_allocate_now OR least(waiting_rank, random_rank) <= $3::integer * cardinality(zones)
     ORDER BY random() LIMIT greatest(floor($1::bigint * $2::float8), 1)
), first_in_line AS (
    SELECT f.order_id
      FROM destinations d
     CROSS JOIN LATERAL (
         SELECT order_id
           FROM orders o
          WHERE status = 'assigned_to_wave' AND NOT holds_stock AND waiting_reason = 'stock_elsewhere'
            AND destination_id = d.destination_id
            AND NOT EXISTS (SELECT FROM paused_warehouses p WHERE p.warehouse_id = o.warehouse_id)
          ORDER BY urgency, promised_delivery_at, created_at, order_id
          LIMIT $4::integer) AS f
     WHERE NOT d.paused
)
SELECT order_id
  FROM orders
 WHERE order_id IN (SELECT order_id FROM new_orders UNION SELECT order_id FROM retried_orders UNION SELECT order_id FROM first_in_line)
 ORDER BY urgency, promised_delivery_at, created_at, order_id
 LIMIT $1

-- name: list_free_carriers
-- Returns load carriers with available units: all that have a destination, and the oldest without one, as many as the
-- plan may need. A line leaves remaining units on at most one load carrier and empties the others, so the query reads $7
-- times a few more than there are lines. Load carriers of the same age are read together, a thousand at most. Of these
-- it returns as many as cover the demand, and one more per destination. A row without a load carrier names a SKU of
-- which more must be read, because those within a destination's reach may not suffice. A load carrier behind more than
-- $6 unallocated ones is deep, and does not count for that.
WITH sku_demands AS MATERIALIZED (
    SELECT warehouse_id COLLATE "C" AS warehouse_id, sku, row_number() OVER () AS demand_number,
           array_agg(destination_id) AS destination_ids, count(*) AS destination_count, sum(units) AS demanded_units,
           $7::integer * (8 + sum(lines)) AS max_rows
      FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[])
        AS a (warehouse_id, sku, destination_id, lines, units)
     GROUP BY 1, 2
), candidate_carriers AS MATERIALIZED (
    SELECT w.demand_number, c.carrier_id, c.quantity - c.allocated AS units, c.produced_at, c.location, c.lane_id,
           c.destination_id, c.allocated > 0 AS is_allocated
      FROM carriers c JOIN sku_demands w USING (warehouse_id, sku)
     WHERE c.destination_id IS NOT NULL AND c.location <> 'left' AND c.status = 'available' AND c.quantity > c.allocated
    UNION ALL
    SELECT w.demand_number, i.*, NULL, false
      FROM sku_demands w
     CROSS JOIN LATERAL (
         SELECT * FROM (
             SELECT c.carrier_id, c.quantity - c.allocated AS units, c.produced_at, c.location, c.lane_id
               FROM carriers c
              WHERE c.warehouse_id = w.warehouse_id AND c.sku = w.sku AND c.destination_id IS NULL
                AND c.location <> 'left' AND c.status = 'available' AND c.quantity > c.allocated
              ORDER BY c.produced_at FETCH FIRST (w.max_rows) ROWS WITH TIES) AS oldest
          LIMIT w.max_rows + 1000) AS i
), lane_carriers AS MATERIALIZED (
    SELECT h.carrier_id, l.zone, l.status = 'open' AS is_lane_open, h.blocker_count
      FROM lanes l
     CROSS JOIN LATERAL (
         SELECT carrier_id,
                count(*) FILTER (WHERE allocated = 0) OVER (ORDER BY lane_position ROWS UNBOUNDED PRECEDING)
                - (allocated = 0)::integer AS blocker_count
           FROM carriers WHERE lane_id = l.lane_id) AS h
     WHERE l.lane_id IN (SELECT lane_id FROM candidate_carriers)
), assessed_carriers AS MATERIALIZED (
    SELECT f.*, coalesce(t.zone, s.zone) AS zone, coalesce(s.blocker_count, 0) AS blocker_count, coalesce(s.blocker_count, 0) > $6 AS is_deep,
           m.carrier_id IS NULL AND (f.location <> 'in_lane' OR s.is_lane_open) AS is_reachable,
           m.carrier_id IS NOT NULL
           OR f.location = 'moving' OR f.is_allocated AND (f.location <> 'in_lane' OR s.is_lane_open) AS is_returning
      FROM candidate_carriers f
      LEFT JOIN lane_carriers s USING (carrier_id)
      LEFT JOIN live_moves m ON m.carrier_id = f.carrier_id AND m.kind <> 'retrieve'
      LEFT JOIN lanes t ON t.lane_id = m.to_lane_id
), idle_carriers AS MATERIALIZED (
    SELECT *, max(units) OVER same_zone AS largest_units,
           sum(units) OVER (same_zone ORDER BY is_deep, produced_at, blocker_count, units ROWS UNBOUNDED PRECEDING) - units AS units_before
      FROM assessed_carriers WHERE destination_id IS NULL
    WINDOW same_zone AS (PARTITION BY demand_number, zone, is_reachable)
), usable_carriers AS (
    SELECT carrier_id, demand_number, units, zone, destination_id, is_reachable, produced_at, blocker_count, is_deep, is_returning
      FROM assessed_carriers WHERE destination_id IS NOT NULL
    UNION ALL
    SELECT i.carrier_id, demand_number, i.units, i.zone, NULL, i.is_reachable, i.produced_at, i.blocker_count, i.is_deep, i.is_returning
      FROM idle_carriers i JOIN sku_demands w USING (demand_number)
     WHERE i.units_before < w.demanded_units + w.destination_count * i.largest_units
), truncated_skus AS MATERIALIZED (
    SELECT w.destination_ids, w.warehouse_id, w.sku, w.demanded_units + w.destination_count * max(z.largest_units) AS sufficient_units,
           array_agg(z.zone) AS zones, array_agg(z.units) AS units
      FROM sku_demands w
      JOIN (SELECT demand_number, zone, count(*) AS carrier_count, max(largest_units) AS largest_units,
                   coalesce(sum(units) FILTER (WHERE is_reachable AND NOT is_deep), 0) AS units
              FROM idle_carriers GROUP BY demand_number, zone) AS z USING (demand_number)
     GROUP BY w.destination_ids, w.warehouse_id, w.sku, w.demanded_units, w.destination_count, w.max_rows
    HAVING sum(z.carrier_count) >= w.max_rows
)
SELECT g.carrier_id, w.warehouse_id, w.sku, g.units::bigint AS free_units, g.zone, g.destination_id, g.is_reachable,
       extract(epoch FROM g.produced_at)::float8 AS age_rank, g.blocker_count, g.is_deep, g.is_returning
  FROM usable_carriers g JOIN sku_demands w USING (demand_number)
UNION ALL
SELECT NULL, c.warehouse_id, c.sku, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM truncated_skus c
 WHERE EXISTS (SELECT FROM destinations d
                WHERE d.destination_id = ANY (c.destination_ids)
                  AND c.sufficient_units > (SELECT coalesce(sum(n.units), 0)
                                    FROM unnest(c.zones, c.units) AS n (zone, units) WHERE n.zone = ANY (d.zones)))

-- name: find_unavailable_carriers
-- Locks load carriers, and returns those without so many available units for their destination.
SELECT find_unavailable_carriers($1, $2, $3) AS carrier_id

-- name: allocate_locked
-- Allocates units of load carriers to backorders. A load carrier gets the target of its first allocation.
WITH inserted_allocations AS (
    INSERT INTO allocations (order_id, line_number, carrier_id, target_id, quantity, backorder_id, status,
                             created_at)
    SELECT a.order_id, a.line_number, a.carrier_id, a.destination_id, a.quantity, a.backorder_id, 'live', $7
      FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::integer[], $6::text[])
        AS a (order_id, line_number, carrier_id, destination_id, quantity, backorder_id)
    RETURNING order_id, line_number, carrier_id, target_id, quantity
), updated_carriers AS (
    UPDATE carriers c SET allocated = c.allocated + p.quantity, destination_id = p.target_id, updated_at = $7
      FROM (SELECT carrier_id, target_id, sum(quantity) AS quantity FROM inserted_allocations GROUP BY carrier_id, target_id) p
     WHERE c.carrier_id = p.carrier_id
)
UPDATE order_items i SET allocated = i.allocated + p.quantity
  FROM (SELECT order_id, line_number, sum(quantity) AS quantity FROM inserted_allocations GROUP BY order_id, line_number) p
 WHERE i.order_id = p.order_id AND i.line_number = p.line_number

-- name: allocate_if_unchanged
-- Writes the allocations of a plan for orders in a wave that have not changed.
SELECT allocate_stock($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS order_id

-- name: bump_version
-- Increases the versions of orders whose lines have changed.
UPDATE orders SET version = version + 1, waiting_reason = NULL, updated_at = $2 WHERE order_id = ANY ($1::text[])

-- name: record_waits
-- Records the waiting reasons of orders.
UPDATE orders o SET waiting_reason = w.reason, waiting_sku = w.sku, waiting_units = w.units
  FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[]) AS w (order_id, reason, sku, units)
 WHERE o.order_id = w.order_id
   AND (o.waiting_reason, o.waiting_sku, o.waiting_units) IS DISTINCT FROM (w.reason, w.sku, w.units)

-- name: request_moves
-- Requests moves of allocated load carriers that are the heads of their lanes, the longest allocated first, up to the
-- capacity of each destination's queue.
WITH lane_heads AS MATERIALIZED (
    SELECT h.carrier_id
      FROM lanes l
     CROSS JOIN LATERAL (SELECT c.carrier_id, c.destination_id, c.location, c.allocated, c.status FROM carriers c
                          WHERE c.lane_id = l.lane_id ORDER BY c.lane_position LIMIT 1) AS h
     WHERE l.status = 'open'
       AND l.lane_id IN (SELECT lane_id FROM carriers WHERE location = 'in_lane' AND destination_id IS NOT NULL)
       AND h.destination_id IS NOT NULL AND h.location = 'in_lane' AND h.allocated > 0 AND h.status = 'available'
), movable_carriers AS (
    SELECT c.carrier_id, c.warehouse_id, c.lane_id, c.destination_id,
           (SELECT min(a.allocation_id) FROM allocations a
             WHERE a.carrier_id = c.carrier_id AND a.target_id = c.destination_id) AS first_allocation_id
      FROM (SELECT carrier_id FROM lane_heads ORDER BY carrier_id) AS h
     CROSS JOIN LATERAL (SELECT * FROM carriers WHERE carrier_id = h.carrier_id OFFSET 0 FOR UPDATE) AS c
     WHERE c.destination_id IS NOT NULL AND c.location = 'in_lane' AND c.allocated > 0 AND c.status = 'available'
       AND NOT EXISTS (SELECT FROM live_moves m WHERE m.carrier_id = c.carrier_id)
), queued_carriers AS (
    SELECT w.*, row_number() OVER (PARTITION BY destination_id ORDER BY first_allocation_id, carrier_id) AS queue_rank FROM movable_carriers w
), destination_room AS (
    SELECT d.destination_id,
           d.queue_capacity
           - (SELECT count(*) FROM carriers c
               WHERE c.destination_id = d.destination_id AND c.location = 'at_destination')
           - (SELECT count(*) FROM live_moves m
               WHERE m.destination_id = d.destination_id AND m.kind = 'retrieve') AS free_places
      FROM destinations d
     WHERE NOT d.paused
       AND NOT EXISTS (SELECT FROM paused_warehouses p WHERE p.warehouse_id = d.warehouse_id)
)
INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, destination_id, requested_at,
                   deadline_at)
SELECT 'MOV-' || gen_random_uuid(), q.warehouse_id, q.carrier_id, 'retrieve', 'requested', q.lane_id,
       q.destination_id, $2, $1
  FROM queued_carriers q JOIN destination_room r USING (destination_id)
 WHERE q.queue_rank <= r.free_places
 ORDER BY q.first_allocation_id LIMIT $3
RETURNING 1

-- name: list_blocking_carriers
-- Returns the heads of open lanes that are not needed now and block a needed load carrier. A load carrier for a paused
-- destination is not needed now. A relocated load carrier goes to the end of its lane, so that each move leaves fewer
-- in front of the needed one.
WITH lanes_with_demand AS MATERIALIZED (
    SELECT DISTINCT c.lane_id
      FROM carriers c JOIN destinations d USING (destination_id)
     WHERE c.location = 'in_lane' AND c.destination_id IS NOT NULL AND c.allocated > 0 AND c.status = 'available'
       AND NOT d.paused
), blocking_heads AS MATERIALIZED (
    SELECT f.carrier_id
      FROM lanes_with_demand w
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
                               ORDER BY produced_at DESC LIMIT 50) AS newest_carriers) AS s
                JOIN lanes o USING (lane_id)
               WHERE o.zone = l.zone AND o.status = 'open') AS same_sku_lanes
  FROM blocking_heads JOIN carriers h USING (carrier_id) JOIN lanes l USING (lane_id)
 WHERE h.location = 'in_lane' AND l.status = 'open'
   AND (h.allocated = 0 OR EXISTS (SELECT FROM destinations d WHERE d.destination_id = h.destination_id AND d.paused))
   AND NOT EXISTS (SELECT FROM paused_warehouses p WHERE p.warehouse_id = h.warehouse_id)
   AND NOT EXISTS (SELECT FROM live_moves m WHERE m.carrier_id = h.carrier_id)
 ORDER BY h.carrier_id LIMIT $1
   FOR UPDATE OF h

-- name: list_orders_to_pick
-- Returns orders in a wave with a load carrier that is requested, moving or at its destination.
WITH retrieved_carriers AS MATERIALIZED (
    SELECT carrier_id, destination_id FROM live_moves WHERE kind = 'retrieve'
    UNION ALL
    SELECT carrier_id, destination_id FROM carriers WHERE location = 'at_destination'
)
SELECT o.order_id
  FROM (SELECT DISTINCT a.order_id
          FROM retrieved_carriers g
         CROSS JOIN LATERAL (SELECT order_id FROM allocations
                              WHERE carrier_id = g.carrier_id AND target_id = g.destination_id OFFSET 0) AS a) AS a
 CROSS JOIN LATERAL (SELECT order_id, status FROM orders WHERE order_id = a.order_id OFFSET 0) AS o
 WHERE o.status = 'assigned_to_wave'
 LIMIT $1

-- name: list_arrivals
-- Returns orders with a load carrier at its destination, sorted by destination. After PICKING only backorders wait for
-- load carriers.
SELECT o.order_id, o.destination_id, a.has_backorder
  FROM (SELECT a.order_id, bool_or(a.backorder_id IS NOT NULL) AS has_backorder
          FROM carriers c
         CROSS JOIN LATERAL (SELECT order_id, backorder_id FROM allocations
                              WHERE carrier_id = c.carrier_id AND target_id = c.destination_id OFFSET 0) AS a
         WHERE c.location = 'at_destination' AND c.allocated > 0 AND c.status = 'available'
         GROUP BY a.order_id) AS a
 CROSS JOIN LATERAL (SELECT order_id, status, destination_id FROM orders WHERE order_id = a.order_id OFFSET 0) AS o
 WHERE o.status IN ('picking', 'packing', 'shipped')
 ORDER BY o.destination_id, o.order_id
 LIMIT $1

-- name: pick_arrived_stock
-- Picks the allocations of orders on arrived load carriers.
SELECT * FROM pick_arrived_stock($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: finish_picking
-- Moves orders to PACKING whose units have all arrived.
SELECT finish_picking($1, $2, $3, $4, $5, $6, $7, $8)

-- name: list_returnable_carriers
-- Returns load carriers at a destination with units but no allocations, and the lanes with the same SKU.
SELECT c.carrier_id, c.warehouse_id, c.destination_id, d.zones,
       ARRAY (SELECT lane_id
                FROM (SELECT DISTINCT lane_id
                        FROM (SELECT lane_id FROM carriers
                               WHERE warehouse_id = c.warehouse_id AND sku = c.sku AND location <> 'left'
                                 AND lane_id IS NOT NULL
                               ORDER BY produced_at DESC LIMIT 50) AS newest_carriers) AS s
                JOIN lanes o USING (lane_id)
               WHERE o.zone = ANY (d.zones) AND o.status = 'open') AS same_sku_lanes
  FROM carriers c JOIN destinations d USING (destination_id)
 WHERE c.location = 'at_destination' AND c.allocated = 0
   AND NOT EXISTS (SELECT FROM live_moves m WHERE m.carrier_id = c.carrier_id)
 ORDER BY c.carrier_id LIMIT $1
   FOR UPDATE OF c

-- name: list_free_lanes
-- Returns open lanes with free positions, the emptiest of each zone first.
SELECT *
  FROM (SELECT *, row_number() OVER (PARTITION BY warehouse_id, zone ORDER BY capacity - occupied DESC, lane_id) AS zone_rank
          FROM lanes
         WHERE warehouse_id = ANY ($1::text[]) AND status = 'open' AND occupied < capacity) AS l
 WHERE zone_rank <= $2
 ORDER BY warehouse_id, zone, zone_rank

-- name: request_lane_moves
-- Requests moves of load carriers into lanes: back from a destination, or out of the way of another carrier. Their
-- positions are reserved now, as far as the lanes are open and still have free ones. A carrier that goes to the end of
-- its own lane keeps its position. Returns the number of moves; the other carriers wait for the next cycle.
WITH open_lanes AS MATERIALIZED (
    SELECT lane_id, capacity - occupied AS free_positions FROM lanes
     WHERE lane_id = ANY ($5::text[]) AND status = 'open' ORDER BY lane_id FOR UPDATE
), planned_moves AS (
    SELECT *, from_lane_id IS NOT DISTINCT FROM to_lane_id AS keeps_position,
           row_number() OVER (PARTITION BY to_lane_id, from_lane_id IS NOT DISTINCT FROM to_lane_id
                              ORDER BY move_number) AS lane_rank
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY
        AS t (carrier_id, warehouse_id, kind, from_lane_id, to_lane_id, destination_id, move_number)
), inserted_moves AS (
    INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, to_lane_id, destination_id,
                       requested_at, deadline_at)
    SELECT 'MOV-' || gen_random_uuid(), p.warehouse_id, p.carrier_id, p.kind, 'requested', p.from_lane_id,
           p.to_lane_id, p.destination_id, $7, $8
      FROM planned_moves p JOIN open_lanes l ON l.lane_id = p.to_lane_id
     WHERE p.keeps_position OR p.lane_rank <= l.free_positions
    RETURNING from_lane_id, to_lane_id
), updated_lanes AS (
    UPDATE lanes l SET occupied = l.occupied + t.move_count, updated_at = $7
      FROM (SELECT to_lane_id, count(*) AS move_count FROM inserted_moves
             WHERE from_lane_id IS DISTINCT FROM to_lane_id GROUP BY to_lane_id) AS t
     WHERE l.lane_id = t.to_lane_id
)
SELECT count(*) AS move_count FROM inserted_moves

-- name: list_overdue_moves
-- Returns live moves whose deadline has passed.
SELECT move_id FROM live_moves
 WHERE deadline_at < $1
 ORDER BY deadline_at LIMIT $2

-- name: list_orders_of_failed_moves
-- Returns orders that wait for a load carrier whose failed move is not processed yet, with the reason.
WITH failed_moves AS MATERIALIZED (
    SELECT carrier_id, failure_reason, finished_at FROM moves WHERE status = 'failed' AND NOT processed
)
SELECT DISTINCT ON (o.order_id) o.order_id, f.failure_reason
  FROM failed_moves f
 CROSS JOIN LATERAL (SELECT order_id FROM allocations
                      WHERE carrier_id = f.carrier_id AND target_id IS NOT NULL AND backorder_id IS NULL OFFSET 0) AS a
 CROSS JOIN LATERAL (SELECT order_id, status FROM orders WHERE order_id = a.order_id OFFSET 0) AS o
 WHERE o.status IN ('assigned_to_wave', 'picking')
 ORDER BY o.order_id, f.finished_at LIMIT $1

-- name: list_backorders_of_failed_moves
-- Returns backorders that wait for a load carrier whose move failed.
WITH failed_moves AS MATERIALIZED (
    SELECT carrier_id FROM moves WHERE status = 'failed' AND NOT processed
)
SELECT DISTINCT a.backorder_id
  FROM failed_moves f JOIN allocations a ON a.carrier_id = f.carrier_id AND a.target_id IS NOT NULL
 WHERE a.backorder_id IS NOT NULL
 LIMIT $1

-- name: list_orders_of_held_carriers
-- Returns orders that wait for a load carrier that was put on hold after its allocation, in a lane or at the destination.
WITH held_carriers AS MATERIALIZED (
    SELECT carrier_id, destination_id, status_reason
      FROM carriers c
     WHERE status <> 'available' AND destination_id IS NOT NULL AND location IN ('in_lane', 'at_destination')
       AND allocated > 0
       AND NOT EXISTS (SELECT FROM live_moves m WHERE m.carrier_id = c.carrier_id)
)
SELECT DISTINCT ON (o.order_id) o.order_id, h.carrier_id, h.status_reason
  FROM held_carriers h
 CROSS JOIN LATERAL (SELECT order_id FROM allocations
                      WHERE carrier_id = h.carrier_id AND target_id = h.destination_id AND backorder_id IS NULL
                     OFFSET 0) AS a
 CROSS JOIN LATERAL (SELECT order_id, status FROM orders WHERE order_id = a.order_id OFFSET 0) AS o
 WHERE o.status IN ('assigned_to_wave', 'picking')
 ORDER BY o.order_id, h.carrier_id LIMIT $1

-- name: list_backorders_of_held_carriers
-- Returns backorders that wait for a load carrier that was put on hold after its allocation.
WITH held_carriers AS MATERIALIZED (
    SELECT carrier_id, destination_id, status_reason
      FROM carriers c
     WHERE status <> 'available' AND destination_id IS NOT NULL AND location IN ('in_lane', 'at_destination')
       AND allocated > 0
       AND NOT EXISTS (SELECT FROM live_moves m WHERE m.carrier_id = c.carrier_id)
)
SELECT DISTINCT a.backorder_id
  FROM held_carriers h JOIN allocations a ON a.carrier_id = h.carrier_id AND a.target_id = h.destination_id
 WHERE a.backorder_id IS NOT NULL
 LIMIT $1

-- name: process_failed_moves
-- Marks failed moves as processed if their load carriers have no allocations any more.
UPDATE moves m SET processed = true
 WHERE m.status = 'failed' AND NOT m.processed
   AND NOT EXISTS (SELECT FROM allocations a WHERE a.carrier_id = m.carrier_id AND a.target_id IS NOT NULL)
RETURNING 1
