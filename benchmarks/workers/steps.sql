-- The step of the competitors in the schema of wms-orders, and statements to observe the progress.

-- name: install
-- One step of one order as one call: its status and its event.
CREATE FUNCTION take_step(id text, step integer, wave text) RETURNS void LANGUAGE sql
SET plan_cache_mode = force_generic_plan
BEGIN ATOMIC
    WITH moved AS (
        UPDATE orders
           SET status = (ARRAY['validated', 'assigned_to_wave', 'picking', 'packing'])[step],
               version = version + 1, sequence = sequence + 1, updated_at = clock_timestamp(),
               wave_id = CASE WHEN step = 2 THEN wave ELSE wave_id END,
               destination_id = CASE WHEN step = 2 THEN 'BARE-PACK' ELSE destination_id END
         WHERE order_id = id AND status = (ARRAY['received', 'validated', 'assigned_to_wave', 'picking'])[step]
        RETURNING *
    )
    INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id, actor,
                        correlation_id, wave_number, workflow_id, traceparent, payload)
    SELECT order_id, sequence, version,
           'wms.order.' || (ARRAY['validated', 'wave-assigned', 'picking-started', 'packing-started'])[step], updated_at,
           (ARRAY['received', 'validated', 'assigned_to_wave', 'picking'])[step], status, warehouse_id, 'competitor', '',
           coalesce(wave_id, ''), '', '',
           json_build_object('orderId', order_id, 'customerId', customer_id, 'waveId', wave_id, 'timestamp', updated_at)
      FROM moved;
END

-- name: packed
-- Number of packed orders of a competitor.
SELECT count(*) FROM orders WHERE status = 'packing' AND order_id LIKE $1 || '%'

-- name: competitor_span
-- Seconds from the first transition to the last one; the start of the program is not included.
SELECT extract(epoch FROM max(occurred_at) - min(occurred_at))::float8, count(*)
  FROM outbox WHERE order_id LIKE $1 || '%'

-- name: remaining
-- Orders of the worker before PACKING.
SELECT count(*) FROM orders WHERE status IN ('received', 'validated', 'assigned_to_wave', 'picking') AND order_id LIKE 'ORD-%'

-- name: worker_span
-- Seconds from the start of the first cycle to the last order in PACKING.
SELECT extract(epoch FROM
           (SELECT max(occurred_at)
              FROM (SELECT occurred_at FROM order_events
                     WHERE type = 'wms.order.packing-started' AND occurred_at > $1
                    UNION ALL
                    SELECT occurred_at FROM outbox
                     WHERE type = 'wms.order.packing-started' AND occurred_at > $1) AS e)
           - (SELECT min(started_at) FROM fulfillment_runs WHERE started_at > $1))::float8

-- name: outbox_events
-- Events without a position.
SELECT count(*) FROM outbox
