-- What waits is a handful of rows beside millions that are done, at one moment none and at the next thousands.
-- Statistics taken at the wrong moment say "one row", and the planner then reads a whole queue for each row of
-- another. Without statistics on these columns it assumes a share of the table, which is always right enough.
ALTER TABLE allocations ALTER COLUMN status SET STATISTICS 0;
ALTER TABLE moves ALTER COLUMN status SET STATISTICS 0;

-- A carrier that loses its target: is anything still live on it? The foreign key asks that without naming the
-- status, so that allocations_by_carrier can't answer; it would read all allocations there ever were.
CREATE INDEX allocations_by_target ON allocations (carrier_id, target_id) WHERE target_id IS NOT NULL;
