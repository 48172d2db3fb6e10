-- Claims the role with a new epoch for the winner of an election, unless the winner of a later election has claimed it.
-- Returns the epoch, or null. The same token may claim again, because the response to the first claim may be lost.
-- The caller has taken the role's advisory lock exclusively in an earlier statement.
CREATE FUNCTION claim_elected_role(role_name text, claiming_worker_id text, token_folder bigint, token_node bigint) RETURNS bigint
LANGUAGE sql AS $$
    UPDATE worker_roles
       SET epoch = epoch + 1, worker_id = claiming_worker_id, claimed_at = clock_timestamp(),
           heartbeat_at = clock_timestamp(), election_folder = token_folder, election_node = token_node
     WHERE role = role_name
       AND (election_folder IS NULL OR (election_folder, election_node) <= (token_folder, token_node))
    RETURNING epoch
$$;
