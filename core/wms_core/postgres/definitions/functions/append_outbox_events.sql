-- Rules for all functions that assign positions: a poll of an empty outbox is one round trip, and so is a batch
-- (docs/adr/0004). Locks are taken in separate statements, so that the rows are read with a later snapshot.
--
-- Plans are made once per session, possibly for an empty outbox without statistics. The planner settings prevent
-- plans that read the whole outbox when it is long.

-- Moves the first events of the outbox into the log and returns their number. The caller holds the lock (7302, 0).
CREATE FUNCTION append_outbox_events(max_events integer) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
    moved_count integer;
BEGIN
    -- In the order of their ids, which were assigned under the locks of their orders.
    WITH deleted_rows AS (
        DELETE FROM outbox WHERE ctid = ANY (ARRAY (SELECT ctid FROM outbox ORDER BY id LIMIT max_events))
        RETURNING *
    ), logged_events AS (
        INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at,
                                  from_status, to_status, warehouse_id, actor, correlation_id, wave_number,
                                  workflow_id, traceparent, payload)
        SELECT nextval('event_position'), s.event_id, s.order_id, s.sequence, s.version, s.type, s.occurred_at,
               s.from_status, s.to_status, s.warehouse_id, s.actor, s.correlation_id, s.wave_number,
               s.workflow_id, s.traceparent, s.payload
          FROM (SELECT * FROM deleted_rows ORDER BY id) AS s
        RETURNING position
    )
    SELECT count(*) INTO moved_count FROM logged_events;
    RETURN moved_count;
END
$$;
