-- Stock, waves, the orders in them, and what they hold.
INSERT INTO lanes (lane_id, warehouse_id, zone, capacity, occupied, status)
VALUES ('LANE-1', 'WH-01', 'A', 10, 1, 'open'), ('LANE-2', 'WH-01', 'A', 10, 0, 'blocked');
INSERT INTO destinations (destination_id, warehouse_id, queue_capacity, zones, paused)
VALUES ('PACK-1', 'WH-01', 10, '{A}', false);
INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at)
VALUES ('WAVE-2024-00001', 'WH-01', 'PACK-1', now());
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    wave_id, destination_id, created_at, updated_at)
SELECT 'ORD-' || status, 'CUST-001', 'WH-01', 'same_day', status, false, '{"street":"123 Main St","city":"New York","country":"US"}',
       'WAVE-2024-00001', 'PACK-1', now(), now()
  FROM unnest(ARRAY['assigned_to_wave', 'picking', 'packing', 'shipped', 'completed']) AS status;
INSERT INTO order_items (order_id, line_number, sku, quantity, allocated)
VALUES ('ORD-picking', 1, 'SKU-001', 2, 2);
INSERT INTO order_items (order_id, line_number, sku, quantity, allocated, delivered, shipped)
VALUES ('ORD-shipped', 1, 'SKU-001', 2, 2, 2, 2);
INSERT INTO shipments (order_id, shipment_number, carrier_code, tracking_number, shipped_at, lines)
VALUES ('ORD-shipped', 1, 'UPS', '1Z999', now(), '[[1, "SKU-001", 2]]');
INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, allocated, status, location, lane_id,
                      lane_position, destination_id, produced_at, received_at, updated_at)
VALUES ('CAR-1', 'WH-01', 'SKU-001', 5, 2, 'available', 'in_lane', 'LANE-1', 1, 'PACK-1', now(), now(),
        now());
INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, target_id, created_at)
VALUES ('ORD-picking', 1, 'CAR-1', 2, 'live', 'PACK-1', now());
INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, destination_id,
                   requested_at, deadline_at)
VALUES ('MOV-1', 'WH-01', 'CAR-1', 'retrieve', 'requested', 'LANE-1', 'PACK-1', now(), now());
