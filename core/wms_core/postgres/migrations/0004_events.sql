-- Events: a change writes to `outbox` in its transaction. The sequencer moves committed rows into `order_events` and
-- assigns the next positions (docs/adr/0004).

CREATE SEQUENCE outbox_id CACHE 1;
CREATE SEQUENCE event_position CACHE 1;

CREATE TABLE outbox (
    id             bigint NOT NULL DEFAULT nextval('outbox_id'),
    event_id       uuid NOT NULL DEFAULT gen_random_uuid(),
    order_id       text COLLATE "C" NOT NULL,
    sequence       integer NOT NULL CHECK (sequence >= 1),
    version        integer NOT NULL,
    type           text NOT NULL,
    occurred_at    timestamptz NOT NULL,
    from_status    text,
    to_status      text,
    warehouse_id   text NOT NULL,
    actor          text NOT NULL,
    correlation_id text NOT NULL,
    wave_number    text NOT NULL,
    workflow_id    text NOT NULL,
    traceparent    text NOT NULL,
    payload        json NOT NULL,
    -- The status table: an event has one of its transitions, or no change of status. For a pair with a null, IN is
    -- null, which a CHECK accepts; hence the coalesce.
    CONSTRAINT legal_transition CHECK (
        (from_status IS NULL AND to_status IS NULL)
        OR (from_status IS NULL AND to_status = 'received' AND sequence = 1)
        OR coalesce((from_status, to_status) IN (
            ('received', 'validated'), ('received', 'pending_retry'), ('received', 'dead_letter'),
            ('received', 'cancelled'),
            ('validated', 'assigned_to_wave'), ('validated', 'pending_retry'), ('validated', 'dead_letter'),
            ('validated', 'cancelled'),
            ('assigned_to_wave', 'picking'), ('assigned_to_wave', 'pending_retry'),
            ('assigned_to_wave', 'dead_letter'), ('assigned_to_wave', 'cancelled'),
            ('picking', 'packing'), ('picking', 'pending_retry'), ('picking', 'dead_letter'),
            ('picking', 'cancelled'),
            ('packing', 'shipped'), ('packing', 'pending_retry'), ('packing', 'dead_letter'),
            ('packing', 'cancelled'),
            ('shipped', 'completed'),
            ('pending_retry', 'pending_retry'), ('pending_retry', 'received'),
            ('pending_retry', 'dead_letter'), ('pending_retry', 'cancelled'),
            ('dead_letter', 'received'), ('dead_letter', 'cancelled')), false))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
-- The sequencer needs only this index; another one would slow down every writer.
CREATE INDEX outbox_by_id ON outbox (id);

CREATE TABLE order_events (
    position       bigint NOT NULL,
    event_id       uuid NOT NULL,
    order_id       text COLLATE "C" NOT NULL,
    sequence       integer NOT NULL,
    version        integer NOT NULL,
    type           text NOT NULL,
    occurred_at    timestamptz NOT NULL,
    from_status    text,
    to_status      text,
    warehouse_id   text NOT NULL,
    actor          text NOT NULL,
    correlation_id text NOT NULL,
    wave_number    text NOT NULL,
    workflow_id    text NOT NULL,
    traceparent    text NOT NULL,
    payload        json NOT NULL,
    PRIMARY KEY (position)
) PARTITION BY RANGE (position);
-- GetOrderHistory.
CREATE INDEX order_events_by_order ON order_events (order_id, sequence);

-- Partitions of a million positions each; create_log_partitions creates later ones.
CREATE TABLE order_events_p000000 (LIKE order_events INCLUDING ALL);
CREATE TABLE order_events_p000001 (LIKE order_events INCLUDING ALL);
CREATE TABLE order_events_p000002 (LIKE order_events INCLUDING ALL);
ALTER TABLE order_events ATTACH PARTITION order_events_p000000 FOR VALUES FROM (0) TO (1000000);
ALTER TABLE order_events ATTACH PARTITION order_events_p000001 FOR VALUES FROM (1000000) TO (2000000);
ALTER TABLE order_events ATTACH PARTITION order_events_p000002 FOR VALUES FROM (2000000) TO (3000000);

-- Changes that are not events of an order: stock, lanes, destinations, waves, workers.
CREATE TABLE audit_log (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at             timestamptz NOT NULL,
    actor          text NOT NULL,
    action         text NOT NULL,
    subject        text NOT NULL,
    correlation_id text NOT NULL,
    detail         json NOT NULL
);

-- The progress of a relay: Kafka has acknowledged every event up to this position, or it is parked. Partitions of the
-- log are kept until every relay has passed them.
CREATE TABLE relay_positions (
    relay    text PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0),
    saved_at timestamptz NOT NULL DEFAULT now()
);

-- Events that Kafka rejected permanently, at most one per order; later events of the order wait behind it. A released
-- event is published again with the events behind it, or it is parked again. Partitions of the log with a parked event
-- are kept.
CREATE TABLE parked_events (
    position    bigint PRIMARY KEY,
    event_id    uuid NOT NULL UNIQUE,
    order_id    text COLLATE "C" NOT NULL UNIQUE REFERENCES orders,
    parked_at   timestamptz NOT NULL,
    attempts    integer NOT NULL CHECK (attempts >= 1),
    last_error  text NOT NULL,
    released_at timestamptz
);
-- The relay polls them twice a second while there are parked events.
CREATE INDEX parked_events_released ON parked_events (position) WHERE released_at IS NOT NULL;

-- The state of the relay, which its leader reports every two seconds and after each change. `since` is the start of the
-- state. An old report means only that no relay has reported since.
CREATE TABLE relay_reports (
    relay       text PRIMARY KEY,
    worker_id   text NOT NULL,
    state       text NOT NULL CHECK (state IN ('publishing', 'failing')),
    since       timestamptz NOT NULL,
    reported_at timestamptz NOT NULL
);
