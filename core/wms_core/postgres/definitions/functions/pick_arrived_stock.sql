-- Picks the allocations of orders on load carriers that have arrived and are not on hold. An empty load carrier leaves.
-- Returns the processed orders, and the picked units by backorder. Without should_pick_backorders the function skips
-- allocations of backorders and then finishes the picking. With it, the caller first writes the events of the
-- backorders and then finishes.
CREATE FUNCTION pick_arrived_stock(
    fence_role text, fence_epoch bigint, order_ids text[], should_pick_backorders boolean, event_type text, event_actor text, event_traceparent text,
    changed_at timestamptz, event_time_text text, OUT picked_order_ids text[], OUT backorder_ids text[], OUT backorder_units integer[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    arrived_carrier_ids text[];
BEGIN
    PERFORM check_fence(fence_role, fence_epoch);
    picked_order_ids := ARRAY (
        SELECT o.order_id
          FROM (SELECT * FROM unnest(order_ids) AS n (order_id) ORDER BY order_id COLLATE "C") AS n
         CROSS JOIN LATERAL (SELECT order_id, status FROM orders WHERE order_id = n.order_id OFFSET 0
                                FOR UPDATE SKIP LOCKED) AS o
         WHERE o.status IN ('picking', 'packing', 'shipped'));
    arrived_carrier_ids := ARRAY (
        SELECT c.carrier_id
          FROM (SELECT DISTINCT a.carrier_id
                  FROM unnest(picked_order_ids) AS n (order_id)
                 CROSS JOIN LATERAL (SELECT carrier_id FROM allocations
                                      WHERE order_id = n.order_id AND status = 'live' OFFSET 0) AS a
                 ORDER BY 1) AS a
         CROSS JOIN LATERAL (SELECT location FROM carriers WHERE carrier_id = a.carrier_id OFFSET 0) AS carrier_before_lock
         CROSS JOIN LATERAL (SELECT * FROM carriers WHERE carrier_id = a.carrier_id OFFSET 0 FOR UPDATE) AS c
         WHERE carrier_before_lock.location = 'at_destination' AND c.location = 'at_destination' AND c.status = 'available');
    WITH held_allocations AS MATERIALIZED (
        SELECT a.allocation_id
          FROM unnest(picked_order_ids) AS n (order_id)
         CROSS JOIN LATERAL (SELECT allocation_id, carrier_id, backorder_id FROM allocations
                              WHERE order_id = n.order_id AND status = 'live' OFFSET 0) AS a
          JOIN unnest(arrived_carrier_ids) AS c (carrier_id) USING (carrier_id)
         WHERE should_pick_backorders OR a.backorder_id IS NULL
    ), picked_allocations AS (
        UPDATE allocations a SET status = 'picked', target_id = NULL, ended_at = changed_at
          FROM held_allocations h WHERE a.allocation_id = h.allocation_id
        RETURNING a.order_id, a.line_number, a.carrier_id, a.quantity, a.backorder_id
    ), updated_carriers AS (
        UPDATE carriers c
           SET quantity = c.quantity - p.quantity, allocated = c.allocated - p.quantity, updated_at = changed_at,
               location = CASE WHEN c.quantity = p.quantity THEN 'left' ELSE c.location END,
               destination_id = CASE WHEN c.quantity = p.quantity THEN NULL ELSE c.destination_id END
          FROM (SELECT carrier_id, sum(quantity) AS quantity FROM picked_allocations GROUP BY carrier_id) AS p
         WHERE c.carrier_id = p.carrier_id
    ), updated_lines AS (
        UPDATE order_items i SET delivered = i.delivered + p.quantity, backordered = i.backordered - p.backordered
          FROM (SELECT order_id, line_number, sum(quantity) AS quantity,
                       coalesce(sum(quantity) FILTER (WHERE backorder_id IS NOT NULL), 0) AS backordered
                  FROM picked_allocations GROUP BY order_id, line_number) AS p
         WHERE i.order_id = p.order_id AND i.line_number = p.line_number
    )
    SELECT array_agg(p.backorder_id), array_agg(p.quantity)
      INTO backorder_ids, backorder_units
      FROM (SELECT backorder_id, sum(quantity)::integer AS quantity
              FROM picked_allocations WHERE backorder_id IS NOT NULL GROUP BY backorder_id) AS p;
    IF NOT should_pick_backorders THEN
        PERFORM finish_picking(fence_role, fence_epoch, picked_order_ids, event_type, event_actor, event_traceparent, changed_at, event_time_text);
    END IF;
END
$$;
