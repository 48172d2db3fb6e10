INSERT INTO relay_positions (relay, position) VALUES ('kafka', 0);
INSERT INTO parked_events (position, event_id, order_id, parked_at, attempts, last_error)
VALUES (1, gen_random_uuid(), 'ORD-received', now(), 1, 'MessageSizeTooLargeError');
