"""The status table: all legal transitions. Tests compare code, schema and docs with it."""

from enum import StrEnum


class OrderStatus(StrEnum):
    """Status of an order; the values are those of the database and of JSON."""

    RECEIVED = "received"  # stored, not yet validated
    VALIDATED = "validated"  # validated, waits for a wave
    ASSIGNED_TO_WAVE = "assigned_to_wave"  # has a wave and a destination, waits for stock
    PICKING = "picking"  # stock allocated, load carriers on their way
    PACKING = "packing"  # all allocated units have been delivered
    SHIPPED = "shipped"  # handed to the parcel carrier
    COMPLETED = "completed"  # delivered to the customer; final
    CANCELLED = "cancelled"  # final
    PENDING_RETRY = "pending_retry"  # failed, waits for its retry
    DEAD_LETTER = "dead_letter"  # no retries left; waits for a resolution


#: Statuses of active work, in their order.
WORKING_STATUSES = (
    OrderStatus.RECEIVED,
    OrderStatus.VALIDATED,
    OrderStatus.ASSIGNED_TO_WAVE,
    OrderStatus.PICKING,
    OrderStatus.PACKING,
)

#: Statuses in which an order is overdue after its promised time.
OVERDUE_STATUSES = (*WORKING_STATUSES, OrderStatus.PENDING_RETRY, OrderStatus.DEAD_LETTER)

#: The legal targets of each status. PENDING_RETRY may follow itself: a further failure.
STATUS_TRANSITIONS: dict[OrderStatus, tuple[OrderStatus, ...]] = {
    OrderStatus.RECEIVED: (
        OrderStatus.VALIDATED,
        OrderStatus.PENDING_RETRY,
        OrderStatus.DEAD_LETTER,
        OrderStatus.CANCELLED,
    ),
    OrderStatus.VALIDATED: (
        OrderStatus.ASSIGNED_TO_WAVE,
        OrderStatus.PENDING_RETRY,
        OrderStatus.DEAD_LETTER,
        OrderStatus.CANCELLED,
    ),
    OrderStatus.ASSIGNED_TO_WAVE: (
        OrderStatus.PICKING,
        OrderStatus.PENDING_RETRY,
        OrderStatus.DEAD_LETTER,
        OrderStatus.CANCELLED,
    ),
    OrderStatus.PICKING: (
        OrderStatus.PACKING,
        OrderStatus.PENDING_RETRY,
        OrderStatus.DEAD_LETTER,
        OrderStatus.CANCELLED,
    ),
    OrderStatus.PACKING: (
        OrderStatus.SHIPPED,
        OrderStatus.PENDING_RETRY,
        OrderStatus.DEAD_LETTER,
        OrderStatus.CANCELLED,
    ),
    OrderStatus.SHIPPED: (OrderStatus.COMPLETED,),
    OrderStatus.COMPLETED: (),
    OrderStatus.CANCELLED: (),
    OrderStatus.PENDING_RETRY: (
        OrderStatus.PENDING_RETRY,
        OrderStatus.RECEIVED,
        OrderStatus.DEAD_LETTER,
        OrderStatus.CANCELLED,
    ),
    OrderStatus.DEAD_LETTER: (OrderStatus.RECEIVED, OrderStatus.CANCELLED),
}

#: The calls that change the status, and their target status.
STATUS_BY_CALL: dict[str, OrderStatus] = {
    "ValidateOrder": OrderStatus.VALIDATED,
    "AssignOrdersToWave": OrderStatus.ASSIGNED_TO_WAVE,
    "ShipOrder": OrderStatus.SHIPPED,
    "CompleteOrder": OrderStatus.COMPLETED,
    "CancelOrder": OrderStatus.CANCELLED,
    "IncrementRetryCount": OrderStatus.PENDING_RETRY,
    "ResetOrder": OrderStatus.RECEIVED,
    "MoveToDeadLetterQueue": OrderStatus.DEAD_LETTER,
}

#: UpdateOrder does not change the status; it is allowed before load carriers are requested.
UPDATABLE_STATUSES = (OrderStatus.RECEIVED, OrderStatus.VALIDATED, OrderStatus.ASSIGNED_TO_WAVE)


def is_allowed(status: OrderStatus, target_status: OrderStatus) -> bool:
    """Return whether the table has a transition from `status` to `target_status`."""
    return target_status in STATUS_TRANSITIONS[status]


def source_statuses(target_status: OrderStatus) -> tuple[OrderStatus, ...]:
    """Return the statuses with a transition to `target_status`."""
    return tuple(
        status for status, target_statuses in STATUS_TRANSITIONS.items() if target_status in target_statuses
    )


def list_legal_calls(status: OrderStatus) -> tuple[str, ...]:
    """Return the calls that the order services accept in `status`, derived from the table.

    An order leaves the dead letter queue only by a resolution of its entry or by CancelOrder.
    """
    if status is OrderStatus.DEAD_LETTER:
        return ("CancelOrder", "ResolveDeadLetterEntry")
    calls = [call for call, target_status in STATUS_BY_CALL.items() if is_allowed(status, target_status)]
    if status in UPDATABLE_STATUSES:
        calls.append("UpdateOrder")
    if status is OrderStatus.SHIPPED:
        calls.append("ShipOrder")
    return tuple(sorted(calls))
