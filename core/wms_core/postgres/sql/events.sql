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

-- name: outbox_size
-- How large the outbox is, with what it left behind, in bytes.
SELECT pg_total_relation_size('outbox')

-- name: lock_briefly
-- Lets no statement of this transaction wait for a lock for long: whoever comes later waits behind it.
SELECT set_config('lock_timeout', '50ms', true)

-- name: close_outbox
-- Waits for those who write events and keeps others out, until the end of the transaction.
LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE

-- name: empty_outbox
-- Gives the outbox's room back; the caller has closed it and moved every row.
TRUNCATE outbox

-- name: bounds
-- Where the log begins, which the catalog knows, and where it ends.
SELECT event_log_oldest() AS oldest, greatest(event_log_oldest(), max(position)) AS newest FROM order_events

-- name: drop_oldest
-- Drops the oldest partition when nobody needs it any more.
SELECT drop_oldest_events($1)
