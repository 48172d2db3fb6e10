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

-- The sequencer's work. Gives how many events it moved, null when another sequencer is at it, and the newest
-- position of all.
CREATE FUNCTION sequence_events(most integer, look_ahead boolean, OUT moved integer, OUT newest bigint)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
        -- Who gives positions: new orders too (turn_to_tell). Those end soon, and don't get ahead of who waits.
        PERFORM pg_advisory_xact_lock(7302, 0);
        moved := move_events(most);
    END IF;
    newest := (SELECT last_value FROM event_position);
END
$$;

-- Says whether the caller's transaction may put its events into the log itself: nobody else gives positions until
-- it ends, and what was in the outbox before has its own. The few that wait there are moved here, 64 or as many as the
-- caller has itself; where more do, the caller's wait behind them.
-- A caller who has many waits for its turn, for it would take it longer to write them twice; but not for who is stuck.
CREATE FUNCTION turn_to_tell(own integer) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off SET lock_timeout = '1s' AS $$
DECLARE
    few CONSTANT integer := greatest(own, 64);
    waiting integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7302, 0) THEN
        IF own < 64 THEN
            RETURN false;
        END IF;
        BEGIN
            PERFORM pg_advisory_xact_lock(7302, 0);
        EXCEPTION WHEN lock_not_available THEN
            RETURN false;
        END;
    END IF;
    waiting := (SELECT count(*) FROM (SELECT FROM outbox ORDER BY id LIMIT few + 1) AS o);
    IF waiting BETWEEN 1 AND few THEN
        PERFORM move_events(few);
    END IF;
    RETURN waiting <= few;
END
$$;
