-- Lanes, destinations, carriers, moves, waves and what orders hold of the stock.

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
-- ListLanes of a warehouse; lanes with room for a carrier that returns.
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
ALTER TABLE orders ADD CONSTRAINT wave_goes_to_destination
    FOREIGN KEY (wave_id, destination_id) REFERENCES waves (wave_id, destination_id);

-- `lane_position` rises: the carrier with the lowest one is the lane's head.
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
    FOREIGN KEY (destination_id, warehouse_id) REFERENCES destinations (destination_id, warehouse_id),
    UNIQUE (lane_id, lane_position),
    UNIQUE (carrier_id, destination_id),
    CONSTRAINT never_more_than_there_is CHECK (allocated BETWEEN 0 AND quantity),
    CONSTRAINT allocated_has_target CHECK (allocated = 0 OR destination_id IS NOT NULL),
    CONSTRAINT place_is_known CHECK (
        (lane_id IS NULL) = (lane_position IS NULL)
        AND (location <> 'in_lane' OR lane_id IS NOT NULL)
        AND (location <> 'at_destination' OR (destination_id IS NOT NULL AND lane_id IS NULL))
        AND (location <> 'left' OR (quantity = 0 AND destination_id IS NULL AND lane_id IS NULL)))
);
-- A carrier as it is read; `place` counts from the head of its lane.
CREATE VIEW carrier_documents AS
    SELECT c.*,
           (SELECT count(*) FROM carriers h WHERE h.lane_id = c.lane_id AND h.lane_position <= c.lane_position)
               AS place
      FROM carriers c;
-- GetStock, ListCarriers by SKU, allocation: what there is of a SKU, oldest first.
CREATE INDEX carriers_by_sku ON carriers (warehouse_id, sku, produced_at, carrier_id) WHERE location <> 'left';
-- A destination's queue: carriers that are there.
CREATE INDEX carriers_at_destination ON carriers (destination_id) WHERE destination_id IS NOT NULL;

CREATE TABLE moves (
    move_id        text COLLATE "C" PRIMARY KEY,
    warehouse_id   text COLLATE "C" NOT NULL,
    carrier_id     text COLLATE "C" NOT NULL REFERENCES carriers,
    kind           text NOT NULL CHECK (kind IN ('retrieve', 'relocate', 'return')),
    status         text NOT NULL CHECK (status IN ('requested', 'claimed', 'completed', 'failed', 'cancelled')),
    from_lane_id   text COLLATE "C" REFERENCES lanes,
    to_lane_id     text COLLATE "C" REFERENCES lanes,
    destination_id text COLLATE "C" REFERENCES destinations,
    claimed_by     text,
    requested_at   timestamptz NOT NULL,
    claimed_at     timestamptz,
    deadline_at    timestamptz NOT NULL,
    finished_at    timestamptz,
    failure_reason text,
    taken_in       boolean NOT NULL DEFAULT false,
    CONSTRAINT claim_has_owner CHECK (status NOT IN ('claimed', 'completed') OR claimed_by IS NOT NULL),
    CONSTRAINT end_has_time CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT trip_fits_kind CHECK (
        CASE kind
            WHEN 'retrieve' THEN destination_id IS NOT NULL AND to_lane_id IS NULL
            WHEN 'return' THEN destination_id IS NOT NULL AND to_lane_id IS NOT NULL
            ELSE from_lane_id IS NOT NULL AND to_lane_id IS NOT NULL AND destination_id IS NULL
        END)
);
-- A carrier makes one trip at a time.
CREATE UNIQUE INDEX moves_live ON moves (carrier_id) WHERE status IN ('requested', 'claimed');
-- ClaimMoves: the oldest of a warehouse first.
CREATE INDEX moves_to_claim ON moves (warehouse_id, requested_at, move_id) WHERE status = 'requested';
-- The worker: moves that are overdue.
CREATE INDEX moves_by_deadline ON moves (deadline_at) WHERE status IN ('requested', 'claimed');
-- The worker: failed moves that it has not acted on.
CREATE INDEX moves_failed ON moves (finished_at) WHERE status = 'failed' AND NOT taken_in;
-- A destination's queue: carriers on their way.
CREATE INDEX moves_on_the_way ON moves (destination_id) WHERE status IN ('requested', 'claimed') AND kind = 'retrieve';

CREATE TABLE allocations (
    allocation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id      text COLLATE "C" NOT NULL,
    line_number   integer NOT NULL,
    carrier_id    text COLLATE "C" NOT NULL,
    quantity      integer NOT NULL CHECK (quantity >= 1),
    status        text NOT NULL CHECK (status IN ('live', 'picked', 'released')),
    target_id     text COLLATE "C",
    created_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    -- To the order, not to its line: UpdateOrder may replace lines whose allocations have ended.
    FOREIGN KEY (order_id) REFERENCES orders,
    FOREIGN KEY (carrier_id) REFERENCES carriers,
    -- A carrier has one target: all that is live on it goes to the destination that the carrier goes to.
    FOREIGN KEY (carrier_id, target_id) REFERENCES carriers (carrier_id, destination_id),
    CONSTRAINT live_has_target CHECK ((status = 'live') = (target_id IS NOT NULL)),
    CONSTRAINT ended_has_time CHECK ((status = 'live') = (ended_at IS NULL))
);
-- What an order holds.
CREATE INDEX allocations_by_order ON allocations (order_id) WHERE status = 'live';
-- What is to be picked off a carrier that has arrived.
CREATE INDEX allocations_by_carrier ON allocations (carrier_id) WHERE status = 'live';
