-- Drops the oldest partition of the log and returns its name. Returns null if it is still needed: its newest event is
-- within the retention, it may still be filled, a relay has not passed it, or an event in it is parked.
-- The function holds the sequencer's lock, so that no events are added meanwhile. While the drop waits for current
-- readers, it blocks new readers; the caller therefore sets a short lock_timeout and tries again later.
CREATE FUNCTION drop_oldest_log_partition(retention_period interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    partition_size    CONSTANT bigint := 1000000;
    first_position   bigint := (get_oldest_log_position() + partition_size - 1) / partition_size * partition_size;  -- of this partition
    next_first_position   bigint := first_position + partition_size;                                   -- of the next one
    partition_name    text := 'order_events_p' || lpad((first_position / partition_size)::text, 6, '0');
    newest_event_at  timestamptz;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7302, 0) THEN
        RETURN NULL;
    END IF;
    IF (SELECT last_value < next_first_position FROM event_position)
       OR EXISTS (SELECT FROM relay_positions WHERE position < next_first_position - 1)
       OR EXISTS (SELECT FROM parked_events WHERE position < next_first_position) THEN
        RETURN NULL;
    END IF;
    newest_event_at := (SELECT occurred_at FROM order_events WHERE position < next_first_position ORDER BY position DESC LIMIT 1);
    IF newest_event_at > clock_timestamp() - retention_period THEN
        RETURN NULL;
    END IF;
    EXECUTE format('DROP TABLE %I', partition_name);
    RETURN partition_name;
END
$$;
