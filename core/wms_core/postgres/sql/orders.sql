-- Orders with their lines, shipments, failures and events.

-- name: insert_orders
-- Inserts new orders with their lines and events. Returns the rejected orders, with the warehouse if it is unknown.
-- Columns are texts with a separator between the values (`order_insert.py`). An empty text is a missing value.
-- If this statement is its own transaction and gets the lock, the events go directly into the log, else into the outbox
-- (docs/adr/0004), in the order of the arguments.
WITH new_orders AS (
    SELECT * FROM unnest(string_to_array($1, E'\x1F'), string_to_array($2, E'\x1F'), string_to_array($3, E'\x1F'),
                         string_to_array($4, E'\x1F'), $5::timestamptz[], string_to_array($6, E'\x1F')::boolean[],
                         string_to_array($7, E'\x1F')::json[], string_to_array($8, E'\x1F')::json[],
                         string_to_array($9, E'\x1F'), string_to_array($10, E'\x1F'), string_to_array($11, E'\x1F'),
                         string_to_array($12, E'\x1F'), string_to_array($13, E'\x1F'), $14::timestamptz[])
                  WITH ORDINALITY
        AS a (order_id, customer_id, warehouse_id, priority, promised_delivery_at, allow_partial, shipping_address,
              payload, actor, correlation_id, wave_number, workflow_id, traceparent, created_at, number)
), inserted_orders AS (
    INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, promised_delivery_at,
                        allow_partial, shipping_address, correlation_id, wave_number, workflow_id, created_at,
                        updated_at)
    SELECT a.order_id, a.customer_id, a.warehouse_id, a.priority, 'received', a.promised_delivery_at,
           a.allow_partial, a.shipping_address, coalesce(a.correlation_id, ''), coalesce(a.wave_number, ''),
           coalesce(a.workflow_id, ''), a.created_at, a.created_at
      FROM new_orders a JOIN warehouses w USING (warehouse_id)
     ORDER BY a.order_id
        ON CONFLICT (order_id) DO NOTHING
    RETURNING order_id
), inserted_lines AS (
    INSERT INTO order_items (order_id, line_number, sku, quantity, price_currency, price_units, price_nanos)
    SELECT i.* FROM unnest(string_to_array($15, E'\x1F'), string_to_array($16, E'\x1F')::integer[],
                           string_to_array($17, E'\x1F'), string_to_array($18, E'\x1F')::integer[],
                           string_to_array($19, E'\x1F', ''), string_to_array($20, E'\x1F', '')::bigint[],
                           string_to_array($21, E'\x1F', '')::integer[])
        AS i (order_id, line_number, sku, quantity, price_currency, price_units, price_nanos)
      JOIN inserted_orders USING (order_id)
    RETURNING line_number
), received_events AS MATERIALIZED (
    SELECT a.order_id, 1 AS sequence, 1 AS version, 'wms.order.received' AS type, a.created_at AS occurred_at,
           NULL AS from_status, 'received' AS to_status, a.warehouse_id, a.actor,
           coalesce(a.correlation_id, '') AS correlation_id, coalesce(a.wave_number, '') AS wave_number,
           coalesce(a.workflow_id, '') AS workflow_id, coalesce(a.traceparent, '') AS traceparent, a.payload
      FROM new_orders a JOIN inserted_orders USING (order_id)
     ORDER BY a.number
), append_permission AS MATERIALIZED (
    -- After the inserts, which may wait for locks: while this lock is held, no other transaction assigns positions.
    SELECT CASE WHEN $22 AND l.line_count > 0 THEN try_append_directly(cardinality($14)) ELSE false END AS is_granted
      FROM (SELECT count(*) AS line_count FROM inserted_lines) AS l
), logged_events AS (
    INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, from_status,
                              to_status, warehouse_id, actor, correlation_id, wave_number, workflow_id,
                              traceparent, payload)
    SELECT nextval('event_position'), gen_random_uuid(), e.* FROM received_events e JOIN append_permission t ON t.is_granted
), outbox_events AS (
    INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id,
                        actor, correlation_id, wave_number, workflow_id, traceparent, payload)
    SELECT e.* FROM received_events e JOIN append_permission t ON NOT t.is_granted
)
SELECT a.order_id, CASE WHEN w.warehouse_id IS NULL THEN a.warehouse_id END AS unknown_warehouse_id
  FROM new_orders a
  LEFT JOIN inserted_orders m USING (order_id)
  LEFT JOIN warehouses w ON w.warehouse_id = a.warehouse_id
 WHERE m.order_id IS NULL

-- name: get_orders
-- Returns orders by id.
SELECT * FROM order_documents WHERE order_id = ANY ($1::text[])

-- name: lock_orders
-- Locks orders in the order of their ids. A separate statement, so that the rows are read with a later snapshot.
SELECT order_id FROM orders WHERE order_id = ANY ($1::text[]) ORDER BY order_id FOR UPDATE

-- name: lock_skipping_locked
-- Locks the orders that no other transaction has locked, in the order of their ids.
SELECT order_id FROM orders WHERE order_id = ANY ($1::text[]) ORDER BY order_id FOR UPDATE SKIP LOCKED

