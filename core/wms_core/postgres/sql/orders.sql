-- Orders with their lines, shipments, failures and events.

-- name: insert
-- Inserts new orders with their lines and events; gives those that it did not, with their warehouse if it is unknown.
-- Columns come as texts with a separator between the values (`new_orders`). A text of nothing is no value at all.
-- Where this statement is a transaction by itself and gets its turn, the events go into the log at once, else into the
-- outbox (docs/adr/0004); in the order in which they were given.
WITH asked AS (
    SELECT * FROM unnest(string_to_array($1, E'\x1F'), string_to_array($2, E'\x1F'), string_to_array($3, E'\x1F'),
                         string_to_array($4, E'\x1F'), $5::timestamptz[], string_to_array($6, E'\x1F')::boolean[],
                         string_to_array($7, E'\x1F')::json[], string_to_array($8, E'\x1F')::json[],
                         string_to_array($9, E'\x1F'), string_to_array($10, E'\x1F'), string_to_array($11, E'\x1F'),
                         string_to_array($12, E'\x1F'), string_to_array($13, E'\x1F'), $14::timestamptz[])
                  WITH ORDINALITY
        AS a (order_id, customer_id, warehouse_id, priority, promised_delivery_at, allow_partial, shipping_address,
              payload, actor, correlation_id, wave_number, workflow_id, traceparent, created_at, number)
), made AS (
    INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, promised_delivery_at,
                        allow_partial, shipping_address, correlation_id, wave_number, workflow_id, created_at,
                        updated_at)
    SELECT a.order_id, a.customer_id, a.warehouse_id, a.priority, 'received', a.promised_delivery_at,
           a.allow_partial, a.shipping_address, coalesce(a.correlation_id, ''), coalesce(a.wave_number, ''),
           coalesce(a.workflow_id, ''), a.created_at, a.created_at
      FROM asked a JOIN warehouses w USING (warehouse_id)
     ORDER BY a.order_id
        ON CONFLICT (order_id) DO NOTHING
    RETURNING order_id
), lines AS (
    INSERT INTO order_items (order_id, line_number, sku, quantity, price_currency, price_units, price_nanos)
    SELECT i.* FROM unnest(string_to_array($15, E'\x1F'), string_to_array($16, E'\x1F')::integer[],
                           string_to_array($17, E'\x1F'), string_to_array($18, E'\x1F')::integer[],
                           string_to_array($19, E'\x1F', ''), string_to_array($20, E'\x1F', '')::bigint[],
                           string_to_array($21, E'\x1F', '')::integer[])
        AS i (order_id, line_number, sku, quantity, price_currency, price_units, price_nanos)
      JOIN made USING (order_id)
    RETURNING line_number
), events AS MATERIALIZED (
    SELECT a.order_id, 1 AS sequence, 1 AS version, 'wms.order.received' AS type, a.created_at AS occurred_at,
           NULL AS from_status, 'received' AS to_status, a.warehouse_id, a.actor,
           coalesce(a.correlation_id, '') AS correlation_id, coalesce(a.wave_number, '') AS wave_number,
           coalesce(a.workflow_id, '') AS workflow_id, coalesce(a.traceparent, '') AS traceparent, a.payload
      FROM asked a JOIN made USING (order_id)
     ORDER BY a.number
), turn AS MATERIALIZED (
    -- After the orders, which may have waited for others, and their lines: while it is held, nobody else gives positions.
    SELECT CASE WHEN $22 AND l.made > 0 THEN turn_to_tell(cardinality($14)) ELSE false END AS ours
      FROM (SELECT count(*) AS made FROM lines) AS l
), logged AS (
    INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, from_status,
                              to_status, warehouse_id, actor, correlation_id, wave_number, workflow_id,
                              traceparent, payload)
    SELECT nextval('event_position'), gen_random_uuid(), e.* FROM events e JOIN turn t ON t.ours
), told AS (
    INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id,
                        actor, correlation_id, wave_number, workflow_id, traceparent, payload)
    SELECT e.* FROM events e JOIN turn t ON NOT t.ours
)
SELECT a.order_id, CASE WHEN w.warehouse_id IS NULL THEN a.warehouse_id END AS unknown_warehouse_id
  FROM asked a
  LEFT JOIN made m USING (order_id)
  LEFT JOIN warehouses w ON w.warehouse_id = a.warehouse_id
 WHERE m.order_id IS NULL

-- name: get
-- Orders by id.
SELECT * FROM order_documents WHERE order_id = ANY ($1::text[])

