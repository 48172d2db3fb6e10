-- Worker replicas: their reports, and the commands to them.

-- name: save_report
-- Saves the report of a replica. Its latest epoch in a role never decreases. Roles that it is no longer a candidate for
-- are deleted.
WITH reported_worker AS (
    INSERT INTO workers (worker_id, host, version, started_at, heartbeat_at, last_cycle_at)
    VALUES ($1, $2, $3, $4, clock_timestamp(), $5)
        ON CONFLICT (worker_id) DO UPDATE
       SET host = $2, version = $3, started_at = $4, heartbeat_at = clock_timestamp(),
           last_cycle_at = coalesce($5, workers.last_cycle_at)
), deleted_roles AS (
    DELETE FROM worker_parts WHERE worker_id = $1 AND role <> ALL ($8::text[])
)
INSERT INTO worker_parts (worker_id, role, epoch) VALUES ($1, $6, $7)
    ON CONFLICT (worker_id, role) DO UPDATE SET epoch = greatest(worker_parts.epoch, $7)

-- name: delete_expired
-- Deletes replicas that have not reported for a day, unless they are set to passive.
DELETE FROM workers WHERE heartbeat_at < clock_timestamp() - interval '1 day' AND mode = 'auto'

-- name: read_commands
-- Returns the commands to a replica for a role. After a step down the replica abstains until another replica has the
-- role, for at most half a minute, and only while there is another candidate.
SELECT w.mode = 'passive' AS passive,
       coalesce(r.step_down_epoch = r.epoch AND r.worker_id = w.worker_id, false) AS step_down,
       coalesce(r.step_down_epoch = r.epoch AND greatest(p.epoch, $3) = r.epoch
                AND r.step_down_at > clock_timestamp() - interval '30 s'
                AND EXISTS (SELECT FROM workers o JOIN worker_parts op USING (worker_id)
                             WHERE o.worker_id <> w.worker_id AND op.role = r.role AND o.mode = 'auto'
                               AND o.heartbeat_at > clock_timestamp() - interval '5 s'), false) AS abstain
  FROM workers w
  JOIN worker_roles r ON r.role = $2
  LEFT JOIN worker_parts p ON p.worker_id = w.worker_id AND p.role = r.role
 WHERE w.worker_id = $1

-- name: list_workers
-- Returns replicas after an id that reported in the last minute.
SELECT * FROM workers
 WHERE worker_id > $1 AND heartbeat_at > clock_timestamp() - interval '1 min'
 ORDER BY worker_id LIMIT $2

-- name: get_worker
-- Returns a replica that reported in the last minute or is set to passive.
SELECT * FROM workers
 WHERE worker_id = $1 AND (heartbeat_at > clock_timestamp() - interval '1 min' OR mode = 'passive')

-- name: list_roles
-- Returns the roles of replicas, with the time for which they are held and the age of the lease.
SELECT p.worker_id, p.role, coalesce(h.epoch, p.epoch) AS epoch, clock_timestamp() - h.claimed_at AS held_for,
       clock_timestamp() - h.heartbeat_at AS lease_age
  FROM worker_parts p LEFT JOIN held_roles h USING (role, worker_id)
 WHERE p.worker_id = ANY ($1::text[])
 ORDER BY p.worker_id, p.role

-- name: set_mode
-- Sets whether a replica takes part in elections.
UPDATE workers SET mode = $2 WHERE worker_id = $1

-- name: get_holder
-- Returns the holder of a role: null without a holder, no row if the role does not exist.
SELECT h.worker_id FROM worker_roles r LEFT JOIN held_roles h USING (role) WHERE r.role = $1

-- name: request_step_down
-- Asks the current holder of a role to release it.
UPDATE worker_roles SET step_down_epoch = epoch, step_down_at = clock_timestamp() WHERE role = $1
