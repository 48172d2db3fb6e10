-- Entries that were made, decided and removed while they were counted.
INSERT INTO dead_letter_entries (entry_id, order_id, customer_id, warehouse_id, final_failure_status,
                                 final_failure_reason, total_retry_attempts, attempts, order_snapshot, created_at)
SELECT 'DLQ-counted-' || status, 'ORD-' || status, 'CUST-001', 'WH-01', 'packing', 'jam', 1, '[]', '{}', now()
  FROM unnest(ARRAY['received', 'validated', 'cancelled']) AS status;
UPDATE dead_letter_entries SET resolution = 'manual_retry', resolved_at = now() WHERE entry_id = 'DLQ-counted-received';
DELETE FROM dead_letter_entries WHERE entry_id = 'DLQ-counted-cancelled';
