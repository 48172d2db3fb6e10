"""Replicas of the worker, as they report."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Role(StrEnum):
    """What one replica at a time does for all."""

    FULFILLMENT = "fulfillment"  # runs the cycle
    RELAY = "relay"  # carries events to Kafka


class WorkerMode(StrEnum):
    """Whether a replica takes part in elections."""

    AUTO = "auto"  # it takes a role when it can get one
    PASSIVE = "passive"  # it takes none until it is told otherwise, also after a restart


@dataclass(frozen=True, slots=True)
class Part:
    """A replica's part in a role; the times are those of its hold on it, None while it has none."""

    role: str
    epoch: int = 0
    held_for: timedelta | None = None
    lease_age: timedelta | None = None

    @property
    def active(self) -> bool:
        """Whether it holds the role."""
        return self.held_for is not None


@dataclass(frozen=True, slots=True)
class Report:
    """What a replica says of its part in a role; `epoch` is that of its latest term, 0 before the first.

    `roles` are all that it stands for.
    """

    worker_id: str
    host: str
    version: str
    started_at: datetime
    role: str
    roles: tuple[str, ...]
    epoch: int = 0
    last_cycle_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """A replica as others see it."""

    worker_id: str
    host: str
    version: str
    mode: WorkerMode
    started_at: datetime
    heartbeat_at: datetime
    last_cycle_at: datetime | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a replica was told about a role."""

    #: To stay passive.
    passive: bool = False
    #: Whoever holds the role now is to hand it over.
    step_down: bool = False
    #: It has handed the role over, and another one has not taken it yet.
    abstain: bool = False
