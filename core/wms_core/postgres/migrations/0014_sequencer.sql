-- The sequencer's work as one call: a look into an empty outbox is one round trip, and so is a batch
-- (docs/adr/0004). The lock is taken by a statement of its own, so the rows are read by a later snapshot.
--
-- The plan is made once a session, perhaps while the outbox is empty and without statistics: it must not be one
-- that reads all of it when it is long.
CREATE FUNCTION sequence_events(most integer, look_ahead boolean, OUT moved integer, OUT newest bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
BEGIN
    moved := 0;
    IF NOT pg_try_advisory_xact_lock(7302, 0) THEN
        RETURN;
    END IF;
    IF look_ahead THEN
        PERFORM extend_event_log(2);
    END IF;
    -- In order of their ids, which were drawn under their orders' locks.
    WITH b AS (
        DELETE FROM outbox WHERE ctid = ANY (ARRAY (SELECT ctid FROM outbox ORDER BY id LIMIT most))
        RETURNING *
    ), logged AS (
        INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, from_status,
                                  to_status, warehouse_id, actor, correlation_id, wave_number, workflow_id,
                                  traceparent, payload)
        SELECT nextval('event_position'), s.event_id, s.order_id, s.sequence, s.version, s.type, s.occurred_at,
               s.from_status, s.to_status, s.warehouse_id, s.actor, s.correlation_id, s.wave_number,
               s.workflow_id, s.traceparent, s.payload
          FROM (SELECT * FROM b ORDER BY id) AS s
        RETURNING position
    )
    SELECT count(*), max(position) INTO moved, newest FROM logged;
    -- New partitions come long before they are needed: a batch is less than a hundred thousand positions.
    IF newest / 100000 <> (newest - moved) / 100000 THEN
        PERFORM extend_event_log(2);
    END IF;
END
$$;
