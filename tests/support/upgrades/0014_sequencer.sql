-- Two events that nobody had moved yet.
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id, actor,
                    correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT 'ORD-waiting', number, number, 'wms.order.received', now(), NULL, NULL, 'WH-01', 'tests', '', '', '', '', '{}'
  FROM generate_series(1, 2) AS number;
