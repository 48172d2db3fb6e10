-- A role whose holder won an election.
UPDATE worker_roles SET epoch = 7, worker_id = 'w-2', heartbeat_at = now(), election_folder = 1790000000000,
       election_node = 4294967301
 WHERE role = 'relay';
