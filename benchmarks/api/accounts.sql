-- Statements between the loads of the benchmark.

-- name: count_created
-- Number of orders created since a time, with their lines and events.
WITH created AS MATERIALIZED (SELECT order_id FROM orders WHERE created_at >= $1)
SELECT (SELECT count(*) FROM created) AS orders,
       (SELECT count(*) FROM created JOIN order_items USING (order_id)) AS lines,
       (SELECT count(*) FROM outbox) + (SELECT count(*) FROM order_events) AS events

-- name: clear
-- Delete all orders and events.
TRUNCATE orders, order_items, outbox, order_events, request_answers, dead_letter_entries CASCADE

-- name: delete_events
-- Delete the events of a candidate, so that they do not slow down the next one.
TRUNCATE outbox, order_events, request_answers

-- name: warehouse
-- The warehouse of all orders.
INSERT INTO warehouses (warehouse_id) VALUES ('WH-01') ON CONFLICT DO NOTHING
