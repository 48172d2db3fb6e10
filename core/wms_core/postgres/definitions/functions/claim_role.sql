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
