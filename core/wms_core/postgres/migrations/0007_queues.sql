-- What waits is a handful of rows beside millions that are done, at one moment none and at the next thousands.
-- Statistics taken at the wrong moment say "one row", and the planner then reads a whole queue for each row of
-- another. Without statistics on these columns it assumes a share of the table, which is always right enough.
ALTER TABLE allocations ALTER COLUMN status SET STATISTICS 0;
ALTER TABLE moves ALTER COLUMN status SET STATISTICS 0;

DROP INDEX allocations_by_carrier;
-- What is live on a carrier: exactly that has a target (live_has_target). The foreign key asks for it by carrier and
-- target without naming the status when a carrier loses its target, so that one index serves both.
CREATE INDEX allocations_by_target ON allocations (carrier_id, target_id) WHERE target_id IS NOT NULL;
-- What is live refers to its carrier by allocations_carrier_id_target_id_fkey, and carriers are never deleted.
ALTER TABLE allocations DROP CONSTRAINT allocations_carrier_id_fkey;

DROP INDEX carriers_at_destination;
-- A destination's queue: carriers that are there.
CREATE INDEX carriers_at_destination ON carriers (destination_id) WHERE location = 'at_destination';
-- The worker: lanes with a carrier that is wanted somewhere.
CREATE INDEX carriers_wanted ON carriers (lane_id) WHERE location = 'in_lane' AND destination_id IS NOT NULL;
-- A trip is written three times within seconds; what is overdue is found among the few that are live.
DROP INDEX moves_by_deadline;
-- Queues are updated all the time, however many finished rows stand beside them.
ALTER TABLE moves SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
ALTER TABLE allocations SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);

-- The worker: carriers that are held although they are promised.
CREATE INDEX carriers_held ON carriers (carrier_id) WHERE status <> 'available' AND destination_id IS NOT NULL;

-- Whether an order in a wave has been promised stock. Thousands may have, and wait for room in a queue; those that
-- have not are found beside them without a look at what each of them holds.
ALTER TABLE orders ADD COLUMN holds_stock boolean NOT NULL DEFAULT false;
UPDATE orders SET holds_stock = true
 WHERE status = 'assigned_to_wave' AND order_id IN (SELECT order_id FROM allocations WHERE status = 'live');
DROP INDEX orders_by_urgency;
-- The worker's wave planning and allocation: most urgent first.
CREATE INDEX orders_by_urgency ON orders
    (status, (array_position(ARRAY['same_day', 'next_day', 'standard'], priority)), promised_delivery_at,
     created_at, order_id)
    WHERE status = 'validated' OR (status = 'assigned_to_wave' AND NOT holds_stock);
-- What an order in a wave waits for, when it is stock that it can't reach: looked at again once that has changed.
ALTER TABLE orders ADD COLUMN waiting_sku text, ADD COLUMN waiting_units integer NOT NULL DEFAULT 0;
