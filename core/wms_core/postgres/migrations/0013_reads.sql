-- Lists that stay as quick as they are however much there is (docs/adr/0019).

-- ListDeadLetterEntries by customer.
CREATE INDEX dead_letters_by_customer ON dead_letter_entries (customer_id, created_at DESC, entry_id DESC);

DROP INDEX orders_by_retry;
-- The worker's due retries; ListEligibleOrders, whose total is counted in the index alone.
CREATE INDEX orders_by_retry ON orders (next_retry_at, order_id) INCLUDE (retry_count, failed_status)
    WHERE status = 'pending_retry';
