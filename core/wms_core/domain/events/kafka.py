"""Events for Kafka: pending, rejected, parked and released."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from wms_core.domain.events.events import EventRecord


class RelayState(StrEnum):
    """State that the relay reports."""

    PUBLISHING = "publishing"  # Kafka acknowledged the last batch
    FAILING = "failing"  # publishing failed and is retried


class LogEvent(NamedTuple):
    """An event of the log with all published fields as text; `occurred_at` is RFC 3339 in UTC."""

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
class RejectedEvent:
    """An event that Kafka rejected permanently, and Kafka's error."""

    event: LogEvent
    error: str


@dataclass(frozen=True, slots=True)
class ReleasedEvent:
    """A parked event to be published again; `sequence` is its number within the order."""

    position: int
    order_id: str
    sequence: int


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event that waits for its release; `blocked_events` later events of its order wait behind it."""

    event: EventRecord
    parked_at: datetime
    attempts: int
    last_error: str
    blocked_events: int
