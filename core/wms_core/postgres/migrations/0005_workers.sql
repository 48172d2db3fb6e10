-- Worker replicas, their roles, runs of the cycle, and pauses.

-- The leader of each role (docs/adr/0005) and the election that it won (docs/adr/0012).
CREATE TABLE worker_roles (
    role            text PRIMARY KEY,
    lock_key        integer NOT NULL UNIQUE,
    epoch           bigint NOT NULL DEFAULT 0,
    worker_id       text,
    claimed_at      timestamptz,
    heartbeat_at    timestamptz,
    -- The token of the election that the holder won; null if the lease in Postgres elects.
    -- Creation time of the lock's folder in ZooKeeper, in milliseconds: later after ZooKeeper was wiped.
    election_folder bigint,
    -- The czxid of the winner's node in ZooKeeper: higher for every later winner.
    election_node   bigint,
    -- The epoch that was asked to step down, and the time.
    step_down_epoch bigint,
    step_down_at    timestamptz,
    CONSTRAINT election_token_is_complete CHECK ((election_folder IS NULL) = (election_node IS NULL)),
    CONSTRAINT step_down_is_complete CHECK ((step_down_epoch IS NULL) = (step_down_at IS NULL))
);
INSERT INTO worker_roles (role, lock_key) VALUES ('fulfillment', 1), ('relay', 2);

-- The replicas that report, and those that are set to passive.
CREATE TABLE workers (
    worker_id     text COLLATE "C" PRIMARY KEY,
    host          text NOT NULL,
    version       text NOT NULL,
    mode          text NOT NULL DEFAULT 'auto' CHECK (mode IN ('auto', 'passive')),
    started_at    timestamptz NOT NULL,
    heartbeat_at  timestamptz NOT NULL,
    last_cycle_at timestamptz
);

-- The roles that a replica is a candidate for, each with the last epoch in which it was the leader.
CREATE TABLE worker_parts (
    worker_id text COLLATE "C" NOT NULL REFERENCES workers ON DELETE CASCADE,
    role      text NOT NULL REFERENCES worker_roles,
    epoch     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (worker_id, role)
);

CREATE TABLE fulfillment_runs (
    run_id       text COLLATE "C" PRIMARY KEY,
    status       text NOT NULL CHECK (status IN ('requested', 'running', 'completed', 'failed', 'abandoned')),
    warehouse_id text COLLATE "C" NOT NULL DEFAULT '',
    requested_by text NOT NULL DEFAULT '',
    requested_at timestamptz,
    created_at   timestamptz NOT NULL,
    started_at   timestamptz,
    finished_at  timestamptz,
    worker_id    text NOT NULL DEFAULT '',
    epoch        bigint NOT NULL DEFAULT 0,
    steps        json NOT NULL DEFAULT '[]',
    errors       text[] NOT NULL DEFAULT '{}'
);
-- ListFulfillmentRuns, newest first; the removal of expired runs.
CREATE INDEX fulfillment_runs_by_creation ON fulfillment_runs (created_at DESC, run_id DESC);
-- The worker: requested runs, and unfinished runs of a lost worker.
CREATE INDEX fulfillment_runs_unfinished ON fulfillment_runs (created_at) WHERE status IN ('requested', 'running');

-- An empty warehouse id pauses all warehouses.
CREATE TABLE fulfillment_pauses (
    warehouse_id text COLLATE "C" PRIMARY KEY,
    reason       text NOT NULL,
    paused_by    text NOT NULL,
    paused_at    timestamptz NOT NULL,
    expires_at   timestamptz
);
