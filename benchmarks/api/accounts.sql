-- What the benchmark asks of a database between its loads.

-- name: made
-- The orders made since a time, with their lines and events.
WITH made AS MATERIALIZED (SELECT order_id FROM orders WHERE created_at >= $1)
SELECT (SELECT count(*) FROM made) AS orders,
       (SELECT count(*) FROM made JOIN order_items USING (order_id)) AS lines,
       (SELECT count(*) FROM outbox) + (SELECT count(*) FROM order_events) AS events

-- name: clear
-- An empty database again.
TRUNCATE orders, order_items, outbox, order_events, request_answers, dead_letter_entries CASCADE

-- name: forget_events
-- Events that no later candidate should have to carry.
TRUNCATE outbox, order_events, request_answers

-- name: warehouse
-- The warehouse of all orders.
INSERT INTO warehouses (warehouse_id) VALUES ('WH-01') ON CONFLICT DO NOTHING
