-- The outbox, the sequencer and the log.

-- name: try_lock
-- One sequencer at a time; `sequence_events` takes the same lock.
SELECT pg_try_advisory_xact_lock(7302, 2)

-- name: sequence
-- Moves committed events into the log; null when another sequencer is at it.
SELECT moved, newest FROM sequence_events($1, $2)

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
