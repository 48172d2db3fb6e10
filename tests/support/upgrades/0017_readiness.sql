-- What a relay reported before it was replaced.
INSERT INTO relay_reports (relay, worker_id, state, since, reported_at)
VALUES ('kafka', 'worker-old', 'failing', '2026-02-01 09:00+00', '2026-02-01 09:05+00');
