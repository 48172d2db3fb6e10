-- Rules for all functions of the cycle: each processes a batch of orders in one call that checks the fence, so a
-- transaction is one round trip (docs/adr/0010). Locks are taken in separate statements, so that later statements
-- read rows that are not older than the lock. Plans are cached. OFFSET 0 forces lookups by key, because a plan that
-- was made for an empty queue would otherwise scan that queue when it is long.

-- Moves orders from the source to the target status, into their waves if there are any, and writes their events.
-- Missing waves are created. Returns the moved orders. Orders that another transaction has locked are skipped until
-- the next cycle.
CREATE FUNCTION advance_orders(
    fence_role text, fence_epoch bigint, order_ids text[], wave_ids text[], destination_ids text[], source_status text, target_status text,
    event_type text, event_actor text, event_traceparent text, changed_at timestamptz, event_time_text text)
RETURNS SETOF text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    PERFORM check_fence(fence_role, fence_epoch);
    IF cardinality(wave_ids) > 0 THEN
        INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at)
        SELECT DISTINCT n.wave_id, d.warehouse_id, n.destination_id, changed_at
          FROM unnest(wave_ids, destination_ids) AS n (wave_id, destination_id)
          JOIN destinations d ON d.destination_id = n.destination_id
         ORDER BY 1
            ON CONFLICT (wave_id) DO NOTHING;
    END IF;
    RETURN QUERY
    WITH locked_orders AS (
        SELECT o.order_id, n.wave_id, n.destination_id
          FROM (SELECT * FROM unnest(order_ids, wave_ids, destination_ids) AS n (order_id, wave_id, destination_id)
                 ORDER BY order_id COLLATE "C") AS n
         CROSS JOIN LATERAL (SELECT order_id, status FROM orders WHERE order_id = n.order_id OFFSET 0
                                FOR UPDATE SKIP LOCKED) AS o
         WHERE o.status = source_status
    ), updated_orders AS (
        UPDATE orders o
           SET status = target_status, wave_id = coalesce(c.wave_id, o.wave_id),
               destination_id = coalesce(c.destination_id, o.destination_id),
               version = o.version + 1, sequence = o.sequence + 1, waiting_reason = NULL, updated_at = changed_at
          FROM locked_orders c WHERE o.order_id = c.order_id
        RETURNING o.*
    )
    INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id, actor,
                        correlation_id, wave_number, workflow_id, traceparent, payload)
    -- The same payload as the event's class in wms_core/domain/events; a test compares them.
    SELECT order_id, sequence, version, event_type, changed_at, source_status, status, warehouse_id, event_actor, correlation_id,
           coalesce(wave_id, wave_number), workflow_id, event_traceparent,
           json_strip_nulls(json_build_object('type', event_type, 'orderId', order_id, 'customerId', customer_id,
                                              'waveId', wave_id, 'destinationId', destination_id,
                                              'timestamp', event_time_text))
      FROM updated_orders
    RETURNING order_id;
END
$$;
