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
