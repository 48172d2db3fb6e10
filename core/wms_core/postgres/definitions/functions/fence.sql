-- The first statement of every transaction of the active replica. The lock is waited for in a statement of
-- its own, so that the epoch is read by a snapshot taken after it.
CREATE FUNCTION fence(wanted_role text, wanted_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    current_epoch bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7301, r.lock_key) FROM worker_roles r WHERE r.role = wanted_role;
    SELECT r.epoch INTO current_epoch FROM worker_roles r WHERE r.role = wanted_role;
    IF current_epoch IS DISTINCT FROM wanted_epoch THEN
        RAISE EXCEPTION 'role % is at epoch %, not %', wanted_role, current_epoch, wanted_epoch
            USING ERRCODE = 'WM001', DETAIL = coalesce(current_epoch::text, 'none');
    END IF;
END
$$;
