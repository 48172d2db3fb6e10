-- The roles with a holder whose heartbeat is at most 30 s old. A holder sends one every ten seconds at least.
CREATE VIEW held_roles AS
    SELECT * FROM worker_roles
     WHERE worker_id IS NOT NULL AND heartbeat_at > clock_timestamp() - interval '30 s';
