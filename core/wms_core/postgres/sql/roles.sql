-- Worker roles and their fence.

-- name: check_fence
-- The first statement of every transaction of the active replica.
SELECT check_fence($1, $2)

-- name: get_role
-- Returns the holder of a role and the age of its heartbeat.
SELECT lock_key, epoch, worker_id, claimed_at, heartbeat_at,
       clock_timestamp() - heartbeat_at AS silent
  FROM worker_roles WHERE role = $1

-- name: lock_role
-- Waits until no transaction of the previous holder is in flight.
SELECT pg_advisory_xact_lock(7301, $1)

-- name: terminate_fence_holders
-- Terminates the sessions that still hold the fence's lock of a role.
SELECT pg_terminate_backend(pid)
  FROM pg_locks
 WHERE locktype = 'advisory' AND classid = 7301 AND objid = $1 AND objsubid = 2 AND mode = 'ShareLock'
   AND granted AND pid <> pg_backend_pid()
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: claim_role
-- Claims the role with a new epoch, unless another worker's heartbeat is within the lease.
SELECT claim_role($1, $2, $3)

-- name: claim_elected_role
-- Claims the role with a new epoch, unless the winner of a later election has claimed it.
SELECT claim_elected_role($1, $2, $3, $4)

-- name: record_heartbeat
-- Renews the lease of the holder; returns no row if another worker has the role.
UPDATE worker_roles SET heartbeat_at = clock_timestamp() WHERE role = $1 AND epoch = $2 RETURNING 1

-- name: release_role
-- Releases the role if it is still held. The last heartbeat is kept, because it shows since when there is no leader.
UPDATE worker_roles SET worker_id = NULL, heartbeat_at = clock_timestamp() WHERE role = $1 AND epoch = $2

-- name: is_role_held
-- Returns whether a worker has the role and a recent heartbeat.
SELECT EXISTS (SELECT FROM held_roles WHERE role = $1)
