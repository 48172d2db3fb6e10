"""What is measured: a stretch of the event log summed up, and how much of everything waits just now."""

from dataclasses import dataclass

from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Priority


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Events that tell the same.

    `detail` is the priority of what was received, the status in which something failed, or the resolution of
    a dead letter; empty for other types. `retried` are those with which a retry came to an end: shipped,
    failed again, dead-lettered or cancelled.
    """

    type: str
    from_status: str
    to_status: str
    detail: str
    retried: bool
    events: int


@dataclass(frozen=True, slots=True)
class EventTally:
    """A stretch of the event log up to `position`.

    `times` has, for each order whose first shipment left in it, the seconds from its creation to that.
    """

    position: int
    groups: tuple[EventGroup, ...]
    times: tuple[tuple[Priority, float], ...] = ()

    @property
    def events(self) -> int:
        """How many events it has."""
        return sum(group.events for group in self.groups)


@dataclass(frozen=True, slots=True)
class WaitingLevel:
    """How many orders wait in a status for a reason."""

    status: OrderStatus
    reason: str
    orders: int


@dataclass(frozen=True, slots=True)
class UrgencyLevel:
    """How orders of a priority wait to be shipped; ages in seconds."""

    priority: Priority
    orders: int
    too_long: int
    overdue: int
    oldest: float


@dataclass(frozen=True, slots=True)
class RoleLevel:
    """A role of the workers; seconds since its holder's last sign of life while it has none, else 0."""

    role: str
    epoch: int
    without_holder: float


@dataclass(frozen=True, slots=True)
class RelayLevel:
    """How far the relay has come, how many events lie behind that, and the age of the oldest of them."""

    position: int
    lag: int
    lag_seconds: float


@dataclass(frozen=True, slots=True)
class Levels:
    """How much waits in the whole database, in numbers and seconds of the oldest."""

    waiting: tuple[WaitingLevel, ...]
    urgency: tuple[UrgencyLevel, ...]
    dead_letters: int
    dead_letters_oldest: float
    outbox: int
    outbox_oldest: float
    backorders: int
    backordered_units: int
    backorders_oldest: float
    moves: int
    moves_oldest: float
    pauses: int
    log_position: int = 0
    parked: int = 0
    parked_oldest: float = 0
    roles: tuple[RoleLevel, ...] = ()
    #: None when there was never one.
    relay: RelayLevel | None = None
