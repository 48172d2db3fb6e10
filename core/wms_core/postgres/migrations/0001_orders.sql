-- Orders, their lines, failures and dead letters.
-- Words of status and priority are those of the domain; tests hold the CHECKs to the code's own table.

CREATE TABLE warehouses (
    warehouse_id text COLLATE "C" PRIMARY KEY,
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orders (
    order_id             text COLLATE "C" PRIMARY KEY,
    customer_id          text NOT NULL,
    -- No foreign key: every insert would lock the one row of its warehouse, a multixact each, and warehouses
    -- are never deleted. The insert itself checks that the warehouse exists.
    warehouse_id         text COLLATE "C" NOT NULL,
    priority             text NOT NULL CHECK (priority IN ('same_day', 'next_day', 'standard')),
    status               text NOT NULL CHECK (status IN (
        'received', 'validated', 'assigned_to_wave', 'picking', 'packing', 'shipped', 'completed',
        'cancelled', 'pending_retry', 'dead_letter')),
    promised_delivery_at timestamptz,
    allow_partial        boolean NOT NULL,
    shipping_address     json NOT NULL,
    wave_id              text COLLATE "C",
    destination_id       text COLLATE "C",
    retry_count          integer NOT NULL DEFAULT 0 CHECK (retry_count >= 0),
    life                 integer NOT NULL DEFAULT 0 CHECK (life >= 0),
    failed_status        text,
    last_failure_reason  text,
    last_failed_at       timestamptz,
    next_retry_at        timestamptz,
    waiting_reason       text,
    cancel_reason        text,
    delivered_at         timestamptz,
    correlation_id       text NOT NULL DEFAULT '',
    workflow_id          text NOT NULL DEFAULT '',
    version              integer NOT NULL DEFAULT 1,
    sequence             integer NOT NULL DEFAULT 1,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    CONSTRAINT retry_is_due CHECK ((status = 'pending_retry') = (next_retry_at IS NOT NULL)),
    CONSTRAINT failure_is_known CHECK (status NOT IN ('pending_retry', 'dead_letter') OR failed_status IS NOT NULL),
    CONSTRAINT wave_has_destination CHECK ((wave_id IS NULL) = (destination_id IS NULL)),
    CONSTRAINT in_a_wave CHECK (status NOT IN ('assigned_to_wave', 'picking', 'packing', 'shipped', 'completed')
                                OR wave_id IS NOT NULL)
) WITH (fillfactor = 80);

-- ListOrders without a filter, or with filters that most orders pass.
CREATE INDEX orders_newest ON orders (created_at DESC, order_id DESC);
-- ListOrders by customer.
CREATE INDEX orders_by_customer ON orders (customer_id, created_at DESC, order_id DESC);
-- ListOrders by status, one branch for each; the worker's validation.
CREATE INDEX orders_by_status ON orders (status, created_at DESC, order_id DESC);
-- ListOrders by wave.
CREATE INDEX orders_by_wave ON orders (wave_id) WHERE wave_id IS NOT NULL;
-- The worker's wave planning and allocation: most urgent first.
CREATE INDEX orders_by_urgency ON orders
    (status, (array_position(ARRAY['same_day', 'next_day', 'standard'], priority)), promised_delivery_at,
     created_at, order_id)
    WHERE status IN ('validated', 'assigned_to_wave');
-- The worker's due retries; ListEligibleOrders.
CREATE INDEX orders_by_retry ON orders (next_retry_at, order_id) WHERE status = 'pending_retry';

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
    PRIMARY KEY (order_id, line_number),
    CONSTRAINT price_is_whole CHECK ((price_currency IS NULL) = (price_units IS NULL)
                                     AND (price_units IS NULL) = (price_nanos IS NULL)),
    CONSTRAINT units_in_order CHECK (0 <= shipped AND shipped <= delivered AND delivered <= allocated
                                     AND allocated <= quantity)
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

-- An order as it is read: its row, its lines and its shipments in order.
CREATE VIEW order_documents AS
    SELECT o.*,
           (SELECT json_agg(json_build_array(i.line_number, i.sku, i.quantity, i.price_currency, i.price_units,
                                             i.price_nanos, i.allocated, i.delivered, i.shipped)
                            ORDER BY i.line_number)
              FROM order_items i WHERE i.order_id = o.order_id) AS items,
           (SELECT json_agg(json_build_array(s.shipment_number, s.carrier_code, s.tracking_number,
                                             s.shipped_at, s.lines)
                            ORDER BY s.shipment_number)
              FROM shipments s WHERE s.order_id = o.order_id) AS shipments
      FROM orders o;

-- Every counted failure; `life` counts the manual retries before it, so that the history is kept.
CREATE TABLE order_failures (
    order_id       text COLLATE "C" NOT NULL REFERENCES orders,
    life           integer NOT NULL,
    attempt_number integer NOT NULL CHECK (attempt_number >= 1),
    status         text NOT NULL,
    reason         text NOT NULL,
    failed_at      timestamptz NOT NULL,
    workflow_id    text NOT NULL DEFAULT '',
    actor          text NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, life, attempt_number)
);

