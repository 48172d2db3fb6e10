-- Lanes, destinations, waves, load carriers, moves, backorders and allocations.

CREATE TABLE lanes (
    lane_id      text COLLATE "C" PRIMARY KEY,
    warehouse_id text COLLATE "C" NOT NULL REFERENCES warehouses,
    zone         text NOT NULL,
    capacity     integer NOT NULL CHECK (capacity BETWEEN 1 AND 100000),
    occupied     integer NOT NULL DEFAULT 0,
    status       text NOT NULL CHECK (status IN ('open', 'blocked')),
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT lane_within_capacity CHECK (occupied BETWEEN 0 AND capacity),
    UNIQUE (lane_id, warehouse_id)
);
-- ListLanes of a warehouse; lanes with free positions for a returning load carrier.
CREATE INDEX lanes_by_warehouse ON lanes (warehouse_id, lane_id);

CREATE TABLE destinations (
    destination_id text COLLATE "C" PRIMARY KEY,
    warehouse_id   text COLLATE "C" NOT NULL REFERENCES warehouses,
    queue_capacity integer NOT NULL CHECK (queue_capacity BETWEEN 1 AND 100000),
    zones          text[] NOT NULL CHECK (cardinality(zones) >= 1),
    paused         boolean NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (destination_id, warehouse_id)
);
-- ListDestinations of a warehouse; wave planning.
CREATE INDEX destinations_by_warehouse ON destinations (warehouse_id, destination_id);

CREATE SEQUENCE wave_number;
CREATE TABLE waves (
    wave_id        text COLLATE "C" PRIMARY KEY CHECK (wave_id ~ '^WAVE-[0-9]{4}-[0-9]{5,12}$'),
    warehouse_id   text COLLATE "C" NOT NULL,
    destination_id text COLLATE "C" NOT NULL,
    created_at     timestamptz NOT NULL,
    FOREIGN KEY (destination_id, warehouse_id) REFERENCES destinations (destination_id, warehouse_id),
    UNIQUE (wave_id, destination_id)
);
-- Every order of a wave has the wave's destination.
ALTER TABLE orders ADD CONSTRAINT order_destination_matches_wave
    FOREIGN KEY (wave_id, destination_id) REFERENCES waves (wave_id, destination_id);

-- `lane_position` rises: the load carrier with the lowest one is the head of the lane.
CREATE SEQUENCE lane_position;
CREATE TABLE carriers (
    carrier_id     text COLLATE "C" PRIMARY KEY,
    warehouse_id   text COLLATE "C" NOT NULL REFERENCES warehouses,
    sku            text NOT NULL,
    quantity       integer NOT NULL CHECK (quantity BETWEEN 0 AND 1000000),
    allocated      integer NOT NULL DEFAULT 0,
    status         text NOT NULL CHECK (status IN ('available', 'on_hold', 'inspection_required')),
    status_reason  text NOT NULL DEFAULT '',
    location       text NOT NULL CHECK (location IN ('in_lane', 'moving', 'at_destination', 'left')),
    lane_id        text COLLATE "C",
    lane_position  bigint,
    destination_id text COLLATE "C",
    produced_at    timestamptz NOT NULL,
    received_at    timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    FOREIGN KEY (lane_id, warehouse_id) REFERENCES lanes (lane_id, warehouse_id),
    -- A load carrier gets its destination from its allocations; no foreign key, for the same reason as there.
    UNIQUE (lane_id, lane_position),
    CONSTRAINT allocated_units_within_quantity CHECK (allocated BETWEEN 0 AND quantity),
    CONSTRAINT allocated_carrier_has_destination CHECK (allocated = 0 OR destination_id IS NOT NULL),
    CONSTRAINT location_is_consistent CHECK (
        (lane_id IS NULL) = (lane_position IS NULL)
        AND (location <> 'in_lane' OR lane_id IS NOT NULL)
        AND (location <> 'at_destination' OR (destination_id IS NOT NULL AND lane_id IS NULL))
        AND (location <> 'left' OR (quantity = 0 AND destination_id IS NULL AND lane_id IS NULL)))
-- A load carrier is updated a few times per move. With free space in its page most updates do not change indexes.
) WITH (fillfactor = 70);
-- GetStock, ListCarriers by SKU, allocation: the load carriers of a SKU, oldest first.
CREATE INDEX carriers_by_sku ON carriers (warehouse_id, sku, produced_at, carrier_id) WHERE location <> 'left';
-- The queue of a destination: load carriers that have arrived.
CREATE INDEX carriers_at_destination ON carriers (destination_id) WHERE location = 'at_destination';
-- The worker: lanes with a load carrier that has a destination.
CREATE INDEX carriers_allocated_in_lane ON carriers (lane_id) WHERE location = 'in_lane' AND destination_id IS NOT NULL;
-- The worker: load carriers on hold that have allocations.
CREATE INDEX carriers_held_with_destination ON carriers (carrier_id) WHERE status <> 'available' AND destination_id IS NOT NULL;

