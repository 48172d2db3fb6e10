-- What was held and is no more, beside what is still on its way.
INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, created_at, ended_at)
VALUES ('ORD-owed', 1, 'CAR-1', 7, 'picked', now(), now()),
       ('ORD-owed', 1, 'CAR-1', 1, 'released', now(), now());
