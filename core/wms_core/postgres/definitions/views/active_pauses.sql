-- The pauses that have not expired.
CREATE VIEW active_pauses AS
    SELECT * FROM fulfillment_pauses WHERE expires_at IS NULL OR expires_at > clock_timestamp();
