-- Moves a batch of events from the outbox into the log, and creates partitions if requested. Returns the number of
-- moved events (null if another sequencer is running) and the newest position.
CREATE FUNCTION sequence_events(max_events integer, should_extend_log boolean, OUT moved_count integer, OUT newest_position bigint)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    -- One sequencer runs at a time; the others do not wait.
    IF NOT pg_try_advisory_xact_lock(7302, 2) THEN
        RETURN;
    END IF;
    IF should_extend_log THEN
        PERFORM create_log_partitions(2);
    END IF;
    moved_count := 0;
    IF EXISTS (SELECT FROM outbox) THEN
        -- New orders assign positions, too (try_append_directly). Their transactions are short, and they do not overtake a
        -- waiting sequencer.
        PERFORM pg_advisory_xact_lock(7302, 0);
        moved_count := append_outbox_events(max_events);
    END IF;
    newest_position := (SELECT last_value FROM event_position);
END
$$;
