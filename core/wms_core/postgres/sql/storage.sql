-- Lanes, destinations, load carriers, moves and waves.

-- name: insert_warehouse
-- Creates a warehouse if it does not exist.
INSERT INTO warehouses (warehouse_id) VALUES ($1) ON CONFLICT DO NOTHING

-- name: warehouse_exists
-- Returns whether a warehouse exists.
SELECT EXISTS (SELECT FROM warehouses WHERE warehouse_id = $1)

-- name: upsert_lane
-- Creates or changes a lane; returns no row if it belongs to another warehouse.
INSERT INTO lanes AS l (lane_id, warehouse_id, zone, capacity, status) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (lane_id) DO UPDATE SET zone = $3, capacity = $4, status = $5, updated_at = now()
                              WHERE l.warehouse_id = $2
RETURNING *

-- name: lock_lanes
-- Returns lanes by id, locked in the order of their ids.
SELECT * FROM lanes WHERE lane_id = ANY ($1::text[]) ORDER BY lane_id FOR UPDATE

-- name: set_lane_status
-- Opens or blocks a lane.
UPDATE lanes SET status = $2, updated_at = $3 WHERE lane_id = $1 RETURNING *

-- name: upsert_destination
-- Creates or changes a destination; returns no row if it belongs to another warehouse.
INSERT INTO destinations AS d (destination_id, warehouse_id, queue_capacity, zones, paused)
VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (destination_id) DO UPDATE SET queue_capacity = $3, zones = $4, paused = $5, updated_at = now()
                                     WHERE d.warehouse_id = $2
RETURNING *

-- name: list_destinations
-- Returns destinations by id, with the number of load carriers there or on their way, and of orders in progress.
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
-- Inserts load carriers at the end of their lanes, which are locked; returns the new ones.
WITH new_carriers AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::text[],
                         $7::timestamptz[], $8::timestamptz[])
        WITH ORDINALITY
        AS a (carrier_id, warehouse_id, sku, quantity, status, lane_id, produced_at, received_at, number)
), inserted_carriers AS (
    INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, status, location, lane_id, lane_position,
                          produced_at, received_at, updated_at)
    SELECT carrier_id, warehouse_id, sku, quantity, status, 'in_lane', lane_id, nextval('lane_position'),
           produced_at, received_at, $9
      FROM new_carriers ORDER BY number
        ON CONFLICT (carrier_id) DO NOTHING
    RETURNING carrier_id, lane_id
), updated_lanes AS (
    UPDATE lanes l SET occupied = l.occupied + m.carrier_count
      FROM (SELECT lane_id, count(*) AS carrier_count FROM inserted_carriers GROUP BY lane_id) AS m
     WHERE l.lane_id = m.lane_id
)
SELECT carrier_id FROM inserted_carriers

-- name: lock_carriers
-- Locks load carriers in the order of their ids.
SELECT carrier_id FROM carriers WHERE carrier_id = ANY ($1::text[]) ORDER BY carrier_id FOR UPDATE

-- name: get_carriers
-- Returns load carriers by id.
SELECT * FROM carrier_documents WHERE carrier_id = ANY ($1::text[])

-- name: set_carrier_status
-- Changes the status of a load carrier.
UPDATE carriers SET status = $2, status_reason = $3, updated_at = $4 WHERE carrier_id = $1

-- name: list_stock
-- Returns units by warehouse and SKU. Allocated units count as allocated also on a load carrier on hold.
SELECT warehouse_id, sku, sum(quantity)::bigint AS on_hand, sum(allocated)::bigint AS allocated,
       coalesce(sum(quantity - allocated) FILTER (WHERE status = 'available'), 0)::bigint AS available,
       coalesce(sum(quantity - allocated) FILTER (WHERE status <> 'available'), 0)::bigint AS on_hold
  FROM carriers
 WHERE location <> 'left' AND ($1 = '' OR warehouse_id = $1) AND ($2 = '' OR sku = $2)
   AND (warehouse_id, sku) > ($3, $4)
 GROUP BY warehouse_id, sku
 ORDER BY warehouse_id, sku LIMIT $5

-- name: claim_moves
-- Claims the oldest requested moves for one caller. Moves that another call has locked are skipped.
WITH claimable_moves AS MATERIALIZED (
    SELECT move_id FROM moves
     WHERE warehouse_id = $1 AND status = 'requested'
     ORDER BY requested_at, move_id LIMIT $2
       FOR UPDATE SKIP LOCKED
)
UPDATE moves SET status = 'claimed', claimed_by = $3, claimed_at = $4
 WHERE move_id = ANY (ARRAY (SELECT move_id FROM claimable_moves))
RETURNING *

-- name: mark_carriers_moving
-- Marks load carriers as moving. A separate statement: if it were joined with the claim, the planner would not know the
-- number of moves and might read all load carriers for a few moves.
UPDATE carriers SET location = 'moving', updated_at = $2
 WHERE carrier_id = ANY ($1::text[])
