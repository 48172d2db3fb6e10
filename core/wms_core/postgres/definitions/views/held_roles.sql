-- The roles that a worker holds, as far as its heartbeat can tell: it beats every ten seconds at least.
CREATE VIEW held_roles AS
    SELECT * FROM worker_roles
     WHERE worker_id IS NOT NULL AND heartbeat_at > clock_timestamp() - interval '30 s';
