-- Events on their way and in the log.
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, to_status, warehouse_id, actor,
                    correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT order_id, 1, 1, 'wms.order.received', now(), 'received', 'WH-01', 'test', '', '', '', '', '{}'
  FROM orders;
INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, to_status,
                          warehouse_id, actor, correlation_id, wave_number, workflow_id, traceparent,
                          payload)
SELECT nextval('event_position'), gen_random_uuid(), 'ORD-gone', n, n, 'wms.order.updated', now(), NULL,
       'WH-01', 'test', '', '', '', '', '{}'
  FROM generate_series(1, 3) AS n;
INSERT INTO audit_log (at, actor, action, subject, correlation_id, detail)
VALUES (now(), 'test', 'lane.put', 'lane/LANE-1', '', '{}');
