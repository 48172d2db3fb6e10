-- Who did what: every accepted change once, told by its event where it has one.
CREATE VIEW audit AS
    SELECT at, actor, action, subject, correlation_id, detail FROM audit_log
    UNION ALL
    SELECT occurred_at, actor, type, 'order/' || order_id, correlation_id, payload FROM order_events
    UNION ALL
    SELECT occurred_at, actor, type, 'order/' || order_id, correlation_id, payload FROM outbox;
