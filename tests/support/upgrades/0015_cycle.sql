-- An order that a call of the cycle has validated.
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    created_at, updated_at)
VALUES ('ORD-called', 'CUST-1', 'WH-01', 'standard', 'received', true, '{}', now(), now());
SELECT advance_orders('fulfillment', epoch, '{ORD-called}', '{}', '{}', 'received', 'validated', 'wms.order.validated',
                      'tests', '', now(), '2026-11-28T00:00:00Z')
  FROM worker_roles WHERE role = 'fulfillment';