-- Moves and allocations: a queue of live rows, sometimes empty and sometimes thousands, beside millions of finished
-- rows. With statistics from a moment when the queue was empty the planner expects one row, and then reads a whole queue
-- for each row of another. Without statistics of their status it assumes a share of the table, which is always good
-- enough. Autovacuum runs early, independently of the number of finished rows.
--
-- A foreign key would look up and lock the referenced row for each row. Thousands of moves and allocations are inserted
-- in one statement, so their triggers check all references with one query. Orders, load carriers, lanes and destinations
-- are never deleted, so no other protection is needed.
CREATE TABLE moves (
    move_id        text COLLATE "C" PRIMARY KEY,
    warehouse_id   text COLLATE "C" NOT NULL,
    carrier_id     text COLLATE "C" NOT NULL REFERENCES carriers,
    kind           text NOT NULL CHECK (kind IN ('retrieve', 'relocate', 'return')),
    status         text NOT NULL CHECK (status IN ('requested', 'claimed', 'completed', 'failed', 'cancelled')),
    from_lane_id   text COLLATE "C",
    to_lane_id     text COLLATE "C",
    destination_id text COLLATE "C",
    claimed_by     text,
    requested_at   timestamptz NOT NULL,
    claimed_at     timestamptz,
    deadline_at    timestamptz NOT NULL,
    finished_at    timestamptz,
    failure_reason text,
    processed       boolean NOT NULL DEFAULT false,
    CONSTRAINT claimed_move_has_claimant CHECK (status NOT IN ('claimed', 'completed') OR claimed_by IS NOT NULL),
    CONSTRAINT finished_move_has_time CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT move_endpoints_match_kind CHECK (
        CASE kind
            WHEN 'retrieve' THEN destination_id IS NOT NULL AND to_lane_id IS NULL
            WHEN 'return' THEN destination_id IS NOT NULL AND to_lane_id IS NOT NULL
            ELSE from_lane_id IS NOT NULL AND to_lane_id IS NOT NULL AND destination_id IS NULL
        END)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
ALTER TABLE moves ALTER COLUMN status SET STATISTICS 0;
-- A load carrier has one live move at a time.
CREATE UNIQUE INDEX moves_one_live_per_carrier ON moves (carrier_id) WHERE status IN ('requested', 'claimed');
-- ClaimMoves: the oldest moves of a warehouse first.
CREATE INDEX moves_requested_by_warehouse ON moves (warehouse_id, requested_at, move_id) WHERE status = 'requested';
-- The worker: failed moves that it has not processed.
CREATE INDEX moves_failed_unprocessed ON moves (finished_at) WHERE status = 'failed' AND NOT processed;
-- The queue of a destination: load carriers on their way.
CREATE INDEX moves_live_retrievals ON moves (destination_id) WHERE status IN ('requested', 'claimed') AND kind = 'retrieve';

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
    CONSTRAINT fulfilled_units_within_quantity CHECK (quantity_fulfilled BETWEEN 0 AND quantity),
    CONSTRAINT fulfilled_status_matches_quantity CHECK ((status = 'fulfilled') = (quantity_fulfilled = quantity AND status <> 'cancelled')),
    CONSTRAINT closed_backorder_has_time CHECK ((status IN ('fulfilled', 'cancelled')) = (closed_at IS NOT NULL))
);
-- The backorders of an order: CompleteOrder, CancelOrder.
CREATE INDEX backorders_by_order ON backorders (order_id);
-- The worker: the backorders of a SKU.
CREATE INDEX backorders_active_by_sku ON backorders (warehouse_id, sku, created_at) WHERE status IN ('open', 'in_progress');
-- ListBackorders, oldest first.
CREATE INDEX backorders_by_creation ON backorders (created_at, backorder_id);

CREATE TABLE allocations (
    allocation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- No reference to the line: UpdateOrder may replace lines whose allocations have ended.
    order_id      text COLLATE "C" NOT NULL,
    line_number   integer NOT NULL,
    carrier_id    text COLLATE "C" NOT NULL,
    quantity      integer NOT NULL CHECK (quantity >= 1),
    status        text NOT NULL CHECK (status IN ('live', 'picked', 'released')),
    -- All live allocations of a load carrier have its destination as their target.
    target_id     text COLLATE "C",
    backorder_id  text COLLATE "C" REFERENCES backorders,
    created_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    CONSTRAINT live_allocation_has_target CHECK ((status = 'live') = (target_id IS NOT NULL)),
    CONSTRAINT ended_allocation_has_time CHECK ((status = 'live') = (ended_at IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
ALTER TABLE allocations ALTER COLUMN status SET STATISTICS 0;
-- The live allocations of an order.
CREATE INDEX allocations_by_order ON allocations (order_id) WHERE status = 'live';
-- The live allocations of a load carrier: only these have a target (live_allocation_has_target).
CREATE INDEX allocations_by_target ON allocations (carrier_id, target_id) WHERE target_id IS NOT NULL;
-- The live allocations of a backorder.
CREATE INDEX allocations_by_backorder ON allocations (backorder_id) WHERE status = 'live' AND backorder_id IS NOT NULL;

-- Recorded units that were not found: received = on hand + delivered + written off.
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
