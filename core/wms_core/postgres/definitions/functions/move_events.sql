-- Positions are given by functions, so that a look into an empty outbox is one round trip, and so is a batch
-- (docs/adr/0004). Locks are taken by statements of their own, so the rows are read by a later snapshot.
--
-- Plans are made once a session, perhaps while the outbox is empty and without statistics: they must not be ones
-- that read all of it when it is long.

-- Moves the first events of the outbox into the log, and says how many. The caller holds the lock (7302, 0).
CREATE FUNCTION move_events(most integer) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
    moved integer;
BEGIN
    -- In order of their ids, which were drawn under their orders' locks.
    WITH b AS (
        DELETE FROM outbox WHERE ctid = ANY (ARRAY (SELECT ctid FROM outbox ORDER BY id LIMIT most))
        RETURNING *
    ), logged AS (
        INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at,
                                  from_status, to_status, warehouse_id, actor, correlation_id, wave_number,
                                  workflow_id, traceparent, payload)
        SELECT nextval('event_position'), s.event_id, s.order_id, s.sequence, s.version, s.type, s.occurred_at,
               s.from_status, s.to_status, s.warehouse_id, s.actor, s.correlation_id, s.wave_number,
               s.workflow_id, s.traceparent, s.payload
          FROM (SELECT * FROM b ORDER BY id) AS s
        RETURNING position
    )
    SELECT count(*) INTO moved FROM logged;
    RETURN moved;
END
$$;
