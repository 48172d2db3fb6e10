-- What the cycle does with a batch of orders, each as one call that passes the fence by itself: a transaction is one
-- round trip (docs/adr/0010). Locks are taken by statements of their own, so that what is read afterwards is as new as
-- the lock. Their plans are kept; rows are looked up by their keys alone (OFFSET 0), so that no plan can be one that
-- walks a queue which was empty when it was made.

-- Moves orders along one arrow of the table, each into its wave when there are any, which is made if it is not there
-- yet, and tells of it. Gives those that moved: what somebody else is changing is left for the next cycle.
CREATE FUNCTION advance_orders(
    fence_role text, fence_epoch bigint, ids text[], wave_ids text[], destination_ids text[], source text, target text,
    event_type text, event_actor text, event_trace text, moment timestamptz, at_text text)
RETURNS SETOF text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    PERFORM fence(fence_role, fence_epoch);
    IF cardinality(wave_ids) > 0 THEN
        INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at)
        SELECT DISTINCT n.wave_id, d.warehouse_id, n.destination_id, moment
          FROM unnest(wave_ids, destination_ids) AS n (wave_id, destination_id)
          JOIN destinations d ON d.destination_id = n.destination_id
         ORDER BY 1
            ON CONFLICT (wave_id) DO NOTHING;
    END IF;
    RETURN QUERY
    WITH chosen AS (
        SELECT o.order_id, n.wave_id, n.destination_id
          FROM (SELECT * FROM unnest(ids, wave_ids, destination_ids) AS n (order_id, wave_id, destination_id)
                 ORDER BY order_id COLLATE "C") AS n
         CROSS JOIN LATERAL (SELECT order_id, status FROM orders WHERE order_id = n.order_id OFFSET 0
                                FOR UPDATE SKIP LOCKED) AS o
         WHERE o.status = source
    ), moved AS (
        UPDATE orders o
           SET status = target, wave_id = coalesce(c.wave_id, o.wave_id),
               destination_id = coalesce(c.destination_id, o.destination_id),
               version = o.version + 1, sequence = o.sequence + 1, waiting_reason = NULL, updated_at = moment
          FROM chosen c WHERE o.order_id = c.order_id
        RETURNING o.*
    )
    INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id, actor,
                        correlation_id, wave_number, workflow_id, traceparent, payload)
    -- The payload of the event's class in domain/events.py; tests hold the one to the other.
    SELECT order_id, sequence, version, event_type, moment, source, status, warehouse_id, event_actor, correlation_id,
           coalesce(wave_id, wave_number), workflow_id, event_trace,
           json_strip_nulls(json_build_object('type', event_type, 'orderId', order_id, 'customerId', customer_id,
                                              'waveId', wave_id, 'destinationId', destination_id,
                                              'timestamp', at_text))
      FROM moved
    RETURNING order_id;
END
$$;
