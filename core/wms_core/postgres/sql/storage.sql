-- Lanes, destinations, carriers, moves and waves.

-- name: put_warehouse
-- A warehouse exists once something is put into it.
INSERT INTO warehouses (warehouse_id) VALUES ($1) ON CONFLICT DO NOTHING

-- name: warehouse_exists
-- Whether anything was ever put into a warehouse.
SELECT EXISTS (SELECT FROM warehouses WHERE warehouse_id = $1)

-- name: put_lane
-- Makes a lane or changes it; gives nothing when the lane is another warehouse's.
INSERT INTO lanes AS l (lane_id, warehouse_id, zone, capacity, status) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (lane_id) DO UPDATE SET zone = $3, capacity = $4, status = $5, updated_at = now()
                              WHERE l.warehouse_id = $2
RETURNING *

-- name: lock_lanes
-- Lanes by id, locked in order of id.
SELECT * FROM lanes WHERE lane_id = ANY ($1::text[]) ORDER BY lane_id FOR UPDATE

-- name: set_lane_status
-- Opens or blocks a lane.
UPDATE lanes SET status = $2, updated_at = $3 WHERE lane_id = $1 RETURNING *

-- name: put_destination
-- Makes a destination or changes it; gives nothing when it is another warehouse's.
INSERT INTO destinations AS d (destination_id, warehouse_id, queue_capacity, zones, paused)
VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (destination_id) DO UPDATE SET queue_capacity = $3, zones = $4, paused = $5, updated_at = now()
                                     WHERE d.warehouse_id = $2
RETURNING *

-- name: destinations
-- Destinations by id, with the carriers there or on their way and the orders that work goes on for.
SELECT d.*,
       (SELECT count(*) FROM carriers c
         WHERE c.destination_id = d.destination_id AND c.location = 'at_destination')
     + (SELECT count(*) FROM live_moves m
         WHERE m.destination_id = d.destination_id AND m.kind = 'retrieve') AS in_queue,
       (SELECT count(*) FROM orders o
         WHERE o.destination_id = d.destination_id
           AND o.status IN ('assigned_to_wave', 'picking')) AS waiting_orders
  FROM destinations d
 WHERE ($1 = '' OR d.warehouse_id = $1) AND d.destination_id > $2 AND ($4 = '' OR d.destination_id = $4)
 ORDER BY d.destination_id LIMIT $3

-- name: insert_carriers
-- Puts carriers at the end of their lanes, which are locked; gives those that were new.
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::text[],
                         $7::timestamptz[], $8::timestamptz[])
        WITH ORDINALITY
        AS a (carrier_id, warehouse_id, sku, quantity, status, lane_id, produced_at, received_at, number)
), made AS (
    INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, status, location, lane_id, lane_position,
                          produced_at, received_at, updated_at)
    SELECT carrier_id, warehouse_id, sku, quantity, status, 'in_lane', lane_id, nextval('lane_position'),
           produced_at, received_at, $9
      FROM asked ORDER BY number
        ON CONFLICT (carrier_id) DO NOTHING
    RETURNING carrier_id, lane_id
), filled AS (
    UPDATE lanes l SET occupied = l.occupied + m.n
      FROM (SELECT lane_id, count(*) AS n FROM made GROUP BY lane_id) AS m
     WHERE l.lane_id = m.lane_id
)
SELECT carrier_id FROM made

-- name: lock_carriers
-- Carriers, locked in order of id.
SELECT carrier_id FROM carriers WHERE carrier_id = ANY ($1::text[]) ORDER BY carrier_id FOR UPDATE

-- name: get_carriers
-- Carriers by id.
SELECT * FROM carrier_documents WHERE carrier_id = ANY ($1::text[])

-- name: set_carrier_status
-- Changes a carrier's status.
UPDATE carriers SET status = $2, status_reason = $3, updated_at = $4 WHERE carrier_id = $1

-- name: stock
-- Units by warehouse and SKU; what is promised counts as allocated also on a carrier that is held.
SELECT warehouse_id, sku, sum(quantity)::bigint AS on_hand, sum(allocated)::bigint AS allocated,
       coalesce(sum(quantity - allocated) FILTER (WHERE status = 'available'), 0)::bigint AS available,
       coalesce(sum(quantity - allocated) FILTER (WHERE status <> 'available'), 0)::bigint AS on_hold
  FROM carriers
 WHERE location <> 'left' AND ($1 = '' OR warehouse_id = $1) AND ($2 = '' OR sku = $2)
   AND (warehouse_id, sku) > ($3, $4)
 GROUP BY warehouse_id, sku
 ORDER BY warehouse_id, sku LIMIT $5

-- name: claim_moves
-- Gives the oldest requested moves to one caller; what another call is claiming is passed over.
WITH mine AS MATERIALIZED (
    SELECT move_id FROM moves
     WHERE warehouse_id = $1 AND status = 'requested'
     ORDER BY requested_at, move_id LIMIT $2
       FOR UPDATE SKIP LOCKED
)
UPDATE moves SET status = 'claimed', claimed_by = $3, claimed_at = $4
 WHERE move_id = ANY (ARRAY (SELECT move_id FROM mine))
RETURNING *

-- name: take_up_carriers
-- Carriers leave the place where they stand. A statement of its own: joined to moves claimed in the same one, of which the
-- planner can't know how many there are, a handful would be a reason to read all carriers.
UPDATE carriers SET location = 'moving', updated_at = $2
 WHERE carrier_id = ANY ($1::text[])
