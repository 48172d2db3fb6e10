-- The audit trail: every accepted change once, as its event if it has one, else as its audit record.
CREATE VIEW audit_trail AS
    SELECT at, actor, action, subject, correlation_id, detail FROM audit_log
    UNION ALL
    SELECT occurred_at, actor, type, 'order/' || order_id, correlation_id, payload FROM order_events
    UNION ALL
    SELECT occurred_at, actor, type, 'order/' || order_id, correlation_id, payload FROM outbox;
