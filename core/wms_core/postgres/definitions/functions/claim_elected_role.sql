-- Takes the role by a new epoch for whoever won an election, unless a later election was won by another.
-- Returns the epoch, or null. The same token may claim again: the answer to the first claim may be lost.
-- The caller holds the role's advisory lock exclusively and in an earlier statement.
CREATE FUNCTION claim_elected_role(wanted_role text, claimant text, folder bigint, node bigint) RETURNS bigint
LANGUAGE sql AS $$
    UPDATE worker_roles
       SET epoch = epoch + 1, worker_id = claimant, claimed_at = clock_timestamp(),
           heartbeat_at = clock_timestamp(), election_folder = folder, election_node = node
     WHERE role = wanted_role
       AND (election_folder IS NULL OR (election_folder, election_node) <= (folder, node))
    RETURNING epoch
$$;
