-- Claims the role with a new epoch, unless another worker's heartbeat is within the lease. Returns the epoch, or null.
-- The caller has taken the role's advisory lock exclusively in an earlier statement.
CREATE FUNCTION claim_role(role_name text, claiming_worker_id text, lease interval) RETURNS bigint LANGUAGE sql AS $$
    UPDATE worker_roles
       SET epoch = epoch + 1, worker_id = claiming_worker_id, claimed_at = clock_timestamp(),
           heartbeat_at = clock_timestamp()
     WHERE role = role_name
       AND (worker_id IS NULL OR worker_id = claiming_worker_id OR heartbeat_at < clock_timestamp() - lease)
    RETURNING epoch
$$;
