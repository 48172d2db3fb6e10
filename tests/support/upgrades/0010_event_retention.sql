-- A log that has come to its second partition.
SELECT setval('event_position', 1000000);
INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, to_status,
                          warehouse_id, actor, correlation_id, wave_number, workflow_id, traceparent,
                          payload)
SELECT 1000000, gen_random_uuid(), 'ORD-gone', 4, 4, 'wms.order.updated', now(), NULL, 'WH-01', 'test', '', '', '',
       '', '{}';
