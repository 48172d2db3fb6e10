-- Orders, their lines and shipments.
-- The values of status and priority are those of the domain; tests compare the CHECKs with the code.

CREATE TABLE warehouses (
    warehouse_id text COLLATE "C" PRIMARY KEY,
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orders (
    order_id             text COLLATE "C" PRIMARY KEY,
    customer_id          text NOT NULL,
    -- No foreign key: every insert would lock the row of its warehouse, with a multixact each time. Warehouses
    -- are never deleted, and the insert itself checks that the warehouse exists.
    warehouse_id         text COLLATE "C" NOT NULL,
    priority             text NOT NULL CHECK (priority IN ('same_day', 'next_day', 'standard')),
    -- The sort key of the priorities, the most urgent first.
    urgency              smallint NOT NULL GENERATED ALWAYS AS (
        CASE priority WHEN 'same_day' THEN 1 WHEN 'next_day' THEN 2 ELSE 3 END) STORED,
    status               text NOT NULL CHECK (status IN (
        'received', 'validated', 'assigned_to_wave', 'picking', 'packing', 'shipped', 'completed',
        'cancelled', 'pending_retry', 'dead_letter')),
    promised_delivery_at timestamptz,
    allow_partial        boolean NOT NULL,
    shipping_address     json NOT NULL,
    -- The wave named in the request. Events before the order is in a planned wave have this wave number.
    wave_number          text NOT NULL DEFAULT '',
    wave_id              text COLLATE "C",
    destination_id       text COLLATE "C",
    retry_count          integer NOT NULL DEFAULT 0 CHECK (retry_count >= 0),
    retry_generation                 integer NOT NULL DEFAULT 0 CHECK (retry_generation >= 0),
    -- Only orders in progress can fail.
    failed_status        text CHECK (failed_status IN (
        'received', 'validated', 'assigned_to_wave', 'picking', 'packing')),
    last_failure_reason  text,
    last_failed_at       timestamptz,
    next_retry_at        timestamptz,
    waiting_reason       text,
    -- The stock that an order in a wave waits for and cannot reach. Its allocation is retried after this stock changes.
    waiting_sku          text,
    waiting_units        integer NOT NULL DEFAULT 0,
    -- Whether an order in a wave has allocations. Thousands of orders may have some and wait for a place in a queue;
    -- this column finds orders without allocations without reading the allocations of the others.
    holds_stock          boolean NOT NULL DEFAULT false,
    cancel_reason        text,
    delivered_at         timestamptz,
    correlation_id       text NOT NULL DEFAULT '',
    workflow_id          text NOT NULL DEFAULT '',
    version              integer NOT NULL DEFAULT 1,
    sequence             integer NOT NULL DEFAULT 1,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    CONSTRAINT pending_retry_has_time CHECK ((status = 'pending_retry') = (next_retry_at IS NOT NULL)),
    CONSTRAINT failed_order_has_failed_status CHECK (status NOT IN ('pending_retry', 'dead_letter') OR failed_status IS NOT NULL),
    CONSTRAINT wave_has_destination CHECK ((wave_id IS NULL) = (destination_id IS NULL)),
    CONSTRAINT status_requires_wave CHECK (status NOT IN ('assigned_to_wave', 'picking', 'packing', 'shipped', 'completed')
                                OR wave_id IS NOT NULL)
) WITH (fillfactor = 80);

-- ListOrders without a filter, or with filters that most orders pass.
CREATE INDEX orders_by_creation ON orders (created_at DESC, order_id DESC);
-- ListOrders by customer.
CREATE INDEX orders_by_customer ON orders (customer_id, created_at DESC, order_id DESC);
-- ListOrders by status, one branch for each; the worker's validation.
CREATE INDEX orders_by_status ON orders (status, created_at DESC, order_id DESC);
-- ListOrders by wave.
CREATE INDEX orders_by_wave ON orders (wave_id) WHERE wave_id IS NOT NULL;
-- Wave planning and allocation of the worker: most urgent first.
CREATE INDEX orders_by_urgency ON orders
    (status, urgency, promised_delivery_at, created_at, order_id)
    WHERE status = 'validated' OR (status = 'assigned_to_wave' AND NOT holds_stock);
-- The worker's due retries; ListEligibleOrders, whose total is counted with an index-only scan.
CREATE INDEX orders_by_retry ON orders (next_retry_at, order_id) INCLUDE (retry_count, failed_status)
    WHERE status = 'pending_retry';
-- GetFulfillmentStats: millions of shipped orders are counted with an index-only scan.
CREATE INDEX orders_shipped_by_warehouse ON orders (warehouse_id, created_at, order_id) WHERE status = 'shipped';

CREATE TABLE order_items (
    order_id       text COLLATE "C" NOT NULL REFERENCES orders,
    line_number    integer NOT NULL CHECK (line_number >= 1),
    sku            text NOT NULL,
    quantity       integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    price_currency text,
    price_units    bigint CHECK (price_units >= 0),
    price_nanos    integer CHECK (price_nanos BETWEEN 0 AND 999999999),
    allocated      integer NOT NULL DEFAULT 0,
    delivered      integer NOT NULL DEFAULT 0,
    shipped        integer NOT NULL DEFAULT 0,
    backordered    integer NOT NULL DEFAULT 0,
    PRIMARY KEY (order_id, line_number),
    CONSTRAINT price_is_complete CHECK ((price_currency IS NULL) = (price_units IS NULL)
                                     AND (price_units IS NULL) = (price_nanos IS NULL)),
    CONSTRAINT unit_counts_are_consistent CHECK (0 <= shipped AND shipped <= delivered AND delivered <= allocated
                                     AND allocated <= quantity),
    CONSTRAINT backordered_units_within_quantity CHECK (backordered >= 0 AND delivered + backordered <= quantity)
);

CREATE TABLE shipments (
    order_id        text COLLATE "C" NOT NULL REFERENCES orders,
    shipment_number integer NOT NULL CHECK (shipment_number >= 1),
    carrier_code    text NOT NULL,
    tracking_number text NOT NULL,
    shipped_at      timestamptz NOT NULL,
    lines           json NOT NULL,
    PRIMARY KEY (order_id, shipment_number)
);
-- GetFulfillmentStats: the shipments of the last hour.
CREATE INDEX shipments_by_shipping_time ON shipments (shipped_at);
