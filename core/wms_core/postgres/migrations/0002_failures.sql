-- Failures of orders and the dead letter queue.

-- Every counted failure. The retry generation is the number of manual retries before it, so earlier failures are kept.
CREATE TABLE order_failures (
    order_id       text COLLATE "C" NOT NULL REFERENCES orders,
    retry_generation           integer NOT NULL,
    attempt_number integer NOT NULL CHECK (attempt_number >= 1),
    status         text NOT NULL CHECK (status IN ('received', 'validated', 'assigned_to_wave', 'picking', 'packing')),
    reason         text NOT NULL,
    failed_at      timestamptz NOT NULL,
    workflow_id    text NOT NULL DEFAULT '',
    actor          text NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, retry_generation, attempt_number)
);

CREATE TABLE dead_letter_entries (
    entry_id             text COLLATE "C" PRIMARY KEY,
    order_id             text COLLATE "C" NOT NULL REFERENCES orders,
    customer_id          text NOT NULL,
    warehouse_id         text COLLATE "C" NOT NULL,
    final_failure_status text NOT NULL CHECK (final_failure_status IN (
        'received', 'validated', 'assigned_to_wave', 'picking', 'packing')),
    final_failure_reason text NOT NULL,
    total_retry_attempts integer NOT NULL,
    attempts             json NOT NULL,
    order_snapshot       json NOT NULL,
    created_at           timestamptz NOT NULL,
    resolution           text CHECK (resolution IN ('manual_retry', 'cancelled', 'escalated')),
    resolved_at          timestamptz,
    CONSTRAINT resolution_has_time CHECK ((resolution IS NULL) = (resolved_at IS NULL))
);

-- At most one open entry per order: an order in the queue has exactly one entry without a final decision.
CREATE UNIQUE INDEX dead_letters_one_open_per_order ON dead_letter_entries (order_id)
    WHERE resolution IS NULL OR resolution = 'escalated';
-- GetDeadLetterEntry: the newest entry of an order.
CREATE INDEX dead_letters_by_order ON dead_letter_entries (order_id, created_at DESC, entry_id DESC);
-- ListDeadLetterEntries, newest first; older_than_hours.
CREATE INDEX dead_letters_by_creation ON dead_letter_entries (created_at DESC, entry_id DESC);
-- ListDeadLetterEntries of unresolved entries; the oldest unresolved entry of the statistics.
CREATE INDEX dead_letters_unresolved ON dead_letter_entries (created_at DESC, entry_id DESC) WHERE resolution IS NULL;
-- ListDeadLetterEntries by customer.
CREATE INDEX dead_letters_by_customer ON dead_letter_entries (customer_id, created_at DESC, entry_id DESC);

CREATE TABLE dead_letter_resolutions (
    entry_id    text COLLATE "C" NOT NULL REFERENCES dead_letter_entries,
    number      integer NOT NULL CHECK (number >= 1),
    resolution  text NOT NULL CHECK (resolution IN ('manual_retry', 'cancelled', 'escalated')),
    notes       text NOT NULL,
    resolved_by text NOT NULL,
    resolved_at timestamptz NOT NULL,
    PRIMARY KEY (entry_id, number)
);

-- The number of entries by status and resolution, as the sum of the rows of each pair. A change of the queue adds rows
-- in the same transaction and without waiting for locks. The rows of a pair are merged now and then.
CREATE TABLE dead_letter_counts (
    final_failure_status text NOT NULL,
    resolution           text,
    entries              bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