RETURNING carrier_id, sku, quantity

-- name: live_moves
-- The requested and claimed moves of warehouses, for those who watch: ids only, as it is asked again and again.
SELECT move_id, warehouse_id, status
  FROM live_moves
 WHERE warehouse_id = ANY ($1::text[])
 ORDER BY deadline_at

-- name: get_moves
-- Moves by id, oldest first. Each is looked up by itself, so that thousands of ids are no reason to read the table.
SELECT m.*, c.sku, c.quantity
  FROM unnest($1::text[]) AS asked (move_id)
 CROSS JOIN LATERAL (SELECT * FROM moves WHERE moves.move_id = asked.move_id OFFSET 0) AS m
 CROSS JOIN LATERAL (SELECT sku, quantity FROM carriers WHERE carriers.carrier_id = m.carrier_id OFFSET 0) AS c
 ORDER BY m.requested_at, m.move_id

-- name: lock_moves
-- Moves by id, locked in order of id.
SELECT m.*, c.sku, c.quantity
  FROM (SELECT * FROM moves WHERE move_id = ANY ($1::text[]) ORDER BY move_id FOR UPDATE) AS m
 CROSS JOIN LATERAL (SELECT sku, quantity FROM carriers WHERE carriers.carrier_id = m.carrier_id OFFSET 0) AS c

-- name: lock_moved_carriers
-- The carriers of moves, locked in order of id.
SELECT carrier_id FROM carriers
 WHERE carrier_id = ANY (ARRAY (SELECT carrier_id FROM moves WHERE move_id = ANY ($1::text[])))
 ORDER BY carrier_id FOR UPDATE

-- name: complete_moves
-- Claimed moves are done: a retrieved carrier is at its destination; one that was returned or relocated is at
-- the end of the lane, whose position was promised when the move was requested. One that went to the end of its own
-- lane had its position all the time. A relocated one that somebody waits for still goes to its destination later.
WITH done AS (
    UPDATE moves SET status = 'completed', finished_at = $2
     WHERE move_id = ANY ($1::text[]) AND status = 'claimed'
    RETURNING *
), emptied AS (
    UPDATE lanes l SET occupied = l.occupied - d.n
      FROM (SELECT from_lane_id, count(*) AS n FROM done
             WHERE from_lane_id IS NOT NULL AND from_lane_id IS DISTINCT FROM to_lane_id
             GROUP BY from_lane_id) AS d
     WHERE l.lane_id = d.from_lane_id
)
UPDATE carriers c
   SET location = CASE d.kind WHEN 'retrieve' THEN 'at_destination' ELSE 'in_lane' END,
       lane_id = d.to_lane_id,
       lane_position = CASE d.kind WHEN 'retrieve' THEN NULL ELSE nextval('lane_position') END,
       destination_id = CASE
           WHEN d.kind = 'retrieve' THEN d.destination_id
           WHEN d.kind = 'relocate' AND c.allocated > 0 THEN c.destination_id
       END,
       updated_at = $2
  FROM done d WHERE c.carrier_id = d.carrier_id
RETURNING d.*, c.sku, c.quantity

-- name: fail_moves
-- Live moves failed: the carrier is where it was. One that somebody has touched is to be inspected before it is used
-- again, unless it is held already; one that nobody waits for any more has no target from then on.
WITH failed AS (
    UPDATE live_moves SET status = 'failed', finished_at = $2, failure_reason = $3
     WHERE move_id = ANY ($1::text[])
    RETURNING *, claimed_by IS NOT NULL AS touched
), promised AS (
    UPDATE lanes l SET occupied = l.occupied - f.n
      FROM (SELECT to_lane_id, count(*) AS n FROM failed
             WHERE to_lane_id IS NOT NULL AND to_lane_id IS DISTINCT FROM from_lane_id
             GROUP BY to_lane_id) AS f
     WHERE l.lane_id = f.to_lane_id
), stays AS (
    UPDATE carriers c
       SET location = CASE f.kind WHEN 'return' THEN 'at_destination' ELSE 'in_lane' END,
           destination_id = CASE WHEN f.kind = 'return' OR c.allocated > 0 THEN c.destination_id END,
           status = CASE WHEN f.touched AND c.status = 'available' THEN 'inspection_required' ELSE c.status END,
           status_reason = CASE WHEN f.touched AND c.status = 'available' THEN 'Move failed: ' || $3
                                ELSE c.status_reason END,
           updated_at = $2
      FROM failed f WHERE c.carrier_id = f.carrier_id
    RETURNING c.carrier_id, c.sku, c.quantity
)
SELECT f.*, s.sku, s.quantity FROM failed f JOIN stays s USING (carrier_id)

-- name: put_wave
-- Makes a wave; one that exists stays as it is.
INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (wave_id) DO NOTHING

-- name: wave
-- A wave.
SELECT * FROM waves WHERE wave_id = $1

-- name: count_wave
-- The orders of a wave.
SELECT count(*) FROM orders WHERE wave_id = $1

-- name: next_wave
-- The next wave number.
SELECT nextval('wave_number')

-- name: audit
-- Who did what to which subjects.
INSERT INTO audit_log (at, actor, action, subject, correlation_id, detail)
SELECT $1, $2, $3, s.subject, $4, s.detail
  FROM unnest($5::text[], $6::json[]) WITH ORDINALITY AS s (subject, detail, number)
 ORDER BY s.number