-- name: lock
-- Locks orders in order of id. A statement of its own: the rows are read by a later snapshot.
SELECT order_id FROM orders WHERE order_id = ANY ($1::text[]) ORDER BY order_id FOR UPDATE

-- name: lock_free
-- Locks those of the orders that nobody else holds, in order of id.
SELECT order_id FROM orders WHERE order_id = ANY ($1::text[]) ORDER BY order_id FOR UPDATE SKIP LOCKED

-- name: save
-- Writes changed orders and their events.
WITH changed AS (
    UPDATE orders o
       SET priority = c.priority, status = c.status, promised_delivery_at = c.promised_delivery_at,
           shipping_address = c.shipping_address, wave_id = c.wave_id, destination_id = c.destination_id,
           retry_count = c.retry_count, life = c.life, failed_status = c.failed_status,
           last_failure_reason = c.last_failure_reason, last_failed_at = c.last_failed_at,
           next_retry_at = c.next_retry_at, waiting_reason = c.waiting_reason,
           cancel_reason = c.cancel_reason, delivered_at = c.delivered_at, version = c.version,
           sequence = c.sequence, updated_at = c.updated_at
      FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::json[], $6::text[], $7::text[],
                  $8::integer[], $9::integer[], $10::text[], $11::text[], $12::timestamptz[],
                  $13::timestamptz[], $14::text[], $15::text[], $16::timestamptz[], $17::integer[],
                  $18::integer[], $19::timestamptz[])
        AS c (order_id, priority, status, promised_delivery_at, shipping_address, wave_id, destination_id,
              retry_count, life, failed_status, last_failure_reason, last_failed_at, next_retry_at,
              waiting_reason, cancel_reason, delivered_at, version, sequence, updated_at)
     WHERE o.order_id = c.order_id
)
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id,
                    actor, correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT * FROM unnest($20::text[], $21::integer[], $22::integer[], $23::text[], $24::timestamptz[],
                     $25::text[], $26::text[], $27::text[], $28::text[], $29::text[], $30::text[], $31::text[],
                     $32::text[], $33::json[])

-- name: save_lines
-- Writes how far lines have come.
UPDATE order_items i
   SET allocated = c.allocated, delivered = c.delivered, shipped = c.shipped, backordered = c.backordered
  FROM unnest($1::text[], $2::integer[], $3::integer[], $4::integer[], $5::integer[], $6::integer[])
    AS c (order_id, line_number, allocated, delivered, shipped, backordered)
 WHERE i.order_id = c.order_id AND i.line_number = c.line_number

-- name: remove_lines
-- Makes room for the lines that replace these.
DELETE FROM order_items WHERE order_id = ANY ($1::text[])

-- name: insert_lines
-- Puts lines to orders.
INSERT INTO order_items (order_id, line_number, sku, quantity, price_currency, price_units, price_nanos)
SELECT * FROM unnest($1::text[], $2::integer[], $3::text[], $4::integer[], $5::text[], $6::bigint[], $7::integer[])

-- name: insert_failures
-- Counts failures.
INSERT INTO order_failures (order_id, life, attempt_number, status, reason, failed_at, workflow_id, actor)
SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[],
                     $7::text[], $8::text[])

-- name: insert_shipments
-- Records shipments.
INSERT INTO shipments (order_id, shipment_number, carrier_code, tracking_number, shipped_at, lines)
SELECT * FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::timestamptz[], $6::json[])

-- name: attempts
-- The failures counted in one life of an order.
SELECT attempt_number, status, reason, failed_at, workflow_id
  FROM order_failures WHERE order_id = $1 AND life = $2 ORDER BY attempt_number

