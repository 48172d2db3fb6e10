-- Replicas of the worker: what they report, what they are told.

-- name: report
-- A replica is there; its latest epoch in a role never goes back. Roles it does not stand for any more are forgotten.
WITH me AS (
    INSERT INTO workers (worker_id, host, version, started_at, heartbeat_at, last_cycle_at)
    VALUES ($1, $2, $3, $4, clock_timestamp(), $5)
        ON CONFLICT (worker_id) DO UPDATE
       SET host = $2, version = $3, started_at = $4, heartbeat_at = clock_timestamp(),
           last_cycle_at = coalesce($5, workers.last_cycle_at)
), left_roles AS (
    DELETE FROM worker_parts WHERE worker_id = $1 AND role <> ALL ($8::text[])
)
INSERT INTO worker_parts (worker_id, role, epoch) VALUES ($1, $6, $7)
    ON CONFLICT (worker_id, role) DO UPDATE SET epoch = greatest(worker_parts.epoch, $7)

-- name: forget
-- Replicas that have not reported for a day, unless they were told something that they have to find again.
DELETE FROM workers WHERE heartbeat_at < clock_timestamp() - interval '1 day' AND mode = 'auto'

-- name: told
-- What a replica was told about a role. It abstains from what it handed over until another has it; for half a
-- minute at most, and only while there is another.
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

-- name: page
-- Replicas after an id that reported in the last minute.
SELECT * FROM workers
 WHERE worker_id > $1 AND heartbeat_at > clock_timestamp() - interval '1 min'
 ORDER BY worker_id LIMIT $2

-- name: worker
-- A replica that reported in the last minute, or was told to stay passive.
SELECT * FROM workers
 WHERE worker_id = $1 AND (heartbeat_at > clock_timestamp() - interval '1 min' OR mode = 'passive')

-- name: parts
-- The parts of replicas in roles, with how long they have been held and when that was last confirmed.
SELECT p.worker_id, p.role, coalesce(h.epoch, p.epoch) AS epoch, clock_timestamp() - h.claimed_at AS held_for,
       clock_timestamp() - h.heartbeat_at AS lease_age
  FROM worker_parts p LEFT JOIN held_roles h USING (role, worker_id)
 WHERE p.worker_id = ANY ($1::text[])
 ORDER BY p.worker_id, p.role

-- name: set_mode
-- Tells a replica whether to take part.
UPDATE workers SET mode = $2 WHERE worker_id = $1

-- name: holder
-- Who holds a role: no row for a role that does not exist, null when nobody does.
SELECT h.worker_id FROM worker_roles r LEFT JOIN held_roles h USING (role) WHERE r.role = $1

-- name: ask_to_step_down
-- Asks whoever holds a role now to hand it over.
UPDATE worker_roles SET step_down_epoch = epoch, step_down_at = clock_timestamp() WHERE role = $1
