-- What is owed to an order, in every status, what is on its way for it, and what a picker did not find.
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    wave_id, destination_id, created_at, updated_at)
VALUES ('ORD-owed', 'CUST-001', 'WH-01', 'standard', 'shipped', true, '{"street":"123 Main St","city":"New York","country":"US"}',
        'WAVE-2024-00001', 'PACK-1', now(), now());
INSERT INTO order_items (order_id, line_number, sku, quantity, allocated, delivered, shipped, backordered)
VALUES ('ORD-owed', 1, 'SKU-001', 12, 9, 7, 6, 4);
INSERT INTO backorders (backorder_id, order_id, line_number, customer_id, warehouse_id, sku, quantity,
                        quantity_fulfilled, reason, status, cancel_reason, created_at, updated_at, closed_at)
VALUES ('BO-1', 'ORD-owed', 1, 'CUST-001', 'WH-01', 'SKU-001', 2, 0, 'quantity_mismatch', 'open', '', now(), now(), NULL),
       ('BO-2', 'ORD-owed', 1, 'CUST-001', 'WH-01', 'SKU-001', 3, 1, 'not_found', 'in_progress', '', now(), now(), NULL),
       ('BO-3', 'ORD-owed', 1, 'CUST-001', 'WH-01', 'SKU-001', 1, 1, 'damaged', 'fulfilled', '', now(), now(), now()),
       ('BO-4', 'ORD-owed', 1, 'CUST-001', 'WH-01', 'SKU-001', 1, 0, 'damaged', 'cancelled', 'gone', now(), now(), now());
INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, target_id, created_at, backorder_id)
VALUES ('ORD-owed', 1, 'CAR-1', 2, 'live', 'PACK-1', now(), 'BO-2');
UPDATE carriers SET allocated = 4 WHERE carrier_id = 'CAR-1';
INSERT INTO write_offs (warehouse_id, order_id, carrier_id, sku, quantity, reason, actor, at)
VALUES ('WH-01', 'ORD-owed', 'CAR-1', 'SKU-001', 1, 'damaged', 'test', now());
