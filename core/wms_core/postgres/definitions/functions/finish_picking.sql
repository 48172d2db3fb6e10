-- Moves those of locked orders to PACKING that are in PICKING and for which nothing but backorders is on its way any more.
CREATE FUNCTION finish_picking(
    fence_role text, fence_epoch bigint, ids text[], event_type text, event_actor text, event_trace text,
    moment timestamptz, at_text text)
RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    whole text[];
BEGIN
    PERFORM fence(fence_role, fence_epoch);
    whole := ARRAY (
        SELECT n.order_id
          FROM unnest(ids) AS n (order_id)
         CROSS JOIN LATERAL (SELECT status FROM orders WHERE order_id = n.order_id OFFSET 0) AS o
         WHERE o.status = 'picking'
           AND NOT EXISTS (SELECT FROM allocations
                            WHERE order_id = n.order_id AND status = 'live' AND backorder_id IS NULL OFFSET 0));
    IF cardinality(whole) > 0 THEN
        PERFORM FROM advance_orders(fence_role, fence_epoch, whole, '{}', '{}', 'picking', 'packing', event_type,
                                    event_actor, event_trace, moment, at_text);
    END IF;
    -- A change of lines is a change of their orders.
    IF cardinality(whole) < cardinality(ids) THEN
        UPDATE orders o SET version = version + 1, waiting_reason = NULL, updated_at = moment
          FROM (SELECT * FROM unnest(ids) EXCEPT SELECT * FROM unnest(whole)) AS n (order_id)
         WHERE o.order_id = n.order_id;
    END IF;
END
$$;
