-- Backorders.

-- name: insert_backorders
-- Opens backorders.
INSERT INTO backorders (backorder_id, order_id, line_number, customer_id, warehouse_id, sku, quantity, reason,
                        status, created_at, updated_at)
SELECT b.*, 'open', $9, $9
  FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[])
    AS b (backorder_id, order_id, line_number, customer_id, warehouse_id, sku, quantity, reason)

-- name: cancel_backorders
-- Cancels backorders.
UPDATE backorders b SET status = 'cancelled', cancel_reason = c.reason, updated_at = $3, closed_at = $3
  FROM unnest($1::text[], $2::text[]) AS c (backorder_id, reason)
 WHERE b.backorder_id = c.backorder_id AND b.status IN ('open', 'in_progress')

-- name: cancel_backorders_of_orders
-- Cancels all open backorders of orders that release their stock.
UPDATE backorders SET status = 'cancelled', cancel_reason = $2, updated_at = $3, closed_at = $3
 WHERE order_id = ANY ($1::text[]) AND status IN ('open', 'in_progress')

-- name: get_backorder
-- Returns a backorder.
SELECT * FROM backorders WHERE backorder_id = $1

-- name: list_live_ids
-- Returns the backorders of an order that are open or in progress.
SELECT backorder_id FROM backorders WHERE order_id = $1 AND status IN ('open', 'in_progress') ORDER BY backorder_id

-- name: get_allocated_units
-- Returns the units that are allocated to a backorder.
SELECT coalesce(sum(quantity), 0)::bigint FROM allocations WHERE backorder_id = $1 AND status = 'live'

-- name: list_orders_with_open_backorders
-- Returns orders whose backorders have available stock: oldest and most urgent first.
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

-- name: list_backordered_units
-- Returns the unallocated backordered units of orders, oldest and most urgent first.
SELECT b.backorder_id, b.order_id, b.line_number, b.warehouse_id, o.destination_id, b.sku,
       b.quantity - b.quantity_fulfilled
       - (SELECT coalesce(sum(a.quantity), 0) FROM allocations a
           WHERE a.backorder_id = b.backorder_id AND a.status = 'live')::integer AS quantity
  FROM backorders b JOIN orders o USING (order_id)
 WHERE b.order_id = ANY ($1::text[]) AND b.status IN ('open', 'in_progress')
   AND o.status IN ('picking', 'packing', 'shipped')
 ORDER BY o.urgency, b.created_at, b.backorder_id

-- name: list_order_ids
-- Returns the orders of backorders.
SELECT DISTINCT order_id FROM backorders WHERE backorder_id = ANY ($1::text[])

-- name: reopen_backorders
-- Reopens backorders whose allocations are lost: their units are removed from the lines.
WITH held_by_line AS (
    SELECT order_id, line_number, sum(quantity) AS quantity
      FROM allocations WHERE backorder_id = ANY ($1::text[]) AND status = 'live'
     GROUP BY order_id, line_number
), updated_lines AS (
    UPDATE order_items i SET allocated = i.allocated - h.quantity
      FROM held_by_line h WHERE i.order_id = h.order_id AND i.line_number = h.line_number
    RETURNING i.order_id
), updated_orders AS (
    UPDATE orders SET version = version + 1, updated_at = $2 WHERE order_id IN (SELECT order_id FROM updated_lines)
)
UPDATE backorders SET status = CASE WHEN quantity_fulfilled = 0 THEN 'open' ELSE status END, updated_at = $2
 WHERE backorder_id = ANY ($1::text[]) AND status IN ('open', 'in_progress')

-- name: mark_in_progress
-- Marks backorders as in progress.
UPDATE backorders SET status = 'in_progress', updated_at = $2
 WHERE backorder_id = ANY ($1::text[]) AND status = 'open'

-- name: record_delivery
-- Records delivered units of backorders, and returns the changed backorders.
UPDATE backorders b
   SET quantity_fulfilled = b.quantity_fulfilled + d.quantity, updated_at = $3::timestamptz,
       status = CASE WHEN b.quantity = b.quantity_fulfilled + d.quantity THEN 'fulfilled' ELSE 'in_progress' END,
       closed_at = CASE WHEN b.quantity = b.quantity_fulfilled + d.quantity THEN $3::timestamptz END
  FROM unnest($1::text[], $2::integer[]) AS d (backorder_id, quantity)
 WHERE b.backorder_id = d.backorder_id AND b.status IN ('open', 'in_progress')
RETURNING b.*

-- name: insert_write_off
-- Inserts a write-off of units that a picker did not find.
INSERT INTO write_offs (warehouse_id, order_id, sku, quantity, reason, actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