-- name: history
-- The events of an order from the log and, those without a position yet, from the outbox: some rows, and no more when
-- those before them have so many bytes of payload; `found` counts them before.
SELECT *
  FROM (SELECT *, count(*) OVER () AS found,
               sum(octet_length(payload::text))
                   OVER (ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
          FROM (
SELECT position, event_id, order_id, sequence, version, type, occurred_at, from_status, to_status,
       warehouse_id, actor, correlation_id, wave_number, workflow_id, traceparent, payload
  FROM order_events WHERE order_id = $1 AND sequence > $2
UNION ALL
SELECT NULL, event_id, order_id, sequence, version, type, occurred_at, from_status, to_status,
       warehouse_id, actor, correlation_id, wave_number, workflow_id, traceparent, payload
  FROM outbox WHERE order_id = $1 AND sequence > $2
 ORDER BY sequence LIMIT $3) AS e) AS e
 WHERE coalesce(bytes_before, 0) < $4
 ORDER BY sequence

-- name: since
-- When an order came into its status.
SELECT occurred_at, sequence FROM order_events
 WHERE order_id = $1 AND to_status IS NOT NULL AND from_status IS DISTINCT FROM to_status
UNION ALL
SELECT occurred_at, sequence FROM outbox
 WHERE order_id = $1 AND to_status IS NOT NULL AND from_status IS DISTINCT FROM to_status
 ORDER BY sequence DESC LIMIT 1

-- name: eligible
-- Orders that wait for a retry and failed fewer times than asked, the next due first, with the number of all: some rows,
-- and no more when those before them have so many bytes.
WITH due AS (
    SELECT order_id, customer_id, warehouse_id, failed_status, retry_count, last_failure_reason, last_failed_at,
           created_at, next_retry_at
      FROM orders
     WHERE status = 'pending_retry' AND retry_count < $1
       AND (cardinality($2::text[]) = 0 OR failed_status = ANY ($2::text[]))
     ORDER BY next_retry_at, order_id LIMIT $3
)
SELECT d.*,
       (SELECT count(*) FROM orders
         WHERE status = 'pending_retry' AND retry_count < $1
           AND (cardinality($2::text[]) = 0 OR failed_status = ANY ($2::text[]))) AS total
  FROM (SELECT *, sum(100 + octet_length(order_id) + octet_length(customer_id) + octet_length(last_failure_reason))
                      OVER (ORDER BY next_retry_at, order_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                      AS bytes_before
          FROM due) AS d
 WHERE coalesce(bytes_before, 0) < $4
 ORDER BY next_retry_at, order_id

-- name: lock_released_moves
-- The live moves of carriers that orders let go of, locked before their carriers.
SELECT m.move_id
  FROM live_moves m
 WHERE m.carrier_id IN (SELECT carrier_id FROM allocations
                         WHERE order_id = ANY ($1::text[]) AND status = 'live'
                        UNION ALL
                        SELECT carrier_id FROM allocations
                         WHERE backorder_id = ANY ($2::text[]) AND status = 'live')
 ORDER BY m.move_id
   FOR UPDATE

-- name: lock_released_carriers
-- The carriers that orders let go of.
SELECT carrier_id
  FROM carriers
 WHERE carrier_id IN (SELECT carrier_id FROM allocations
                       WHERE order_id = ANY ($1::text[]) AND status = 'live'
                      UNION ALL
                      SELECT carrier_id FROM allocations
                       WHERE backorder_id = ANY ($2::text[]) AND status = 'live')
 ORDER BY carrier_id
   FOR UPDATE

-- name: release
-- Lets go of what orders or backorders hold on carriers; a carrier that nobody holds and nobody moves has no target.
WITH gone AS (
    UPDATE allocations SET status = 'released', target_id = NULL, ended_at = $3
     WHERE (order_id = ANY ($1::text[]) OR backorder_id = ANY ($2::text[])) AND status = 'live'
    RETURNING carrier_id, quantity
), unmarked AS (
    UPDATE orders SET holds_stock = false WHERE order_id = ANY ($1::text[]) AND holds_stock
), freed AS (
    SELECT carrier_id, sum(quantity) AS quantity FROM gone GROUP BY carrier_id
), unwanted AS (
    UPDATE moves m SET status = 'cancelled', finished_at = $3, failure_reason = 'nobody waits for it any more'
      FROM freed f JOIN carriers c USING (carrier_id)
     WHERE m.carrier_id = f.carrier_id AND m.status = 'requested' AND m.kind = 'retrieve'
       AND c.allocated = f.quantity
    RETURNING m.carrier_id
)
UPDATE carriers c
   SET allocated = c.allocated - f.quantity, updated_at = $3,
       destination_id = CASE
           WHEN c.allocated = f.quantity AND c.location = 'in_lane' THEN NULL
           ELSE c.destination_id
       END
  FROM freed f
 WHERE c.carrier_id = f.carrier_id

-- name: put_back
-- Units that were delivered for an order that no longer wants them become a carrier at that destination.
INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, status, location, destination_id, produced_at,
                      received_at, updated_at)
SELECT p.carrier_id, p.warehouse_id, p.sku, p.quantity, 'available', 'at_destination', p.destination_id, $6, $6, $6
  FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[])
    AS p (carrier_id, warehouse_id, sku, quantity, destination_id)
