-- Measurements for metrics: counts of the event log, and the sizes of the queues.

-- name: read_newest_position
-- Returns the newest position of the log.
SELECT coalesce(max(position), 0) FROM order_events

-- name: count_events
-- Counts the next events after a position in groups. `detail` is the field by which a type is counted separately.
-- `retried` says that an event is the outcome of a retry. For first shipments it also returns the time since the order's
-- creation. With LIMIT 1 the planner does not read all orders to join a few.
WITH logged_events AS MATERIALIZED (
    SELECT position, type, order_id, sequence, occurred_at, from_status, to_status, payload
      FROM order_events WHERE position > $1 ORDER BY position LIMIT $2
), classified_events AS (
    SELECT s.*,
           CASE s.type WHEN 'wms.order.received' THEN s.payload ->> 'priority'
                       WHEN 'wms.order.retry-scheduled' THEN s.payload ->> 'failureStatus'
                       WHEN 'wms.order.moved-to-dlq' THEN s.payload ->> 'finalFailureStatus'
                       WHEN 'wms.order.dlq-resolved' THEN s.payload ->> 'resolution' END AS detail,
           s.type = 'wms.order.shipped' AND s.to_status IS NOT NULL AS is_first_shipment,
           s.type IN ('wms.order.retry-scheduled', 'wms.order.moved-to-dlq', 'wms.order.cancelled')
               AND s.from_status NOT IN ('pending_retry', 'dead_letter') AS is_failure
      FROM logged_events s
)
SELECT s.type, s.from_status, s.to_status, s.detail,
       (s.is_first_shipment OR s.is_failure) AND CASE s.type
           WHEN 'wms.order.retry-scheduled' THEN o.retry_generation > 1 OR (s.payload ->> 'retryNumber')::integer > 1
           -- The last failure is included, unless a call moved the order there.
           WHEN 'wms.order.moved-to-dlq' THEN EXISTS (
               SELECT FROM order_events e
                WHERE e.order_id = s.order_id AND e.sequence < s.sequence AND e.type = 'wms.order.retry-started')
           ELSE o.retry_generation > 1 OR o.retry_count > 0 END AS retried,
       count(*) AS events, max(s.position) AS newest,
       array_agg(o.priority) FILTER (WHERE s.is_first_shipment AND o.priority IS NOT NULL) AS priorities,
       array_agg(extract(epoch FROM s.occurred_at - o.created_at)::float8)
           FILTER (WHERE s.is_first_shipment AND o.priority IS NOT NULL) AS seconds
  FROM classified_events s
  LEFT JOIN LATERAL (
      SELECT o.priority, o.created_at, o.retry_generation, o.retry_count FROM orders o
       WHERE (s.is_first_shipment OR s.is_failure) AND o.order_id = s.order_id
       LIMIT 1) AS o ON true
 GROUP BY 1, 2, 3, 4, 5

-- name: count_waiting_orders
-- Returns the number of waiting orders by status and reason. The statuses are listed, so that finished orders are not
-- read. Of the shipped orders only those with open backorders are counted: the others only wait for their delivery.
SELECT status, reason, count(*) AS orders
  FROM waiting_orders
 WHERE status IN ('received', 'validated', 'assigned_to_wave', 'picking', 'packing', 'pending_retry', 'dead_letter')
 GROUP BY status, reason
UNION ALL
SELECT status, reason, count(*)
  FROM waiting_orders
 WHERE status = 'shipped'
   AND order_id = ANY (ARRAY (SELECT b.order_id FROM backorders b WHERE b.status IN ('open', 'in_progress')))
 GROUP BY status, reason

-- name: count_orders_by_priority
-- Returns for each priority the number of unshipped orders, the age of the oldest, and the number of late ones.
SELECT o.priority, count(*) AS orders,
       count(*) FILTER (WHERE o.created_at < $1::timestamptz - t.limit_of_age) AS too_long,
       count(*) FILTER (WHERE o.promised_delivery_at < $1) AS overdue,
       extract(epoch FROM $1 - min(o.created_at))::float8 AS oldest
  FROM orders o JOIN unnest($2::text[], $3::interval[]) AS t (priority, limit_of_age) USING (priority)
 WHERE o.status IN ('received', 'validated', 'assigned_to_wave', 'picking', 'packing', 'pending_retry')
 GROUP BY o.priority

-- name: measure_queues
-- Returns the size of each other queue and the age of its oldest entry. A very long outbox is counted up to a limit.
SELECT d.dead_letters, d.dead_letters_oldest, b.backorders, b.backordered_units, b.backorders_oldest,
       m.moves, m.moves_oldest,
       (SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) AS sampled_outbox) AS outbox,
       (SELECT extract(epoch FROM $1 - occurred_at)::float8 FROM outbox ORDER BY id LIMIT 1) AS outbox_oldest,
       (SELECT count(*) FROM active_pauses) AS pauses,
       (SELECT coalesce(max(position), 0) FROM order_events) AS log_position,
       (SELECT count(*) FROM parked_events) AS parked,
       (SELECT extract(epoch FROM $1 - min(parked_at))::float8 FROM parked_events) AS parked_oldest
  FROM (SELECT coalesce(sum(entries), 0)::bigint AS dead_letters,
               (SELECT extract(epoch FROM $1 - min(created_at))::float8 FROM dead_letter_entries
                 WHERE resolution IS NULL) AS dead_letters_oldest
          FROM dead_letter_counts WHERE resolution IS NULL) AS d,
       (SELECT count(*) AS backorders, coalesce(sum(quantity - quantity_fulfilled), 0)::bigint AS backordered_units,
               extract(epoch FROM $1 - min(created_at))::float8 AS backorders_oldest
          FROM backorders WHERE status IN ('open', 'in_progress')) AS b,
       (SELECT count(*) AS moves, extract(epoch FROM $1 - min(requested_at))::float8 AS moves_oldest
          FROM live_moves) AS m

-- name: measure_role_vacancies
-- Returns the epoch of each role and the seconds without a holder. They count from the last heartbeat, once it is too
-- old or the role was released. Roles without any holder so far are omitted.
SELECT r.role, r.epoch,
       CASE WHEN h.role IS NOT NULL THEN 0
            ELSE greatest(extract(epoch FROM clock_timestamp() - greatest(r.heartbeat_at, r.claimed_at))::float8, 0)
       END AS without_holder
  FROM worker_roles r LEFT JOIN held_roles h USING (role)
 WHERE greatest(r.heartbeat_at, r.claimed_at) IS NOT NULL
 ORDER BY r.role

-- name: measure_relay_lag
-- Returns the lag of the relay. Positions have hardly any gaps, so their difference is a count of events.
SELECT p.position, greatest((SELECT coalesce(max(position), 0) FROM order_events) - p.position, 0) AS lag,
       coalesce((SELECT greatest(extract(epoch FROM $1 - e.occurred_at)::float8, 0) FROM order_events e
                  WHERE e.position > p.position ORDER BY e.position LIMIT 1), 0) AS lag_seconds
  FROM relay_positions p WHERE p.relay = 'kafka'
