-- Picks for orders what carriers that have arrived hold for them, of those that are not held; an empty carrier leaves.
-- Gives the orders that it looked at, and what was picked for which backorders. Without `owed` it leaves alone what is
-- for backorders, and finishes; with it there are events of theirs to write before.
CREATE FUNCTION pick_arrived(
    fence_role text, fence_epoch bigint, ids text[], owed boolean, event_type text, event_actor text, event_trace text,
    moment timestamptz, at_text text, OUT taken_ids text[], OUT backorder_ids text[], OUT units integer[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    there text[];
BEGIN
    PERFORM fence(fence_role, fence_epoch);
    taken_ids := ARRAY (
        SELECT o.order_id
          FROM (SELECT * FROM unnest(ids) AS n (order_id) ORDER BY order_id COLLATE "C") AS n
         CROSS JOIN LATERAL (SELECT order_id, status FROM orders WHERE order_id = n.order_id OFFSET 0
                                FOR UPDATE SKIP LOCKED) AS o
         WHERE o.status IN ('picking', 'packing', 'shipped'));
    there := ARRAY (
        SELECT c.carrier_id
          FROM (SELECT DISTINCT a.carrier_id
                  FROM unnest(taken_ids) AS n (order_id)
                 CROSS JOIN LATERAL (SELECT carrier_id FROM allocations
                                      WHERE order_id = n.order_id AND status = 'live' OFFSET 0) AS a
                 ORDER BY 1) AS a
         CROSS JOIN LATERAL (SELECT location FROM carriers WHERE carrier_id = a.carrier_id OFFSET 0) AS seen
         CROSS JOIN LATERAL (SELECT * FROM carriers WHERE carrier_id = a.carrier_id OFFSET 0 FOR UPDATE) AS c
         WHERE seen.location = 'at_destination' AND c.location = 'at_destination' AND c.status = 'available');
    WITH held AS MATERIALIZED (
        SELECT a.allocation_id
          FROM unnest(taken_ids) AS n (order_id)
         CROSS JOIN LATERAL (SELECT allocation_id, carrier_id, backorder_id FROM allocations
                              WHERE order_id = n.order_id AND status = 'live' OFFSET 0) AS a
          JOIN unnest(there) AS c (carrier_id) USING (carrier_id)
         WHERE owed OR a.backorder_id IS NULL
    ), picked AS (
        UPDATE allocations a SET status = 'picked', target_id = NULL, ended_at = moment
          FROM held h WHERE a.allocation_id = h.allocation_id
        RETURNING a.order_id, a.line_number, a.carrier_id, a.quantity, a.backorder_id
    ), taken AS (
        UPDATE carriers c
           SET quantity = c.quantity - p.quantity, allocated = c.allocated - p.quantity, updated_at = moment,
               location = CASE WHEN c.quantity = p.quantity THEN 'left' ELSE c.location END,
               destination_id = CASE WHEN c.quantity = p.quantity THEN NULL ELSE c.destination_id END
          FROM (SELECT carrier_id, sum(quantity) AS quantity FROM picked GROUP BY carrier_id) AS p
         WHERE c.carrier_id = p.carrier_id
    ), delivered AS (
        UPDATE order_items i SET delivered = i.delivered + p.quantity, backordered = i.backordered - p.owed
          FROM (SELECT order_id, line_number, sum(quantity) AS quantity,
                       coalesce(sum(quantity) FILTER (WHERE backorder_id IS NOT NULL), 0) AS owed
                  FROM picked GROUP BY order_id, line_number) AS p
         WHERE i.order_id = p.order_id AND i.line_number = p.line_number
    )
    SELECT array_agg(p.backorder_id), array_agg(p.quantity)
      INTO backorder_ids, units
      FROM (SELECT backorder_id, sum(quantity)::integer AS quantity
              FROM picked WHERE backorder_id IS NOT NULL GROUP BY backorder_id) AS p;
    IF NOT owed THEN
        PERFORM finish_picking(fence_role, fence_epoch, taken_ids, event_type, event_actor, event_trace, moment, at_text);
    END IF;
END
$$;
