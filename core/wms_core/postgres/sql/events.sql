-- The outbox, the sequencer and the log.

-- name: try_lock
-- One sequencer at a time.
SELECT pg_try_advisory_xact_lock(7302, 0)

-- name: sequence
-- Moves committed events into the log in order of their ids, which were drawn under their orders' locks.
WITH b AS (
    DELETE FROM outbox WHERE ctid = ANY (ARRAY (SELECT ctid FROM outbox ORDER BY id LIMIT $1))
    RETURNING *
), moved AS (
    INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, from_status,
                              to_status, warehouse_id, actor, correlation_id, wave_number, workflow_id,
                              traceparent, payload)
    SELECT nextval('event_position'), s.event_id, s.order_id, s.sequence, s.version, s.type, s.occurred_at,
           s.from_status, s.to_status, s.warehouse_id, s.actor, s.correlation_id, s.wave_number,
           s.workflow_id, s.traceparent, s.payload
      FROM (SELECT * FROM b ORDER BY id) AS s
    RETURNING position
)
SELECT count(*) AS moved, max(position) AS newest FROM moved

-- name: extend
-- Makes the next partitions of the log.
SELECT extend_event_log(2)
