-- Moves locked orders from PICKING to PACKING if they have no live allocations except those of backorders.
CREATE FUNCTION finish_picking(
    fence_role text, fence_epoch bigint, order_ids text[], event_type text, event_actor text, event_traceparent text,
    changed_at timestamptz, event_time_text text)
RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    complete_order_ids text[];
BEGIN
    PERFORM check_fence(fence_role, fence_epoch);
    complete_order_ids := ARRAY (
        SELECT n.order_id
          FROM unnest(order_ids) AS n (order_id)
         CROSS JOIN LATERAL (SELECT status FROM orders WHERE order_id = n.order_id OFFSET 0) AS o
         WHERE o.status = 'picking'
           AND NOT EXISTS (SELECT FROM allocations
                            WHERE order_id = n.order_id AND status = 'live' AND backorder_id IS NULL OFFSET 0));
    IF cardinality(complete_order_ids) > 0 THEN
        PERFORM FROM advance_orders(fence_role, fence_epoch, complete_order_ids, '{}', '{}', 'picking', 'packing', event_type,
                                    event_actor, event_traceparent, changed_at, event_time_text);
    END IF;
    -- A change of lines increases the version of their order.
    IF cardinality(complete_order_ids) < cardinality(order_ids) THEN
        UPDATE orders o SET version = version + 1, waiting_reason = NULL, updated_at = changed_at
          FROM (SELECT * FROM unnest(order_ids) EXCEPT SELECT * FROM unnest(complete_order_ids)) AS n (order_id)
         WHERE o.order_id = n.order_id;
    END IF;
END
$$;
