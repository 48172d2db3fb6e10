-- Writes the allocations of a plan for orders that have not changed since and whose load carriers all still have the
-- planned units. A load carrier gets the target of its first allocation. Returns these orders, also those without
-- allocations in the plan.
CREATE FUNCTION allocate_stock(
    fence_role text, fence_epoch bigint, planned_order_ids text[], planned_versions integer[], allocation_order_ids text[], line_numbers integer[],
    carrier_ids text[], target_ids text[], quantities integer[], changed_at timestamptz)
RETURNS SETOF text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    locked_order_ids text[];
    failed_order_ids text[];
BEGIN
    PERFORM check_fence(fence_role, fence_epoch);
    locked_order_ids := ARRAY (
        SELECT o.order_id
          FROM (SELECT * FROM unnest(planned_order_ids, planned_versions) AS n (order_id, version) ORDER BY order_id COLLATE "C") AS n
         CROSS JOIN LATERAL (SELECT order_id, version, status FROM orders WHERE order_id = n.order_id OFFSET 0
                                FOR UPDATE SKIP LOCKED) AS o
         WHERE o.status = 'assigned_to_wave' AND o.version = n.version);
    -- Another transaction has used one of their load carriers; the next cycle plans these orders again.
    failed_order_ids := ARRAY (
        WITH requested_allocations AS MATERIALIZED (
            SELECT a.*
              FROM unnest(allocation_order_ids, carrier_ids, target_ids, quantities)
                AS a (order_id, carrier_id, target_id, quantity)
              JOIN unnest(locked_order_ids) AS f (order_id) USING (order_id)
        ), unavailable_carriers AS MATERIALIZED (
            SELECT l.carrier_id
              FROM (SELECT array_agg(carrier_id) AS carrier_ids, array_agg(target_id) AS target_ids,
                           array_agg(quantity) AS quantities FROM requested_allocations) AS a
             CROSS JOIN LATERAL find_unavailable_carriers(a.carrier_ids, a.target_ids, a.quantities) AS l (carrier_id)
        )
        SELECT DISTINCT a.order_id FROM requested_allocations a JOIN unavailable_carriers USING (carrier_id));
    IF cardinality(failed_order_ids) > 0 THEN
        locked_order_ids := ARRAY (SELECT * FROM unnest(locked_order_ids) EXCEPT SELECT * FROM unnest(failed_order_ids));
    END IF;
    WITH inserted_allocations AS (
        INSERT INTO allocations (order_id, line_number, carrier_id, target_id, quantity, status, created_at)
        SELECT a.order_id, a.line_number, a.carrier_id, a.target_id, a.quantity, 'live', changed_at
          FROM unnest(allocation_order_ids, line_numbers, carrier_ids, target_ids, quantities)
            AS a (order_id, line_number, carrier_id, target_id, quantity)
          JOIN unnest(locked_order_ids) AS f (order_id) USING (order_id)
        RETURNING order_id, line_number, carrier_id, target_id, quantity
    ), updated_carriers AS (
        UPDATE carriers c SET allocated = c.allocated + p.quantity, destination_id = p.target_id, updated_at = changed_at
          FROM (SELECT carrier_id, target_id, sum(quantity) AS quantity FROM inserted_allocations GROUP BY carrier_id, target_id) AS p
         WHERE c.carrier_id = p.carrier_id
    ), updated_lines AS (
        UPDATE order_items i SET allocated = i.allocated + p.quantity
          FROM (SELECT order_id, line_number, sum(quantity) AS quantity
                  FROM inserted_allocations GROUP BY order_id, line_number) AS p
         WHERE i.order_id = p.order_id AND i.line_number = p.line_number
    )
    UPDATE orders o SET version = o.version + 1, waiting_reason = NULL, holds_stock = true, updated_at = changed_at
      FROM (SELECT DISTINCT order_id FROM inserted_allocations) AS p
     WHERE o.order_id = p.order_id;
    RETURN QUERY SELECT * FROM unnest(locked_order_ids);
END
$$;
