-- Events: a change writes to `outbox` in its own transaction; the sequencer moves committed rows into
-- `order_events` and gives each the next position (docs/adr/0004).

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
    -- The status table: an event tells of one of its arrows, or of no change of status at all. Of a pair with a
    -- null in it IN knows nothing, which a CHECK would let pass.
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
-- The sequencer's only access; a further index would cost every writer.
CREATE INDEX outbox_in_order ON outbox (id);

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

-- Partitions of a million positions each, made ahead of the sequence that fills them. They are attached, not made
-- in place, which would lock every reader of the log out and wait for the longest of them.
CREATE FUNCTION extend_event_log(ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    size    CONSTANT bigint := 1000000;
    newest  bigint := (SELECT last_value / size FROM event_position);
    made    integer := 0;
    number  bigint;
    name    text;
BEGIN
    FOR number IN newest .. newest + ahead LOOP
        name := 'order_events_p' || lpad(number::text, 6, '0');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE order_events INCLUDING ALL)', name);
            EXECUTE format('ALTER TABLE order_events ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                           name, number * size, (number + 1) * size);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
SELECT extend_event_log(2);

-- Changes that are no events of an order: stock, lanes, destinations, waves, workers.
CREATE TABLE audit_log (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at             timestamptz NOT NULL,
    actor          text NOT NULL,
    action         text NOT NULL,
    subject        text NOT NULL,
    correlation_id text NOT NULL,
    detail         json NOT NULL
);

-- Who did what: every accepted change once, told by its event where it has one.
CREATE VIEW audit AS
    SELECT at, actor, action, subject, correlation_id, detail FROM audit_log
    UNION ALL
    SELECT occurred_at, actor, type, 'order/' || order_id, correlation_id, payload FROM order_events
    UNION ALL
    SELECT occurred_at, actor, type, 'order/' || order_id, correlation_id, payload FROM outbox;
