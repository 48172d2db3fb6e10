-- Raises an error if the role has another epoch. This is the first statement of every transaction of the active
-- replica. The lock is taken in a separate statement, so that the epoch is read with a snapshot taken after it.
CREATE FUNCTION check_fence(role_name text, expected_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    current_epoch bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7301, r.lock_key) FROM worker_roles r WHERE r.role = role_name;
    SELECT r.epoch INTO current_epoch FROM worker_roles r WHERE r.role = role_name;
    IF current_epoch IS DISTINCT FROM expected_epoch THEN
        RAISE EXCEPTION 'role % is at epoch %, not %', role_name, current_epoch, expected_epoch
            USING ERRCODE = 'WM001', DETAIL = coalesce(current_epoch::text, 'none');
    END IF;
END
$$;
