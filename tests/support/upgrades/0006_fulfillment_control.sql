-- Runs in every status, asked for or not, and a pause of each kind.
INSERT INTO fulfillment_runs (run_id, status, warehouse_id, requested_by, requested_at, created_at, started_at,
                              finished_at, worker_id, epoch, steps, errors)
SELECT 'RUN-' || status, status, 'WH-01', 'test', now(), now(),
       CASE WHEN status <> 'requested' THEN now() END,
       CASE WHEN status NOT IN ('requested', 'running') THEN now() END, 'w-1', 3, '[]',
       CASE WHEN status = 'failed' THEN ARRAY['allocate: jam'] ELSE ARRAY[]::text[] END
  FROM unnest(ARRAY['requested', 'running', 'completed', 'failed', 'abandoned']) AS status;
INSERT INTO fulfillment_pauses (warehouse_id, reason, paused_by, paused_at, expires_at)
VALUES ('', 'audit', 'test', now(), now() + interval '1 h'), ('WH-02', 'stocktaking', 'test', now(), NULL);
