-- Orders before there were waves, in every status that needs none.
INSERT INTO warehouses (warehouse_id) VALUES ('WH-01'), ('WH-02');
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    retry_count, failed_status, last_failure_reason, last_failed_at, next_retry_at,
                    created_at, updated_at)
SELECT 'ORD-' || status, 'CUST-001', 'WH-01', 'standard', status, true, '{"street":"123 Main St","city":"New York","country":"US"}', 1,
       CASE WHEN status IN ('pending_retry', 'dead_letter') THEN 'picking' END, 'jam', now(),
       CASE WHEN status = 'pending_retry' THEN now() END, now(), now()
  FROM unnest(ARRAY['received', 'validated', 'cancelled', 'pending_retry', 'dead_letter']) AS status;
INSERT INTO order_items (order_id, line_number, sku, quantity, price_currency, price_units, price_nanos)
SELECT order_id, 1, 'SKU-001', 2, 'USD', 29, 990000000 FROM orders;
INSERT INTO order_failures (order_id, life, attempt_number, status, reason, failed_at, actor)
SELECT order_id, 0, 1, 'picking', 'jam', now(), 'test' FROM orders WHERE failed_status IS NOT NULL;
INSERT INTO dead_letter_entries (entry_id, order_id, customer_id, warehouse_id, final_failure_status,
                                 final_failure_reason, total_retry_attempts, attempts, order_snapshot,
                                 created_at)
VALUES ('DLQ-1', 'ORD-dead_letter', 'CUST-001', 'WH-01', 'picking', 'jam', 1, '[]', '{}', now());
INSERT INTO request_answers (rpc, request_id, fingerprint, answer) VALUES ('r', 'id', 'f', 'a');
