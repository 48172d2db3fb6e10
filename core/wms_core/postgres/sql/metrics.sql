-- What is measured: the event log summed up, and how much of everything waits.

-- name: newest_position
-- Where the log ends.
SELECT coalesce(max(position), 0) FROM order_events

-- name: tally
-- Sums up the stretch of the log after a position by what its events tell: `detail` is the one fact of a type that
-- is counted apart, `retried` says of an end (or a further failure) that it is that of a retry. Of first shipments
-- also how long their orders waited for them. LIMIT 1 keeps the planner from reading all orders to join a few.
WITH stretch AS MATERIALIZED (
    SELECT position, type, order_id, sequence, occurred_at, from_status, to_status, payload
      FROM order_events WHERE position > $1 ORDER BY position LIMIT $2
), told AS (
    SELECT s.*,
           CASE s.type WHEN 'wms.order.received' THEN s.payload ->> 'priority'
                       WHEN 'wms.order.retry-scheduled' THEN s.payload ->> 'failureStatus'
                       WHEN 'wms.order.moved-to-dlq' THEN s.payload ->> 'finalFailureStatus'
                       WHEN 'wms.order.dlq-resolved' THEN s.payload ->> 'resolution' END AS detail,
           s.type = 'wms.order.shipped' AND s.to_status IS NOT NULL AS first_shipment,
           s.type IN ('wms.order.retry-scheduled', 'wms.order.moved-to-dlq', 'wms.order.cancelled')
               AND s.from_status NOT IN ('pending_retry', 'dead_letter') AS stopped_work
      FROM stretch s
)
SELECT s.type, s.from_status, s.to_status, s.detail,
       (s.first_shipment OR s.stopped_work) AND CASE s.type
           WHEN 'wms.order.retry-scheduled' THEN o.life > 1 OR (s.payload ->> 'retryNumber')::integer > 1
           -- The last failure is counted in it, unless somebody moved the order there.
           WHEN 'wms.order.moved-to-dlq' THEN EXISTS (
               SELECT FROM order_events e
                WHERE e.order_id = s.order_id AND e.sequence < s.sequence AND e.type = 'wms.order.retry-started')
           ELSE o.life > 1 OR o.retry_count > 0 END AS retried,
       count(*) AS events, max(s.position) AS newest,
       array_agg(o.priority) FILTER (WHERE s.first_shipment AND o.priority IS NOT NULL) AS priorities,
       array_agg(extract(epoch FROM s.occurred_at - o.created_at)::float8)
           FILTER (WHERE s.first_shipment AND o.priority IS NOT NULL) AS seconds
  FROM told s
  LEFT JOIN LATERAL (
      SELECT o.priority, o.created_at, o.life, o.retry_count FROM orders o
       WHERE (s.first_shipment OR s.stopped_work) AND o.order_id = s.order_id
       LIMIT 1) AS o ON true
 GROUP BY 1, 2, 3, 4, 5

-- name: waiting
-- How many orders wait and why. Statuses are named so that finished orders are not read; of the shipped ones
-- only those that are owed something are counted: for the others nothing is left to do here.
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

-- name: urgency
-- How many orders of each priority wait to be shipped, for how long, and how many for too long.
SELECT o.priority, count(*) AS orders,
       count(*) FILTER (WHERE o.created_at < $1::timestamptz - t.limit_of_age) AS too_long,
       count(*) FILTER (WHERE o.promised_delivery_at < $1) AS overdue,
       extract(epoch FROM $1 - min(o.created_at))::float8 AS oldest
  FROM orders o JOIN unnest($2::text[], $3::interval[]) AS t (priority, limit_of_age) USING (priority)
 WHERE o.status IN ('received', 'validated', 'assigned_to_wave', 'picking', 'packing', 'pending_retry')
 GROUP BY o.priority

-- name: queues
-- How much waits in each of the other queues, and the age of the oldest; a very long outbox is not counted out.
SELECT d.dead_letters, d.dead_letters_oldest, b.backorders, b.backordered_units, b.backorders_oldest,
       m.moves, m.moves_oldest,
       (SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) AS o) AS outbox,
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

-- name: roles
-- Which epoch each role is at, and for how long nobody has held it: from the last sign of life on, once that is not
-- fresh any more or the role was given up. Roles that nobody ever held are not told.
SELECT r.role, r.epoch,
       CASE WHEN h.role IS NOT NULL THEN 0
            ELSE greatest(extract(epoch FROM clock_timestamp() - greatest(r.heartbeat_at, r.claimed_at))::float8, 0)
       END AS without_holder
  FROM worker_roles r LEFT JOIN held_roles h USING (role)
 WHERE greatest(r.heartbeat_at, r.claimed_at) IS NOT NULL
 ORDER BY r.role

-- name: relay
-- How far the relay is behind the log. Positions are nearly without gaps, so that their distance is a count.
SELECT p.position, greatest((SELECT coalesce(max(position), 0) FROM order_events) - p.position, 0) AS lag,
       coalesce((SELECT greatest(extract(epoch FROM $1 - e.occurred_at)::float8, 0) FROM order_events e
                  WHERE e.position > p.position ORDER BY e.position LIMIT 1), 0) AS lag_seconds
  FROM relay_positions p WHERE p.relay = 'kafka'
