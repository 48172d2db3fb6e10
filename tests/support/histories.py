"""What is true of every order's history, and a checker that names what is not."""

from collections.abc import Sequence

from wms_core.domain.change import Change
from wms_core.domain.events import EventRecord
from wms_core.domain.order_status import TRANSITIONS, OrderStatus
from wms_core.domain.orders import Order

_S = OrderStatus
_NEEDS_A_WAVE = (_S.ASSIGNED_TO_WAVE, _S.PICKING, _S.PACKING, _S.SHIPPED, _S.COMPLETED)


def faults_of_history(records: Sequence[EventRecord]) -> list[str]:
    """Name what is wrong with the events of one order, first to last: holes, swaps, jumps off the table."""
    faults = []
    status: OrderStatus | None = None
    version = 0
    for place, record in enumerate(records, start=1):
        if record.sequence != place:
            faults.append(f"event {place} has sequence {record.sequence}")
        if record.version < version:
            faults.append(f"event {place} is of version {record.version}, after {version}")
        version = record.version
        if record.to_status is None:
            if record.from_status is not None:
                faults.append(f"event {place} leaves {record.from_status} for nothing")
            continue
        if record.from_status is not status:
            faults.append(f"event {place} starts from {record.from_status}, the order was {status}")
        if status is None and record.to_status is not _S.RECEIVED:
            faults.append(f"the order begins as {record.to_status}")
        if status is not None and record.to_status not in TRANSITIONS[status]:
            faults.append(f"event {place} goes from {status} to {record.to_status}")
        status = record.to_status
    return faults


def faults_of_change(before: Order, change: Change) -> list[str]:
    """Name what is wrong with one change: version, sequence, and the one event for a change of status."""
    after, records = change.order, change.records
    if not records:
        return [] if after == before else ["the order changed without an event"]
    faults = []
    if after.version != before.version + 1:
        faults.append(f"version {before.version} became {after.version}")
    if [record.version for record in records] != [after.version] * len(records):
        faults.append("an event is of another version than the order")
    numbers = list(range(before.sequence + 1, before.sequence + 1 + len(records)))
    if [record.sequence for record in records] != numbers or after.sequence != numbers[-1]:
        faults.append("the sequence has a hole")
    moves = [record for record in records if record.from_status or record.to_status]
    failed_again = before.status is after.status is _S.PENDING_RETRY
    if len(moves) != (before.status is not after.status or failed_again):
        faults.append(f"{len(moves)} events tell of a change from {before.status} to {after.status}")
    return faults + [
        f"{record.type} tells of another change than {before.status} to {after.status}"
        for record in moves
        if (record.from_status, record.to_status) != (before.status, after.status)
    ]


def faults_of_order(order: Order) -> list[str]:
    """Name what the schema would refuse about an order."""
    checks = {
        "retry_is_due": (order.status is _S.PENDING_RETRY) == (order.next_retry_at is not None),
        "failure_is_known": order.status not in (_S.PENDING_RETRY, _S.DEAD_LETTER)
        or order.failed_status is not None,
        "wave_has_destination": (order.wave_id is None) == (order.destination_id is None),
        "in_a_wave": order.status not in _NEEDS_A_WAVE or order.wave_id is not None,
        "units_in_order": all(
            0 <= item.shipped <= item.delivered <= item.allocated <= item.quantity for item in order.items
        ),
    }
    return [name for name, holds in checks.items() if not holds]
