-- A carrier that is promised where it goes, beside what was promised of it before.
INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, allocated, status, location, lane_id,
                      lane_position, destination_id, produced_at, received_at, updated_at)
VALUES ('CAR-13', 'WH-01', 'SKU-001', 5, 2, 'available', 'in_lane', 'LANE-1', 13, 'PACK-1', now(), now(), now());
INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, target_id, created_at)
VALUES ('ORD-picking', 1, 'CAR-13', 2, 'live', 'PACK-1', now());
