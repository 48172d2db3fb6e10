-- Which worker replica acts, and the fence that keeps every other one out (docs/adr/0005).

CREATE TABLE worker_roles (
    role         text PRIMARY KEY,
    lock_key     integer NOT NULL UNIQUE,
    epoch        bigint NOT NULL DEFAULT 0,
    worker_id    text,
    claimed_at   timestamptz,
    heartbeat_at timestamptz
);
INSERT INTO worker_roles (role, lock_key) VALUES ('fulfillment', 1), ('relay', 2);

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

-- Takes the role by a new epoch, unless another worker's heartbeat is fresh. Returns the epoch, or null.
-- The caller holds the role's advisory lock exclusively and in an earlier statement.
CREATE FUNCTION claim_role(wanted_role text, claimant text, lease interval) RETURNS bigint LANGUAGE sql AS $$
    UPDATE worker_roles
       SET epoch = epoch + 1, worker_id = claimant, claimed_at = clock_timestamp(),
           heartbeat_at = clock_timestamp()
     WHERE role = wanted_role
       AND (worker_id IS NULL OR worker_id = claimant OR heartbeat_at < clock_timestamp() - lease)
    RETURNING epoch
$$;