CREATE TABLE dead_letter_entries (
    entry_id             text COLLATE "C" PRIMARY KEY,
    order_id             text COLLATE "C" NOT NULL REFERENCES orders,
    customer_id          text NOT NULL,
    warehouse_id         text COLLATE "C" NOT NULL,
    final_failure_status text NOT NULL,
    final_failure_reason text NOT NULL,
    total_retry_attempts integer NOT NULL,
    attempts             json NOT NULL,
    order_snapshot       json NOT NULL,
    created_at           timestamptz NOT NULL,
    resolution           text CHECK (resolution IN ('manual_retry', 'cancelled', 'escalated')),
    resolved_at          timestamptz,
    CONSTRAINT resolved_with_time CHECK ((resolution IS NULL) = (resolved_at IS NULL))
);

-- One open entry for an order: an order in the queue has exactly one that is not decided for good.
CREATE UNIQUE INDEX dead_letters_open ON dead_letter_entries (order_id)
    WHERE resolution IS NULL OR resolution = 'escalated';
-- GetDeadLetterEntry: the newest entry of an order.
CREATE INDEX dead_letters_by_order ON dead_letter_entries (order_id, created_at DESC, entry_id DESC);
-- ListDeadLetterEntries, newest first; older_than_hours.
CREATE INDEX dead_letters_newest ON dead_letter_entries (created_at DESC, entry_id DESC);
-- ListDeadLetterEntries of what waits for a person; the oldest unresolved of the statistics.
CREATE INDEX dead_letters_unresolved ON dead_letter_entries (created_at DESC, entry_id DESC) WHERE resolution IS NULL;

CREATE TABLE dead_letter_resolutions (
    entry_id    text COLLATE "C" NOT NULL REFERENCES dead_letter_entries,
    number      integer NOT NULL CHECK (number >= 1),
    resolution  text NOT NULL CHECK (resolution IN ('manual_retry', 'cancelled', 'escalated')),
    notes       text NOT NULL,
    resolved_by text NOT NULL,
    resolved_at timestamptz NOT NULL,
    PRIMARY KEY (entry_id, number)
);

-- An entry as it is read, with its decisions in order.
CREATE VIEW dead_letter_documents AS
    SELECT e.*,
           (SELECT json_agg(json_build_object('resolution', r.resolution, 'notes', r.notes,
                                              'resolved_by', r.resolved_by, 'resolved_at', r.resolved_at)
                            ORDER BY r.number)
              FROM dead_letter_resolutions r WHERE r.entry_id = e.entry_id) AS decisions
      FROM dead_letter_entries e;

-- Answers to requests that brought an id, kept in the transaction of the change (contract: at least 24 h).
CREATE TABLE request_answers (
    rpc         text NOT NULL,
    request_id  text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    answer      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rpc, request_id)
);
-- The janitor's removal of old answers.
CREATE INDEX request_answers_by_age ON request_answers (created_at);
