-- A role that a worker has held.
UPDATE worker_roles SET epoch = 3, worker_id = 'w-1', heartbeat_at = now() WHERE role = 'fulfillment';