-- name: save_orders
-- Writes changed orders and their events.
WITH updated_orders AS (
    UPDATE orders o
       SET priority = c.priority, status = c.status, promised_delivery_at = c.promised_delivery_at,
           shipping_address = c.shipping_address, wave_id = c.wave_id, destination_id = c.destination_id,
           retry_count = c.retry_count, retry_generation = c.retry_generation, failed_status = c.failed_status,
           last_failure_reason = c.last_failure_reason, last_failed_at = c.last_failed_at,
           next_retry_at = c.next_retry_at, waiting_reason = c.waiting_reason,
           cancel_reason = c.cancel_reason, delivered_at = c.delivered_at, version = c.version,
           sequence = c.sequence, updated_at = c.updated_at
      FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::json[], $6::text[], $7::text[],
                  $8::integer[], $9::integer[], $10::text[], $11::text[], $12::timestamptz[],
                  $13::timestamptz[], $14::text[], $15::text[], $16::timestamptz[], $17::integer[],
                  $18::integer[], $19::timestamptz[])
        AS c (order_id, priority, status, promised_delivery_at, shipping_address, wave_id, destination_id,
              retry_count, retry_generation, failed_status, last_failure_reason, last_failed_at, next_retry_at,
              waiting_reason, cancel_reason, delivered_at, version, sequence, updated_at)
     WHERE o.order_id = c.order_id
)
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id,
                    actor, correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT * FROM unnest($20::text[], $21::integer[], $22::integer[], $23::text[], $24::timestamptz[],
                     $25::text[], $26::text[], $27::text[], $28::text[], $29::text[], $30::text[], $31::text[],
                     $32::text[], $33::json[])

-- name: save_lines
-- Writes the unit counts of lines.
UPDATE order_items i
   SET allocated = c.allocated, delivered = c.delivered, shipped = c.shipped, backordered = c.backordered
  FROM unnest($1::text[], $2::integer[], $3::integer[], $4::integer[], $5::integer[], $6::integer[])
    AS c (order_id, line_number, allocated, delivered, shipped, backordered)
 WHERE i.order_id = c.order_id AND i.line_number = c.line_number

-- name: delete_lines
-- Deletes lines before they are replaced.
DELETE FROM order_items WHERE order_id = ANY ($1::text[])

-- name: insert_lines
-- Inserts lines of orders.
INSERT INTO order_items (order_id, line_number, sku, quantity, price_currency, price_units, price_nanos)
SELECT * FROM unnest($1::text[], $2::integer[], $3::text[], $4::integer[], $5::text[], $6::bigint[], $7::integer[])

-- name: insert_failures
-- Inserts failures.
INSERT INTO order_failures (order_id, retry_generation, attempt_number, status, reason, failed_at, workflow_id, actor)
SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[],
                     $7::text[], $8::text[])

-- name: insert_shipments
-- Inserts shipments.
INSERT INTO shipments (order_id, shipment_number, carrier_code, tracking_number, shipped_at, lines)
SELECT * FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::timestamptz[], $6::json[])

-- name: list_attempts
-- Returns the failures of an order in one retry generation.
SELECT attempt_number, status, reason, failed_at, workflow_id
  FROM order_failures WHERE order_id = $1 AND retry_generation = $2 ORDER BY attempt_number

-- name: list_events
-- Returns the events of an order from the log and, without a position, from the outbox, up to a number of rows and up to
-- a number of bytes of payload. `row_count` is the number of rows before the limit in bytes.
SELECT *
  FROM (SELECT *, count(*) OVER () AS row_count,
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

-- name: get_status_changed_at
-- Returns the time of an order's last transition.
SELECT occurred_at, sequence FROM order_events
 WHERE order_id = $1 AND to_status IS NOT NULL AND from_status IS DISTINCT FROM to_status
UNION ALL
SELECT occurred_at, sequence FROM outbox
 WHERE order_id = $1 AND to_status IS NOT NULL AND from_status IS DISTINCT FROM to_status
 ORDER BY sequence DESC LIMIT 1

-- name: list_eligible
-- Returns orders that wait for a retry and have fewer failures than the limit, the next due first, with the number of
-- all, up to a number of rows and a number of bytes.
WITH due_orders AS (
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
          FROM due_orders) AS d
 WHERE coalesce(bytes_before, 0) < $4
 ORDER BY next_retry_at, order_id

-- name: lock_released_moves
-- Locks the live moves of load carriers with released allocations, before the load carriers.
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
-- Locks the load carriers with released allocations.
SELECT carrier_id
  FROM carriers
 WHERE carrier_id IN (SELECT carrier_id FROM allocations
                       WHERE order_id = ANY ($1::text[]) AND status = 'live'
                      UNION ALL
                      SELECT carrier_id FROM allocations
                       WHERE backorder_id = ANY ($2::text[]) AND status = 'live')
 ORDER BY carrier_id
   FOR UPDATE

-- name: release_allocations
-- Releases the allocations of orders or backorders. A load carrier without allocations and live moves loses its target.
WITH released_allocations AS (
    UPDATE allocations SET status = 'released', target_id = NULL, ended_at = $3
     WHERE (order_id = ANY ($1::text[]) OR backorder_id = ANY ($2::text[])) AND status = 'live'
    RETURNING carrier_id, quantity
), updated_orders AS (
    UPDATE orders SET holds_stock = false WHERE order_id = ANY ($1::text[]) AND holds_stock
), released_by_carrier AS (
    SELECT carrier_id, sum(quantity) AS quantity FROM released_allocations GROUP BY carrier_id
), cancelled_moves AS (
    UPDATE moves m SET status = 'cancelled', finished_at = $3, failure_reason = 'nobody waits for it any more'
      FROM released_by_carrier f JOIN carriers c USING (carrier_id)
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
  FROM released_by_carrier f
 WHERE c.carrier_id = f.carrier_id

-- name: insert_returned_carriers
-- Inserts delivered units that an order no longer needs as a new load carrier at the destination.
INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, status, location, destination_id, produced_at,
                      received_at, updated_at)
SELECT p.carrier_id, p.warehouse_id, p.sku, p.quantity, 'available', 'at_destination', p.destination_id, $6, $6, $6
  FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[])
    AS p (carrier_id, warehouse_id, sku, quantity, destination_id)
