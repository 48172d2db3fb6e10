"""Records for the metrics: counts of events in the event log, and snapshots of the backlog."""

from dataclasses import dataclass

from wms_core.domain.orders.orders import Priority
from wms_core.domain.orders.status import OrderStatus


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Count of events that have the same type, statuses and detail.

    `event_detail` is the priority of a received order, the status in which an order failed, or the resolution
    of a dead letter; it is empty for other types. `is_retry_outcome` marks events that end a retry: shipped,
    failed again, dead-lettered or cancelled.
    """

    type: str
    from_status: str
    to_status: str
    event_detail: str
    is_retry_outcome: bool
    event_count: int


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Event counts of a section of the event log up to `position`.

    `shipping_seconds` has the seconds from creation to first shipment, for each order whose first shipment is
    in the section.
    """

    position: int
    event_groups: tuple[EventGroup, ...]
    shipping_seconds: tuple[tuple[Priority, float], ...] = ()

    @property
    def event_count(self) -> int:
        """The number of events in the section."""
        return sum(group.event_count for group in self.event_groups)


@dataclass(frozen=True, slots=True)
class WaitingBacklog:
    """Number of orders that wait in a status for a reason."""

    status: OrderStatus
    reason: str
    order_count: int


@dataclass(frozen=True, slots=True)
class PriorityBacklog:
    """Orders of a priority that are not shipped; ages in seconds."""

    priority: Priority
    order_count: int
    late_count: int
    overdue_count: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class RoleVacancy:
    """A role of the workers.

    `without_holder` is the seconds since the last heartbeat, 0 while a replica has the role.
    """

    role: str
    epoch: int
    without_holder: float


@dataclass(frozen=True, slots=True)
class RelayLag:
    """Position of the relay, number of events after it, and age of the oldest of them in seconds."""

    position: int
    lag: int
    lag_seconds: float


@dataclass(frozen=True, slots=True)
class BacklogSnapshot:
    """Counts of all waiting work in the database, with the age of the oldest item in seconds."""

    waiting_orders: tuple[WaitingBacklog, ...]
    orders_by_priority: tuple[PriorityBacklog, ...]
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
    role_vacancies: tuple[RoleVacancy, ...] = ()
    #: None if no relay has ever run.
    relay_lag: RelayLag | None = None
