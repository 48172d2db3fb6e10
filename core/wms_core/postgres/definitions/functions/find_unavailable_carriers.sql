-- Locks load carriers with requested units, and returns those that do not have so many available units for their
-- destination.
CREATE FUNCTION find_unavailable_carriers(carrier_ids text[], target_ids text[], quantities integer[])
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
        OR EXISTS (SELECT FROM live_moves m WHERE m.carrier_id = c.carrier_id AND m.kind <> 'retrieve' OFFSET 0);
END
$$;
