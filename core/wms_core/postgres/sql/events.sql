-- The outbox, the sequencer and the event log.

-- name: try_lock_sequencer
-- Admits one sequencer at a time; `sequence_events` takes the same lock.
SELECT pg_try_advisory_xact_lock(7302, 2)

-- name: sequence_events
-- Moves committed events into the log; the count is null if another sequencer is running.
SELECT moved_count, newest_position FROM sequence_events($1, $2)

-- name: get_outbox_size
-- Returns the size of the outbox in bytes, including dead rows.
SELECT pg_total_relation_size('outbox')

-- name: limit_lock_wait
-- Limits the lock waits of this transaction, because later transactions queue behind a waiting statement.
SELECT set_config('lock_timeout', '50ms', true)

-- name: lock_outbox
-- Waits for current writers of the outbox and blocks new ones until the end of the transaction.
LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE

-- name: truncate_outbox
-- Frees the space of the outbox. The caller has locked it and moved every row.
TRUNCATE outbox

-- name: read_bounds
-- Returns the oldest position (from the catalog) and the newest position of the log.
SELECT get_oldest_log_position() AS oldest, greatest(get_oldest_log_position(), max(position)) AS newest FROM order_events

-- name: drop_oldest_partition
-- Drops the oldest partition if it is not needed any more.
SELECT drop_oldest_log_partition($1)
