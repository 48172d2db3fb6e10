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
