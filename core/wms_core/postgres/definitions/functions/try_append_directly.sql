-- Returns whether the caller's transaction may write its events into the log directly. If true, no other transaction
-- assigns positions until it ends, and all events that were in the outbox have positions. Up to 64 waiting events,
-- or as many as the caller has, are moved to the log here. If more are waiting, the caller's events go to the outbox
-- behind them. A caller with at least 64 events waits up to a second for the lock, because it would take longer to
-- write its events twice.
CREATE FUNCTION try_append_directly(own_events integer) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off SET lock_timeout = '1s' AS $$
DECLARE
    max_waiting_events CONSTANT integer := greatest(own_events, 64);
    waiting_events integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7302, 0) THEN
        IF own_events < 64 THEN
            RETURN false;
        END IF;
        BEGIN
            PERFORM pg_advisory_xact_lock(7302, 0);
        EXCEPTION WHEN lock_not_available THEN
            RETURN false;
        END;
    END IF;
    waiting_events := (SELECT count(*) FROM (SELECT FROM outbox ORDER BY id LIMIT max_waiting_events + 1) AS o);
    IF waiting_events BETWEEN 1 AND max_waiting_events THEN
        PERFORM append_outbox_events(max_waiting_events);
    END IF;
    RETURN waiting_events <= max_waiting_events;
END
$$;
