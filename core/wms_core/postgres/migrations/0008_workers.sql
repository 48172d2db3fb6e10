-- Who won which election, who is there, and who was told what (docs/adr/0012).

-- Which election the holder of a role won. Null while no election but the heartbeat decides.
ALTER TABLE worker_roles
    -- When the lock's folder was made in ZooKeeper, in milliseconds: later once ZooKeeper has been wiped.
    ADD COLUMN election_folder bigint,
    -- The change of ZooKeeper that made the winner's node: later for every later winner.
    ADD COLUMN election_node bigint,
    -- The epoch that was asked to hand over, and when.
    ADD COLUMN step_down_epoch bigint,
    ADD COLUMN step_down_at timestamptz,
    ADD CONSTRAINT worker_roles_token CHECK ((election_folder IS NULL) = (election_node IS NULL)),
    ADD CONSTRAINT worker_roles_step_down CHECK ((step_down_epoch IS NULL) = (step_down_at IS NULL));

-- Takes the role by a new epoch for whoever won an election, unless a later election was won by another.
-- Returns the epoch, or null. The same token may claim again: the answer to the first claim may be lost.
-- The caller holds the role's advisory lock exclusively and in an earlier statement.
CREATE FUNCTION claim_elected_role(wanted_role text, claimant text, folder bigint, node bigint) RETURNS bigint
LANGUAGE sql AS $$
    UPDATE worker_roles
       SET epoch = epoch + 1, worker_id = claimant, claimed_at = clock_timestamp(),
           heartbeat_at = clock_timestamp(), election_folder = folder, election_node = node
     WHERE role = wanted_role
       AND (election_folder IS NULL OR (election_folder, election_node) <= (folder, node))
    RETURNING epoch
$$;

-- The replicas that report, and those that were told to stay passive.
CREATE TABLE workers (
    worker_id     text COLLATE "C" PRIMARY KEY,
    host          text NOT NULL,
    version       text NOT NULL,
    mode          text NOT NULL DEFAULT 'auto' CHECK (mode IN ('auto', 'passive')),
    started_at    timestamptz NOT NULL,
    heartbeat_at  timestamptz NOT NULL,
    last_cycle_at timestamptz
);

-- The roles that a replica takes part in, each with the last epoch in which it held it.
CREATE TABLE worker_parts (
    worker_id text COLLATE "C" NOT NULL REFERENCES workers ON DELETE CASCADE,
    role      text NOT NULL REFERENCES worker_roles,
    epoch     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (worker_id, role)
);
