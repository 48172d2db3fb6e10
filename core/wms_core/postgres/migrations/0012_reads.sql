-- Reads that stay as quick as they are however much there is (docs/adr/0019): the dead letter queue is counted as it
-- changes, and lists have the indexes they want.

-- How many entries there are of each kind, as a sum of its rows: whoever changes the queue adds rows, in the same
-- transaction, and waits for nobody. Now and then many rows of one kind become one.
CREATE TABLE dead_letter_counts (
    final_failure_status text NOT NULL,
    resolution           text,
    entries              bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE FUNCTION count_dead_letters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO dead_letter_counts
        SELECT final_failure_status, resolution, -count(*) FROM gone GROUP BY final_failure_status, resolution;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO dead_letter_counts
        SELECT final_failure_status, resolution, count(*) FROM come GROUP BY final_failure_status, resolution;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER dead_letters_made AFTER INSERT ON dead_letter_entries
    REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION count_dead_letters();
CREATE TRIGGER dead_letters_decided AFTER UPDATE ON dead_letter_entries
    REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION count_dead_letters();
CREATE TRIGGER dead_letters_removed AFTER DELETE ON dead_letter_entries
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION count_dead_letters();
-- After the triggers, which keep writers out until the end of this transaction.
INSERT INTO dead_letter_counts
SELECT final_failure_status, resolution, count(*) FROM dead_letter_entries GROUP BY final_failure_status, resolution;

-- Only what is worked on can fail.
ALTER TABLE orders ADD CHECK (failed_status IN ('received', 'validated', 'assigned_to_wave', 'picking', 'packing'));
ALTER TABLE order_failures
    ADD CHECK (status IN ('received', 'validated', 'assigned_to_wave', 'picking', 'packing'));
ALTER TABLE dead_letter_entries
    ADD CHECK (final_failure_status IN ('received', 'validated', 'assigned_to_wave', 'picking', 'packing'));

-- ListDeadLetterEntries by customer.
CREATE INDEX dead_letters_by_customer ON dead_letter_entries (customer_id, created_at DESC, entry_id DESC);

DROP INDEX orders_by_retry;
-- The worker's due retries; ListEligibleOrders, whose total is counted in the index alone.
CREATE INDEX orders_by_retry ON orders (next_retry_at, order_id) INCLUDE (retry_count, failed_status)
    WHERE status = 'pending_retry';
