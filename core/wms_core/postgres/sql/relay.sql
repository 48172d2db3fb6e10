-- The relay: its position, its reads of the log, and its parked events.

-- name: start_reading
-- Registers a relay as a reader of the log, from the oldest event on.
INSERT INTO relay_positions (relay, position)
SELECT $1, coalesce((SELECT min(position) FROM order_events), 1) - 1
    ON CONFLICT DO NOTHING

-- name: get_position
-- Returns the position of a relay.
SELECT position FROM relay_positions WHERE relay = $1

-- name: save_position
-- Saves the position of a relay, which never decreases. The commit does not wait for the disk: after a crash of Postgres
-- the events since the last saved position are published again.
WITH commit_setting AS (
    SELECT set_config('synchronous_commit', CASE WHEN $3 THEN current_setting('synchronous_commit') ELSE 'off' END, true)
)
UPDATE relay_positions SET position = greatest(position, $2), saved_at = clock_timestamp()
  FROM commit_setting WHERE relay = $1

-- name: list_after
-- Returns the next events of the log, up to a number of rows and a number of stored bytes of payload.
SELECT position, order_id, event_id::text, sequence, type,
       to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS occurred_at,
       warehouse_id, correlation_id, wave_number, workflow_id, traceparent, payload::text
  FROM (SELECT *, sum(pg_column_size(payload))
                      OVER (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
          FROM order_events WHERE position > $1 ORDER BY position LIMIT $2) AS e
 WHERE coalesce(bytes_before, 0) < $3
 ORDER BY position

-- name: list_of_order
-- Returns the first events of an order from a sequence number up to a position.
SELECT position, order_id, event_id::text, sequence, type,
       to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS occurred_at,
       warehouse_id, correlation_id, wave_number, workflow_id, traceparent, payload::text
  FROM order_events
 WHERE order_id = $1 AND sequence >= $2 AND position <= $3
 ORDER BY sequence LIMIT $4

-- name: list_blocked_orders
-- Returns the orders whose events wait behind a parked event.
SELECT order_id FROM parked_events

-- name: park_events
-- Parks events that Kafka rejected.
INSERT INTO parked_events (position, event_id, order_id, last_error, parked_at, attempts)
SELECT p.position, p.event_id, p.order_id, p.last_error, clock_timestamp(), 1
  FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[]) AS p (position, event_id, order_id, last_error)

-- name: list_released
-- Returns released events, the oldest first.
SELECT p.position, p.order_id, e.sequence
  FROM parked_events p JOIN order_events e ON e.position = p.position
 WHERE p.released_at IS NOT NULL ORDER BY p.position LIMIT $1

-- name: delete_parked
-- Deletes a parked event that was published.
DELETE FROM parked_events WHERE position = $1

-- name: park_again
-- Parks a released event again, or in its place the first later event of its order that was rejected.
UPDATE parked_events
   SET position = $2, event_id = $3, parked_at = clock_timestamp(), released_at = NULL, last_error = $4,
       attempts = CASE WHEN position = $2 THEN attempts + 1 ELSE 1 END
 WHERE position = $1

-- name: list_parked
-- Returns parked events after a position, with the number of events that each blocks, up to a number of rows and a
-- number of bytes of payload.
SELECT p.*,
       (SELECT count(*) FROM order_events l WHERE l.order_id = p.order_id AND l.sequence > p.sequence) AS held_up
  FROM (SELECT e.*, q.parked_at, q.attempts, q.last_error,
               sum(octet_length(e.payload::text))
                   OVER (ORDER BY e.position ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING) AS bytes_before
          FROM parked_events q JOIN order_events e ON e.position = q.position
         WHERE q.position > $1 AND ($2 = '' OR q.order_id = $2)
         ORDER BY q.position LIMIT $3) AS p
 WHERE coalesce(p.bytes_before, 0) < $4
 ORDER BY p.position

-- name: release_parked_event
-- Releases a parked event, and returns its position.
UPDATE parked_events SET released_at = $2 WHERE event_id = $1 RETURNING position

-- name: report_state
-- Saves the state of a relay. Its start is kept if a recent report has the same state. The commit does not wait for the
-- disk.
WITH commit_setting AS (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO relay_reports AS r (relay, worker_id, state, since, reported_at)
SELECT $1, $2, $3, clock_timestamp(), clock_timestamp() FROM commit_setting
    ON CONFLICT (relay) DO UPDATE
   SET worker_id = $2, state = $3, reported_at = clock_timestamp(),
       since = CASE WHEN r.state = $3 AND r.reported_at > clock_timestamp() - interval '10 s' THEN r.since
                    ELSE clock_timestamp() END
