"""Events on their way to Kafka, and those that Kafka refused."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from wms_core.domain.events import EventRecord


class RelayState(StrEnum):
    """How the relay says that it is."""

    PUBLISHING = "publishing"  # Kafka has acknowledged what it was sent last
    FAILING = "failing"  # it could not publish, and tries again


class LogEvent(NamedTuple):
    """An event of the log with all that is published of it, as text; `occurred_at` is RFC 3339 in UTC."""

    position: int
    order_id: str
    event_id: str
    sequence: int
    type: str
    occurred_at: str
    warehouse_id: str
    correlation_id: str
    wave_number: str
    workflow_id: str
    traceparent: str
    payload: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that Kafka refused for a reason that trying again does not cure, and what it said."""

    event: LogEvent
    error: str


@dataclass(frozen=True, slots=True)
class Released:
    """A parked event that is to be tried again: the how many-th of which order."""

    position: int
    order_id: str
    sequence: int


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event that waits to be released; `held_up` later ones of its order wait behind it."""

    event: EventRecord
    parked_at: datetime
    attempts: int
    last_error: str
    held_up: int