RETURNING carrier_id, sku, quantity

-- name: list_live_statuses
-- Returns the requested and claimed moves of warehouses for subscribers: only ids, because it is polled.
SELECT move_id, warehouse_id, status
  FROM live_moves
 WHERE warehouse_id = ANY ($1::text[])
 ORDER BY deadline_at

-- name: get_moves
-- Returns moves by id, oldest first. Each is looked up separately, so that thousands of ids do not cause a table scan.
SELECT m.*, c.sku, c.quantity
  FROM unnest($1::text[]) AS requested_ids (move_id)
 CROSS JOIN LATERAL (SELECT * FROM moves WHERE moves.move_id = requested_ids.move_id OFFSET 0) AS m
 CROSS JOIN LATERAL (SELECT sku, quantity FROM carriers WHERE carriers.carrier_id = m.carrier_id OFFSET 0) AS c
 ORDER BY m.requested_at, m.move_id

-- name: lock_moves
-- Returns moves by id, locked in the order of their ids.
SELECT m.*, c.sku, c.quantity
  FROM (SELECT * FROM moves WHERE move_id = ANY ($1::text[]) ORDER BY move_id FOR UPDATE) AS m
 CROSS JOIN LATERAL (SELECT sku, quantity FROM carriers WHERE carriers.carrier_id = m.carrier_id OFFSET 0) AS c

-- name: lock_moved_carriers
-- Locks the load carriers of moves in the order of their ids.
SELECT carrier_id FROM carriers
 WHERE carrier_id = ANY (ARRAY (SELECT carrier_id FROM moves WHERE move_id = ANY ($1::text[])))
 ORDER BY carrier_id FOR UPDATE

-- name: complete_moves
-- Completes claimed moves. A retrieved load carrier is at its destination. A returned or relocated one is at the end of
-- the lane, at the position that was reserved with the request (or that it already had, in its own lane). A relocated
-- load carrier with allocations keeps its destination for a later move.
WITH completed_moves AS (
    UPDATE moves SET status = 'completed', finished_at = $2
     WHERE move_id = ANY ($1::text[]) AND status = 'claimed'
    RETURNING *
), updated_lanes AS (
    UPDATE lanes l SET occupied = l.occupied - d.move_count
      FROM (SELECT from_lane_id, count(*) AS move_count FROM completed_moves
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
  FROM completed_moves d WHERE c.carrier_id = d.carrier_id
RETURNING d.*, c.sku, c.quantity

-- name: fail_moves
-- Fails live moves: the load carrier is where it was. After a claimed move it must be inspected before it is used again,
-- unless it is already on hold. Without allocations it loses its target.
WITH failed_moves AS (
    UPDATE live_moves SET status = 'failed', finished_at = $2, failure_reason = $3
     WHERE move_id = ANY ($1::text[])
    RETURNING *, claimed_by IS NOT NULL AS was_claimed
), updated_lanes AS (
    UPDATE lanes l SET occupied = l.occupied - f.move_count
      FROM (SELECT to_lane_id, count(*) AS move_count FROM failed_moves
             WHERE to_lane_id IS NOT NULL AND to_lane_id IS DISTINCT FROM from_lane_id
             GROUP BY to_lane_id) AS f
     WHERE l.lane_id = f.to_lane_id
), updated_carriers AS (
    UPDATE carriers c
       SET location = CASE f.kind WHEN 'return' THEN 'at_destination' ELSE 'in_lane' END,
           destination_id = CASE WHEN f.kind = 'return' OR c.allocated > 0 THEN c.destination_id END,
           status = CASE WHEN f.was_claimed AND c.status = 'available' THEN 'inspection_required' ELSE c.status END,
           status_reason = CASE WHEN f.was_claimed AND c.status = 'available' THEN 'Move failed: ' || $3
                                ELSE c.status_reason END,
           updated_at = $2
      FROM failed_moves f WHERE c.carrier_id = f.carrier_id
    RETURNING c.carrier_id, c.sku, c.quantity
)
SELECT f.*, s.sku, s.quantity FROM failed_moves f JOIN updated_carriers s USING (carrier_id)

-- name: insert_wave
-- Creates a wave; an existing one is unchanged.
INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (wave_id) DO NOTHING

-- name: get_wave
-- Returns a wave.
SELECT * FROM waves WHERE wave_id = $1

-- name: count_wave_orders
-- Returns the number of orders of a wave.
SELECT count(*) FROM orders WHERE wave_id = $1

-- name: get_next_wave_number
-- Returns the next wave number.
SELECT nextval('wave_number')

-- name: record_audit
-- Inserts audit records.
INSERT INTO audit_log (at, actor, action, subject, correlation_id, detail)
SELECT $1, $2, $3, s.subject, $4, s.detail
  FROM unnest($5::text[], $6::json[]) WITH ORDINALITY AS s (subject, detail, number)
 ORDER BY s.number
