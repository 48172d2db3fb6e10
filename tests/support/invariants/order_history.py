"""Check the rules of order histories in the domain, without a database."""

from collections.abc import Sequence

from wms_core.domain.events.events import EventRecord
from wms_core.domain.orders.change import OrderChange
from wms_core.domain.orders.orders import Order
from wms_core.domain.orders.status import STATUS_TRANSITIONS, OrderStatus

_STATUSES_WITH_WAVE = (
    OrderStatus.ASSIGNED_TO_WAVE,
    OrderStatus.PICKING,
    OrderStatus.PACKING,
    OrderStatus.SHIPPED,
    OrderStatus.COMPLETED,
)


def find_history_violations(records: Sequence[EventRecord]) -> list[str]:
    """Return the violations in the events of one order: gaps, wrong order, illegal transitions."""
    violations = []
    status: OrderStatus | None = None
    version = 0
    for expected_sequence, record in enumerate(records, start=1):
        if record.sequence != expected_sequence:
            violations.append(f"event {expected_sequence} has sequence {record.sequence}")
        if record.version < version:
            violations.append(f"event {expected_sequence} is of version {record.version}, after {version}")
        version = record.version
        if record.to_status is None:
            if record.from_status is not None:
                violations.append(
                    f"event {expected_sequence} leaves {record.from_status} without a new status"
                )
            continue
        if record.from_status is not status:
            violations.append(
                f"event {expected_sequence} starts from {record.from_status}, the order was {status}"
            )
        if status is None and record.to_status is not OrderStatus.RECEIVED:
            violations.append(f"the order begins as {record.to_status}")
        if status is not None and record.to_status not in STATUS_TRANSITIONS[status]:
            violations.append(f"event {expected_sequence} goes from {status} to {record.to_status}")
        status = record.to_status
    return violations


def find_change_violations(order_before: Order, change: OrderChange) -> list[str]:
    """Return the violations of one change: version, sequence, and exactly one event for a transition."""
    order_after, records = change.order, change.records
    if not records:
        return [] if order_after == order_before else ["the order changed without an event"]
    violations = []
    if order_after.version != order_before.version + 1:
        violations.append(f"version {order_before.version} became {order_after.version}")
    if [record.version for record in records] != [order_after.version] * len(records):
        violations.append("an event has another version than the order")
    numbers = list(range(order_before.sequence + 1, order_before.sequence + 1 + len(records)))
    if [record.sequence for record in records] != numbers or order_after.sequence != numbers[-1]:
        violations.append("the sequence has a gap")
    status_records = [record for record in records if record.from_status or record.to_status]
    failed_again = order_before.status is order_after.status is OrderStatus.PENDING_RETRY
    if len(status_records) != (order_before.status is not order_after.status or failed_again):
        violations.append(
            f"{len(status_records)} events for a transition {order_before.status} to {order_after.status}"
        )
    return violations + [
        f"{record.type} has another transition than {order_before.status} to {order_after.status}"
        for record in status_records
        if (record.from_status, record.to_status) != (order_before.status, order_after.status)
    ]


def find_order_violations(order: Order) -> list[str]:
    """Return the constraints of the schema that an order violates."""
    checks = {
        "pending_retry_has_time": (order.status is OrderStatus.PENDING_RETRY)
        == (order.next_retry_at is not None),
        "failed_order_has_failed_status": order.status
        not in (OrderStatus.PENDING_RETRY, OrderStatus.DEAD_LETTER)
        or order.failed_status is not None,
        "wave_has_destination": (order.wave_id is None) == (order.destination_id is None),
        "status_requires_wave": order.status not in _STATUSES_WITH_WAVE or order.wave_id is not None,
        "unit_counts_are_consistent": all(
            0 <= item.shipped <= item.delivered <= item.allocated <= item.quantity for item in order.items
        ),
    }
    return [name for name, is_met in checks.items() if not is_met]
