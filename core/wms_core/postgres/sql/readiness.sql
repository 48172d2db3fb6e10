-- Queries of the readiness check.

-- name: get_dependencies
-- Returns whether this session can write, and the last reported state of Kafka. A report is stale after ten seconds; the
-- state is unknown from then on. The backlog is the number of events after the relay's position.
SELECT pg_is_in_recovery() AS in_recovery, current_setting('transaction_read_only')::boolean AS read_only,
       CASE WHEN r.relay IS NULL THEN 'no_relay' WHEN r.fresh THEN r.state ELSE 'unknown' END AS kafka_state,
       CASE WHEN r.fresh THEN r.since ELSE r.reported_at END AS kafka_since,
       (SELECT greatest((SELECT coalesce(max(position), 0) FROM order_events) - p.position, 0)
          FROM relay_positions p WHERE p.relay = 'kafka') AS kafka_backlog
  FROM (SELECT) AS session
  LEFT JOIN LATERAL (SELECT *, reported_at > clock_timestamp() - interval '10 s' AS fresh
                       FROM relay_reports WHERE relay = 'kafka') AS r ON true

-- name: truncate_space_probe
-- Creates a new file for the table until the rollback, because free space in the old file proves nothing.
TRUNCATE space_probe

-- name: fill_space_probe
-- Allocates a quarter of a megabyte.
INSERT INTO space_probe SELECT repeat('0', 8000) FROM generate_series(1, 32)
