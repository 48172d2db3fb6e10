-- Promises what was planned to orders that are still as they were planned for, if all carriers of an order can still
-- keep it; a carrier gets the target of its first allocation. Gives those orders, also such as the plan had nothing for.
CREATE FUNCTION promise_stock(
    fence_role text, fence_epoch bigint, ids text[], versions integer[], order_ids text[], line_numbers integer[],
    carrier_ids text[], target_ids text[], quantities integer[], moment timestamptz)
RETURNS SETOF text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    found_ids text[];
    late_ids text[];
BEGIN
    PERFORM fence(fence_role, fence_epoch);
    found_ids := ARRAY (
        SELECT o.order_id
          FROM (SELECT * FROM unnest(ids, versions) AS n (order_id, version) ORDER BY order_id COLLATE "C") AS n
         CROSS JOIN LATERAL (SELECT order_id, version, status FROM orders WHERE order_id = n.order_id OFFSET 0
                                FOR UPDATE SKIP LOCKED) AS o
         WHERE o.status = 'assigned_to_wave' AND o.version = n.version);
    -- Somebody was faster with one of their carriers; the next cycle finds them another.
    late_ids := ARRAY (
        WITH asked AS MATERIALIZED (
            SELECT a.*
              FROM unnest(order_ids, carrier_ids, target_ids, quantities)
                AS a (order_id, carrier_id, target_id, quantity)
              JOIN unnest(found_ids) AS f (order_id) USING (order_id)
        ), lost AS MATERIALIZED (
            SELECT l.carrier_id
              FROM (SELECT array_agg(carrier_id) AS carrier_ids, array_agg(target_id) AS target_ids,
                           array_agg(quantity) AS quantities FROM asked) AS a
             CROSS JOIN LATERAL lost_carriers(a.carrier_ids, a.target_ids, a.quantities) AS l (carrier_id)
        )
        SELECT DISTINCT a.order_id FROM asked a JOIN lost USING (carrier_id));
    IF cardinality(late_ids) > 0 THEN
        found_ids := ARRAY (SELECT * FROM unnest(found_ids) EXCEPT SELECT * FROM unnest(late_ids));
    END IF;
    WITH promised AS (
        INSERT INTO allocations (order_id, line_number, carrier_id, target_id, quantity, status, created_at)
        SELECT a.order_id, a.line_number, a.carrier_id, a.target_id, a.quantity, 'live', moment
          FROM unnest(order_ids, line_numbers, carrier_ids, target_ids, quantities)
            AS a (order_id, line_number, carrier_id, target_id, quantity)
          JOIN unnest(found_ids) AS f (order_id) USING (order_id)
        RETURNING order_id, line_number, carrier_id, target_id, quantity
    ), reserved AS (
        UPDATE carriers c SET allocated = c.allocated + p.quantity, destination_id = p.target_id, updated_at = moment
          FROM (SELECT carrier_id, target_id, sum(quantity) AS quantity FROM promised GROUP BY carrier_id, target_id) AS p
         WHERE c.carrier_id = p.carrier_id
    ), lines AS (
        UPDATE order_items i SET allocated = i.allocated + p.quantity
          FROM (SELECT order_id, line_number, sum(quantity) AS quantity
                  FROM promised GROUP BY order_id, line_number) AS p
         WHERE i.order_id = p.order_id AND i.line_number = p.line_number
    )
    UPDATE orders o SET version = o.version + 1, waiting_reason = NULL, holds_stock = true, updated_at = moment
      FROM (SELECT DISTINCT order_id FROM promised) AS p
     WHERE o.order_id = p.order_id;
    RETURN QUERY SELECT * FROM unnest(found_ids);
END
$$;
