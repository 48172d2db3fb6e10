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

-- Locks carriers, of which units are wanted at destinations, and gives those that do not have so many free ones for there.
CREATE FUNCTION lost_carriers(carrier_ids text[], target_ids text[], quantities integer[])
RETURNS SETOF text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM (SELECT DISTINCT a.carrier_id COLLATE "C" AS carrier_id
                    FROM unnest(carrier_ids) AS a (carrier_id) ORDER BY 1) AS a
      CROSS JOIN LATERAL (SELECT FROM carriers WHERE carrier_id = a.carrier_id OFFSET 0 FOR UPDATE) AS c;
    RETURN QUERY
    SELECT s.carrier_id
      FROM (SELECT carrier_id, target_id, sum(quantity) AS units
              FROM unnest(carrier_ids, target_ids, quantities) AS a (carrier_id, target_id, quantity)
             GROUP BY carrier_id, target_id) AS s
     CROSS JOIN LATERAL (SELECT * FROM carriers WHERE carrier_id = s.carrier_id OFFSET 0) AS c
     WHERE c.status <> 'available' OR c.location = 'left' OR c.quantity - c.allocated < s.units
        OR c.destination_id <> s.target_id
        OR EXISTS (SELECT FROM moves m WHERE m.carrier_id = c.carrier_id AND m.kind <> 'retrieve'
                      AND m.status IN ('requested', 'claimed') OFFSET 0);
END
$$;

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
