"""Worker replicas with their roles, modes, reports and commands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Role(StrEnum):
    """A task that one replica at a time has."""

    FULFILLMENT = "fulfillment"  # runs the cycle
    RELAY = "relay"  # publishes events to Kafka


class WorkerMode(StrEnum):
    """Participation of a replica in elections."""

    AUTO = "auto"  # takes part in elections
    PASSIVE = "passive"  # takes no role until an operator changes the mode, also after a restart


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """Status of a role for a replica; the times are None while the replica does not have the role."""

    role: str
    epoch: int = 0
    held_for: timedelta | None = None
    lease_age: timedelta | None = None

    @property
    def is_active(self) -> bool:
        """True while the replica has the role."""
        return self.held_for is not None


@dataclass(frozen=True, slots=True)
class ReplicaReport:
    """Report of a replica about a role; `epoch` is that of its latest claim, 0 before the first.

    `candidate_roles` are all roles for which the replica is a candidate.
    """

    worker_id: str
    host: str
    version: str
    started_at: datetime
    role: str
    candidate_roles: tuple[str, ...]
    epoch: int = 0
    last_cycle_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """A replica as operators see it."""

    worker_id: str
    host: str
    version: str
    mode: WorkerMode
    started_at: datetime
    heartbeat_at: datetime
    last_cycle_at: datetime | None = None
    role_statuses: tuple[RoleStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplicaCommands:
    """Commands to a replica about a role."""

    #: Stay passive.
    passive: bool = False
    #: The current leader has to release the role.
    step_down: bool = False
    #: The replica has released the role, and no other replica has claimed it yet.
    abstain: bool = False
