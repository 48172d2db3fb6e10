-- The sequencer's work as one call: a look into an empty outbox is one round trip, and so is a batch
-- (docs/adr/0004). Locks are taken by statements of their own, so the rows are read by a later snapshot.
--
-- Gives how many events it moved, null when another sequencer is at it, and the newest position of all.
-- The plan is made once a session, perhaps while the outbox is empty and without statistics: it must not be one
-- that reads all of it when it is long.
CREATE FUNCTION sequence_events(most integer, look_ahead boolean, OUT moved integer, OUT newest bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
BEGIN
    -- One sequencer looks at a time; none waits for another.
    IF NOT pg_try_advisory_xact_lock(7302, 2) THEN
        RETURN;
    END IF;
    IF look_ahead THEN
        PERFORM extend_event_log(2);
    END IF;
    moved := 0;
    IF EXISTS (SELECT FROM outbox) THEN
        -- Who gives positions: new orders too (orders.insert). Those end soon, and don't get ahead of who waits.
        PERFORM pg_advisory_xact_lock(7302, 0);
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
    END IF;
    newest := (SELECT last_value FROM event_position);
END
$$;
