-- The relay carries the event log to Kafka (docs/adr/0014).

-- How far a relay has come: every event up to this position has been acknowledged by Kafka, or is parked.
-- Partitions of the log are kept until every relay has passed them.
CREATE TABLE relay_positions (
    relay    text PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0),
    saved_at timestamptz NOT NULL DEFAULT now()
);

-- Events that Kafka refused for a reason that trying again does not cure, at most one of an order: the later ones of
-- that order wait behind it. A released one is tried again; then it and those behind it are published, or it is parked
-- once more. Partitions of the log that hold one of them are kept.
CREATE TABLE parked_events (
    position    bigint PRIMARY KEY,
    event_id    uuid NOT NULL UNIQUE,
    order_id    text COLLATE "C" NOT NULL UNIQUE REFERENCES orders,
    parked_at   timestamptz NOT NULL,
    attempts    integer NOT NULL CHECK (attempts >= 1),
    last_error  text NOT NULL,
    released_at timestamptz
);
-- The relay looks for them twice a second while anything is parked.
CREATE INDEX parked_events_released ON parked_events (position) WHERE released_at IS NOT NULL;
