-- Every waiting order with its waiting reason: the only source for ExplainOrder and the statistics.
CREATE VIEW waiting_orders AS
    SELECT o.order_id, o.warehouse_id, o.status, o.priority, o.created_at, o.promised_delivery_at,
           CASE
               WHEN o.status IN ('validated', 'assigned_to_wave')
                    AND EXISTS (SELECT FROM paused_warehouses p WHERE p.warehouse_id = o.warehouse_id)
                   THEN 'fulfillment_paused'
               WHEN o.status = 'received' THEN 'awaiting_validation'
               WHEN o.status = 'validated' THEN
                   CASE WHEN EXISTS (SELECT FROM destinations d WHERE d.warehouse_id = o.warehouse_id AND NOT d.paused)
                       THEN 'awaiting_wave' ELSE 'no_destination' END
               WHEN o.status = 'assigned_to_wave' THEN
                   CASE
                       WHEN (SELECT d.paused FROM destinations d WHERE d.destination_id = o.destination_id)
                           THEN 'destination_paused'
                       WHEN EXISTS (SELECT FROM allocations a JOIN carriers c USING (carrier_id) JOIN lanes l USING (lane_id)
                                     WHERE a.order_id = o.order_id AND a.status = 'live' AND c.location = 'in_lane'
                                       AND l.status = 'blocked')
                           THEN 'lane_blocked'
                       WHEN EXISTS (SELECT FROM allocations a WHERE a.order_id = o.order_id AND a.status = 'live')
                           THEN CASE WHEN q.carriers >= q.capacity THEN 'queue_full' ELSE 'awaiting_moves' END
                       ELSE coalesce(o.waiting_reason, 'awaiting_allocation')
                   END
               WHEN o.status = 'picking' THEN
                   CASE WHEN EXISTS (SELECT FROM allocations a JOIN carriers c USING (carrier_id) JOIN lanes l USING (lane_id)
                                      WHERE a.order_id = o.order_id AND a.status = 'live' AND c.location = 'in_lane'
                                        AND l.status = 'blocked')
                       THEN 'lane_blocked' ELSE 'awaiting_moves' END
               WHEN o.status = 'packing' THEN 'awaiting_shipment'
               WHEN o.status = 'shipped' THEN
                   -- Not EXISTS: for many orders the planner would read all lines of all orders.
                   CASE
                       WHEN (SELECT bool_or(i.delivered > i.shipped) FROM order_items i WHERE i.order_id = o.order_id)
                           THEN 'awaiting_shipment'
                       WHEN (SELECT bool_or(i.backordered > 0) FROM order_items i WHERE i.order_id = o.order_id)
                           THEN 'backordered'
                       ELSE 'awaiting_delivery'
                   END
               WHEN o.status = 'pending_retry' THEN
                   CASE WHEN o.next_retry_at > clock_timestamp() THEN 'retry_not_due' ELSE 'retry_due' END
               WHEN o.status = 'dead_letter' THEN 'dead_lettered'
           END AS reason
      FROM orders o
      LEFT JOIN LATERAL (
          SELECT d.queue_capacity AS capacity,
                 (SELECT count(*) FROM carriers c
                   WHERE c.destination_id = d.destination_id AND c.location = 'at_destination')
                 + (SELECT count(*) FROM live_moves m
                     WHERE m.destination_id = d.destination_id AND m.kind = 'retrieve') AS carriers
            FROM destinations d
           WHERE o.status = 'assigned_to_wave' AND d.destination_id = o.destination_id) AS q ON true
     -- The statuses are listed, so that finished orders are not read.
     WHERE o.status IN ('received', 'validated', 'assigned_to_wave', 'picking', 'packing', 'shipped', 'pending_retry',
                        'dead_letter');
