-- Five million orders over three years; $1 is the first number, $2 the last one. One of five orders is in the dead
-- letter queue or was cancelled from it, the others are completed.

-- name: orders
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, promised_delivery_at, allow_partial,
                    shipping_address, wave_id, destination_id, retry_count, failed_status, last_failure_reason,
                    cancel_reason, version, sequence, created_at, updated_at, delivered_at)
SELECT 'OLD-' || lpad(n::text, 9, '0'), 'CUST-' || lpad((n * 7919 % 5000)::text, 5, '0'), 'WH-01',
       (ARRAY['same_day', 'next_day', 'standard'])[1 + n % 3],
       CASE WHEN n % 5 > 0 THEN 'completed' WHEN n % 25 = 0 THEN 'dead_letter' ELSE 'cancelled' END,
       at + interval '2 days', true,
       '{"recipientName":"Jane Doe","street":"1 Main St","city":"Springfield","state":"IL","zipCode":"62701","country":"US"}',
       CASE WHEN n % 5 > 0 THEN 'WAVE-2001-' || lpad((n / 50)::text, 8, '0') END,
       CASE WHEN n % 5 > 0 THEN 'PACK-0' || n / 50 % 10 END,
       CASE WHEN n % 5 > 0 THEN 0 ELSE 5 END,
       CASE WHEN n % 5 = 0 THEN 'received' END, CASE WHEN n % 5 = 0 THEN 'address unknown' END,
       CASE WHEN n % 5 = 0 AND n % 25 > 0 THEN 'given up' END,
       7, 7, at, at + interval '3 days', CASE WHEN n % 5 > 0 THEN at + interval '3 days' END
  FROM generate_series($1::bigint, $2::bigint) AS n,
       LATERAL (SELECT timestamptz '2023-01-01' + n * interval '18 s' AS at) AS t

-- name: lines
INSERT INTO order_items (order_id, line_number, sku, quantity, price_currency, price_units, price_nanos, allocated,
                         delivered, shipped)
SELECT 'OLD-' || lpad(n::text, 9, '0'), line, 'SKU-' || lpad(((n * 7 + line * 13) % 2000)::text, 5, '0'), 2, 'USD', 12,
       990000000, done, done, done
  FROM generate_series($1::bigint, $2::bigint) AS n, generate_series(1, 3) AS line,
       LATERAL (SELECT CASE WHEN n % 5 > 0 THEN 2 ELSE 0 END AS done) AS d

-- name: dead_letters
INSERT INTO dead_letter_entries (entry_id, order_id, customer_id, warehouse_id, final_failure_status,
                                 final_failure_reason, total_retry_attempts, attempts, order_snapshot, created_at,
                                 resolution, resolved_at)
SELECT 'DLQ-' || lpad(n::text, 9, '0'), 'OLD-' || lpad(n::text, 9, '0'),
       'CUST-' || lpad((n * 7919 % 5000)::text, 5, '0'), 'WH-01', 'received', 'address unknown', 5, '[]', '{}', at,
       CASE WHEN n % 25 > 0 THEN 'cancelled' END, CASE WHEN n % 25 > 0 THEN at + interval '1 day' END
  FROM generate_series($1::bigint, $2::bigint) AS n,
       LATERAL (SELECT timestamptz '2023-01-02' + n * interval '18 s' AS at) AS t
 WHERE n % 5 = 0

-- name: indexes
-- The indexes that are created after filling: all without a constraint.
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
  FROM pg_index i
  LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid
 WHERE i.indrelid IN ('orders'::regclass, 'order_items'::regclass, 'dead_letter_entries'::regclass)
   AND c.oid IS NULL
 ORDER BY 1

-- name: sizes
SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM order_items) AS items,
       (SELECT count(*) FROM dead_letter_entries) AS dead_letters, pg_database_size(current_database()) AS bytes

-- name: at_depth
-- The last order before a page at this depth.
SELECT created_at, order_id FROM orders ORDER BY created_at DESC, order_id DESC OFFSET $1::bigint LIMIT 1

-- name: random_ids
-- Random order ids.
SELECT order_id FROM orders ORDER BY random() LIMIT $1
