-- Readiness: whether the database takes writes, and whether events reach Kafka (docs/adr/0030).

-- How the relay is, as the replica that holds the role reports it every two seconds and after each change. `since` is
-- when the state began; a report that is old says only that no relay has reported after it.
CREATE TABLE relay_reports (
    relay       text PRIMARY KEY,
    worker_id   text NOT NULL,
    state       text NOT NULL CHECK (state IN ('publishing', 'failing')),
    since       timestamptz NOT NULL,
    reported_at timestamptz NOT NULL
);

-- Always empty. While the disk is full, a process fills it in a transaction that is rolled back: whether that works
-- shows whether there is room again. Rows are as wide as a page and are not compressed.
CREATE TABLE space_probe (filling text NOT NULL);
ALTER TABLE space_probe ALTER COLUMN filling SET STORAGE PLAIN;
