-- A role whose holder won an election.
UPDATE worker_roles SET epoch = 7, worker_id = 'w-2', heartbeat_at = now(), election_folder = 1790000000000,
       election_node = 4294967301
 WHERE role = 'relay';
-- A replica that reports, and has held a role.
INSERT INTO workers (worker_id, host, version, mode, started_at, heartbeat_at)
VALUES ('w-2', 'host-2', '0.1.0', 'passive', now(), now());
INSERT INTO worker_parts (worker_id, role, epoch) VALUES ('w-2', 'relay', 7);
UPDATE worker_roles SET step_down_epoch = 7, step_down_at = now() WHERE role = 'relay';
