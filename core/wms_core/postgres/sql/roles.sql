-- The role of a worker replica and its fence.

-- name: fence
-- First statement of every transaction of the active replica.
SELECT fence($1, $2)

-- name: role
-- Who holds a role, and for how long its heartbeat has been silent.
SELECT lock_key, epoch, worker_id, claimed_at, heartbeat_at,
       clock_timestamp() - heartbeat_at AS silent
  FROM worker_roles WHERE role = $1

-- name: lock
-- Waits until no transaction of the old holder is under way.
SELECT pg_advisory_xact_lock(7301, $1)

-- name: holders
-- Ends the sessions that still hold the fence of a role.
SELECT pg_terminate_backend(pid)
  FROM pg_locks
 WHERE locktype = 'advisory' AND classid = 7301 AND objid = $1 AND objsubid = 2 AND mode = 'ShareLock'
   AND granted AND pid <> pg_backend_pid()
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: claim
-- Takes the role by a new epoch, unless another worker's heartbeat is fresh.
SELECT claim_role($1, $2, $3)

-- name: claim_elected
-- Takes the role by a new epoch, unless a later election was won by another.
SELECT claim_elected_role($1, $2, $3, $4)

-- name: heartbeat
-- The holder is alive; gives nothing when it is the holder no more.
UPDATE worker_roles SET heartbeat_at = clock_timestamp() WHERE role = $1 AND epoch = $2 RETURNING 1

-- name: release
-- Gives the role up, if it is still held. The last heartbeat stays, for those who ask since when nobody acts.
UPDATE worker_roles SET worker_id = NULL, heartbeat_at = clock_timestamp() WHERE role = $1 AND epoch = $2

-- name: held
-- Whether a worker holds the role and was alive lately.
SELECT EXISTS (SELECT FROM held_roles WHERE role = $1)
