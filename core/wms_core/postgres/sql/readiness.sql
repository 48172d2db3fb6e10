-- What readiness asks of the database.

-- name: dependencies
-- Whether this session may write, and how Kafka is as the relay last reported it. A report is stale after ten seconds;
-- its state is unknown since then. The backlog is the number of events behind the position of the relay.
SELECT pg_is_in_recovery() AS in_recovery, current_setting('transaction_read_only')::boolean AS read_only,
       CASE WHEN r.relay IS NULL THEN 'no_relay' WHEN r.fresh THEN r.state ELSE 'unknown' END AS kafka_state,
       CASE WHEN r.fresh THEN r.since ELSE r.reported_at END AS kafka_since,
       (SELECT greatest((SELECT coalesce(max(position), 0) FROM order_events) - p.position, 0)
          FROM relay_positions p WHERE p.relay = 'kafka') AS kafka_backlog
  FROM (SELECT) AS session
  LEFT JOIN LATERAL (SELECT *, reported_at > clock_timestamp() - interval '10 s' AS fresh
                       FROM relay_reports WHERE relay = 'kafka') AS r ON true

-- name: clear_space_probe
-- Gives the table a new file, which goes when the transaction is rolled back: what was free in the old one proves nothing.
TRUNCATE space_probe

-- name: fill_space_probe
-- Asks for a quarter of a megabyte of new space.
INSERT INTO space_probe SELECT repeat('0', 8000) FROM generate_series(1, 32)
