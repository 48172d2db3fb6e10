-- What is owed to orders, and what pickers did not find.

ALTER TABLE order_items ADD COLUMN backordered integer NOT NULL DEFAULT 0;
ALTER TABLE order_items ADD CONSTRAINT owed_or_delivered
    CHECK (backordered >= 0 AND delivered + backordered <= quantity);

CREATE TABLE backorders (
    backorder_id       text COLLATE "C" PRIMARY KEY,
    order_id           text COLLATE "C" NOT NULL REFERENCES orders,
    line_number        integer NOT NULL,
    customer_id        text NOT NULL,
    warehouse_id       text COLLATE "C" NOT NULL,
    sku                text NOT NULL,
    quantity           integer NOT NULL CHECK (quantity >= 1),
    quantity_fulfilled integer NOT NULL DEFAULT 0,
    reason             text NOT NULL CHECK (reason IN ('not_found', 'damaged', 'quantity_mismatch')),
    status             text NOT NULL CHECK (status IN ('open', 'in_progress', 'fulfilled', 'cancelled')),
    cancel_reason      text NOT NULL DEFAULT '',
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    closed_at          timestamptz,
    CONSTRAINT never_more_than_owed CHECK (quantity_fulfilled BETWEEN 0 AND quantity),
    CONSTRAINT fulfilled_is_whole CHECK ((status = 'fulfilled') = (quantity_fulfilled = quantity AND status <> 'cancelled')),
    CONSTRAINT closed_has_time CHECK ((status IN ('fulfilled', 'cancelled')) = (closed_at IS NOT NULL))
);
-- What is owed to an order: CompleteOrder, CancelOrder.
CREATE INDEX backorders_by_order ON backorders (order_id);
-- The worker: what is owed of a SKU.
CREATE INDEX backorders_owed ON backorders (warehouse_id, sku, created_at) WHERE status IN ('open', 'in_progress');
-- ListBackorders, oldest first.
CREATE INDEX backorders_oldest ON backorders (created_at, backorder_id);

ALTER TABLE allocations ADD COLUMN backorder_id text COLLATE "C" REFERENCES backorders;
-- What is held for a backorder.
CREATE INDEX allocations_by_backorder ON allocations (backorder_id) WHERE status = 'live' AND backorder_id IS NOT NULL;

-- Units that were in the books and not on the shelf: received = on hand + delivered + written off.
CREATE TABLE write_offs (
    write_off_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    warehouse_id text COLLATE "C" NOT NULL REFERENCES warehouses,
    order_id     text COLLATE "C" REFERENCES orders,
    carrier_id   text COLLATE "C" REFERENCES carriers,
    sku          text NOT NULL,
    quantity     integer NOT NULL CHECK (quantity >= 1),
    reason       text NOT NULL CHECK (reason IN ('not_found', 'damaged', 'quantity_mismatch')),
    actor        text NOT NULL,
    at           timestamptz NOT NULL
);

DROP VIEW order_documents;
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
