-- Drops the oldest partition of the log and gives its name; null when it is still needed: its newest event is not
-- old enough, it may still be filled, a relay has not passed it, or an event in it is parked.
-- It works under the sequencer's lock, so that nothing is added meanwhile. The drop keeps readers out for as long as
-- it waits for those at work, so the caller sets a short lock_timeout and tries again later.
CREATE FUNCTION drop_oldest_events(kept interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    size    CONSTANT bigint := 1000000;
    first   bigint := (event_log_oldest() + size - 1) / size * size;  -- its lowest position
    after   bigint := first + size;                                   -- the lowest of the next
    name    text := 'order_events_p' || lpad((first / size)::text, 6, '0');
    newest  timestamptz;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7302, 0) THEN
        RETURN NULL;
    END IF;
    IF (SELECT last_value < after FROM event_position)
       OR EXISTS (SELECT FROM relay_positions WHERE position < after - 1)
       OR EXISTS (SELECT FROM parked_events WHERE position < after) THEN
        RETURN NULL;
    END IF;
    newest := (SELECT occurred_at FROM order_events WHERE position < after ORDER BY position DESC LIMIT 1);
    IF newest > clock_timestamp() - kept THEN
        RETURN NULL;
    END IF;
    EXECUTE format('DROP TABLE %I', name);
    RETURN name;
END
$$;
