-- An order with its lines and shipments as one row.
CREATE VIEW order_documents AS
    SELECT o.*,
           (SELECT json_agg(json_build_array(i.line_number, i.sku, i.quantity, i.price_currency, i.price_units,
                                             i.price_nanos, i.allocated, i.delivered, i.shipped, i.backordered)
                            ORDER BY i.line_number)
              FROM order_items i WHERE i.order_id = o.order_id) AS items,
           (SELECT json_agg(json_build_array(s.shipment_number, s.carrier_code, s.tracking_number,
                                             s.shipped_at, s.lines)
                            ORDER BY s.shipment_number)
              FROM shipments s WHERE s.order_id = o.order_id) AS shipments
      FROM orders o;
