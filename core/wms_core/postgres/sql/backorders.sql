-- What is owed to orders.

-- name: insert
-- Opens backorders.
INSERT INTO backorders (backorder_id, order_id, line_number, customer_id, warehouse_id, sku, quantity, reason,
                        status, created_at, updated_at)
SELECT b.*, 'open', $9, $9
  FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[])
    AS b (backorder_id, order_id, line_number, customer_id, warehouse_id, sku, quantity, reason)

-- name: close
-- Gives backorders up.
UPDATE backorders b SET status = 'cancelled', cancel_reason = c.reason, updated_at = $3, closed_at = $3
  FROM unnest($1::text[], $2::text[]) AS c (backorder_id, reason)
 WHERE b.backorder_id = c.backorder_id AND b.status IN ('open', 'in_progress')

-- name: close_of_orders
-- Gives up what is owed to orders that let go of everything.
UPDATE backorders SET status = 'cancelled', cancel_reason = $2, updated_at = $3, closed_at = $3
 WHERE order_id = ANY ($1::text[]) AND status IN ('open', 'in_progress')

-- name: get
-- A backorder.
SELECT * FROM backorders WHERE backorder_id = $1

-- name: live_of_order
-- The backorders of an order that are open or in progress.
SELECT backorder_id FROM backorders WHERE order_id = $1 AND status IN ('open', 'in_progress') ORDER BY backorder_id

-- name: held
-- The units that are allocated to a backorder.
SELECT coalesce(sum(quantity), 0)::bigint FROM allocations WHERE backorder_id = $1 AND status = 'live'

-- name: owed
-- Orders with backorders for which there is stock nobody holds: oldest and most urgent first.
SELECT b.order_id
  FROM backorders b JOIN orders o USING (order_id)
 WHERE b.status IN ('open', 'in_progress') AND o.status IN ('picking', 'packing', 'shipped')
   AND NOT EXISTS (SELECT FROM paused_warehouses p WHERE p.warehouse_id = b.warehouse_id)
   AND b.quantity > b.quantity_fulfilled
                    + (SELECT coalesce(sum(a.quantity), 0) FROM allocations a
                        WHERE a.backorder_id = b.backorder_id AND a.status = 'live')
   AND EXISTS (SELECT FROM carriers c
                WHERE c.warehouse_id = b.warehouse_id AND c.sku = b.sku AND c.location <> 'left'
                  AND c.status = 'available' AND c.quantity > c.allocated)
 GROUP BY b.order_id
 ORDER BY min(o.urgency), min(b.created_at), b.order_id
 LIMIT $1

-- name: owed_to
-- What orders are owed and nothing is allocated for, oldest and most urgent first.
SELECT b.backorder_id, b.order_id, b.line_number, b.warehouse_id, o.destination_id, b.sku,
       b.quantity - b.quantity_fulfilled
       - (SELECT coalesce(sum(a.quantity), 0) FROM allocations a
           WHERE a.backorder_id = b.backorder_id AND a.status = 'live')::integer AS quantity
  FROM backorders b JOIN orders o USING (order_id)
 WHERE b.order_id = ANY ($1::text[]) AND b.status IN ('open', 'in_progress')
   AND o.status IN ('picking', 'packing', 'shipped')
 ORDER BY o.urgency, b.created_at, b.backorder_id

-- name: orders_of
-- The orders that backorders belong to.
SELECT DISTINCT order_id FROM backorders WHERE backorder_id = ANY ($1::text[])

-- name: give_back
-- What is held for backorders will not come: it is taken off the lines, and is owed as before.
WITH held AS (
    SELECT order_id, line_number, sum(quantity) AS quantity
      FROM allocations WHERE backorder_id = ANY ($1::text[]) AND status = 'live'
     GROUP BY order_id, line_number
), lines AS (
    UPDATE order_items i SET allocated = i.allocated - h.quantity
      FROM held h WHERE i.order_id = h.order_id AND i.line_number = h.line_number
    RETURNING i.order_id
), touched AS (
    UPDATE orders SET version = version + 1, updated_at = $2 WHERE order_id IN (SELECT order_id FROM lines)
)
UPDATE backorders SET status = CASE WHEN quantity_fulfilled = 0 THEN 'open' ELSE status END, updated_at = $2
 WHERE backorder_id = ANY ($1::text[]) AND status IN ('open', 'in_progress')

-- name: in_progress
-- Stock is on its way for backorders.
UPDATE backorders SET status = 'in_progress', updated_at = $2
 WHERE backorder_id = ANY ($1::text[]) AND status = 'open'

-- name: deliver
-- Units were delivered for backorders; gives those that have all of theirs now.
UPDATE backorders b
   SET quantity_fulfilled = b.quantity_fulfilled + d.quantity, updated_at = $3::timestamptz,
       status = CASE WHEN b.quantity = b.quantity_fulfilled + d.quantity THEN 'fulfilled' ELSE 'in_progress' END,
       closed_at = CASE WHEN b.quantity = b.quantity_fulfilled + d.quantity THEN $3::timestamptz END
  FROM unnest($1::text[], $2::integer[]) AS d (backorder_id, quantity)
 WHERE b.backorder_id = d.backorder_id AND b.status IN ('open', 'in_progress')
RETURNING b.*

-- name: write_off
-- Units that a picker did not find.
INSERT INTO write_offs (warehouse_id, order_id, sku, quantity, reason, actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
