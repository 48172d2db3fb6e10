"""The one table of what may happen to an order; code, schema and docs are held to it by tests."""

from enum import StrEnum


class OrderStatus(StrEnum):
    """Where an order stands; the words are those of the database and of JSON."""

    RECEIVED = "received"  # stored, not yet checked
    VALIDATED = "validated"  # checked, waits for a wave
    ASSIGNED_TO_WAVE = "assigned_to_wave"  # has a wave and a destination, waits for stock
    PICKING = "picking"  # stock allocated, carriers on their way
    PACKING = "packing"  # everything allocated has been delivered
    SHIPPED = "shipped"  # handed to the parcel carrier
    COMPLETED = "completed"  # delivered to the customer; final
    CANCELLED = "cancelled"  # given up; final
    PENDING_RETRY = "pending_retry"  # failed, will be tried again
    DEAD_LETTER = "dead_letter"  # out of retries; a person decides


_S = OrderStatus

#: Those in which work goes on, in the order in which they are passed.
WORKING = (_S.RECEIVED, _S.VALIDATED, _S.ASSIGNED_TO_WAVE, _S.PICKING, _S.PACKING)

#: Those in which a promise that has passed is still to be kept.
CAN_BE_OVERDUE = (*WORKING, _S.PENDING_RETRY, _S.DEAD_LETTER)

#: From each status, where an order may go. PENDING_RETRY may follow itself: a further failure.
TRANSITIONS: dict[OrderStatus, tuple[OrderStatus, ...]] = {
    _S.RECEIVED: (_S.VALIDATED, _S.PENDING_RETRY, _S.DEAD_LETTER, _S.CANCELLED),
    _S.VALIDATED: (_S.ASSIGNED_TO_WAVE, _S.PENDING_RETRY, _S.DEAD_LETTER, _S.CANCELLED),
    _S.ASSIGNED_TO_WAVE: (_S.PICKING, _S.PENDING_RETRY, _S.DEAD_LETTER, _S.CANCELLED),
    _S.PICKING: (_S.PACKING, _S.PENDING_RETRY, _S.DEAD_LETTER, _S.CANCELLED),
    _S.PACKING: (_S.SHIPPED, _S.PENDING_RETRY, _S.DEAD_LETTER, _S.CANCELLED),
    _S.SHIPPED: (_S.COMPLETED,),
    _S.COMPLETED: (),
    _S.CANCELLED: (),
    _S.PENDING_RETRY: (_S.PENDING_RETRY, _S.RECEIVED, _S.DEAD_LETTER, _S.CANCELLED),
    _S.DEAD_LETTER: (_S.RECEIVED, _S.CANCELLED),
}

#: The calls that ask for a change of status, and the status they ask for.
CALLS: dict[str, OrderStatus] = {
    "ValidateOrder": _S.VALIDATED,
    "AssignOrdersToWave": _S.ASSIGNED_TO_WAVE,
    "ShipOrder": _S.SHIPPED,
    "CompleteOrder": _S.COMPLETED,
    "CancelOrder": _S.CANCELLED,
    "IncrementRetryCount": _S.PENDING_RETRY,
    "ResetOrder": _S.RECEIVED,
    "MoveToDeadLetterQueue": _S.DEAD_LETTER,
}

#: UpdateOrder changes no status; it is allowed before carriers are under way.
UPDATABLE = (_S.RECEIVED, _S.VALIDATED, _S.ASSIGNED_TO_WAVE)


def allowed(status: OrderStatus, to: OrderStatus) -> bool:
    """Say whether the table has an arrow from `status` to `to`."""
    return to in TRANSITIONS[status]


def sources(to: OrderStatus) -> tuple[OrderStatus, ...]:
    """Give the statuses from which `to` can be reached in one step."""
    return tuple(status for status, targets in TRANSITIONS.items() if to in targets)


def legal_calls(status: OrderStatus) -> tuple[str, ...]:
    """Name the calls that the order services accept in `status`, read from the table itself.

    An order in the dead letter queue leaves it only by a resolution of its entry or by CancelOrder.
    """
    if status is _S.DEAD_LETTER:
        return ("CancelOrder", "ResolveDeadLetterEntry")
    calls = [call for call, to in CALLS.items() if allowed(status, to)]
    if status in UPDATABLE:
        calls.append("UpdateOrder")
    if status is _S.SHIPPED:
        calls.append("ShipOrder")
    return tuple(sorted(calls))
