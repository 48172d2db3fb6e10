"""Reconciliation of the demo: accounts for each order, unit and failure."""

from collections import Counter
from collections.abc import Iterator

from wms.orders.v1 import order_pb2
from wms.orders.v1.storage_pb2 import (
    BACKORDER_REASON_DAMAGED,
    BACKORDER_REASON_NOT_FOUND,
    BACKORDER_STATUS_IN_PROGRESS,
    BACKORDER_STATUS_OPEN,
)
from wms_dev.demo.snapshot import STATUSES
from wms_dev.demo.stock_ledger import (
    CANCELLED,
    COMPLETED,
    DEAD_LETTER,
    MOVED_TO_DLQ,
    ReconciliationInput,
    count_shipped_units,
)
from wms_dev.demo.summary import build_summary_rows

# Allocation reports a mismatch of quantities, too, which is not a short pick.
PICKER_REASONS = frozenset({BACKORDER_REASON_NOT_FOUND, BACKORDER_REASON_DAMAGED})


def find_discrepancies(reconciliation: ReconciliationInput) -> list[str]:
    """Return the discrepancies, a sentence for each. The list is empty if everything is accounted for."""
    return [
        *_find_order_discrepancies(reconciliation),
        *_find_unit_discrepancies(reconciliation),
        *_find_stock_discrepancies(reconciliation),
        *_find_shortage_discrepancies(reconciliation),
        *_find_failure_discrepancies(reconciliation),
        *_find_history_discrepancies(reconciliation),
        *(
            f"{row.label}: {row.total} is not {row.sum_text}"
            for row in build_summary_rows(reconciliation)
            if not row.adds_up
        ),
    ]


def _find_order_discrepancies(reconciliation: ReconciliationInput) -> Iterator[str]:
    if missing := reconciliation.ordered_units_by_order.keys() - {
        order.order_id for order in reconciliation.orders
    }:
        yield f"{len(missing)} orders are missing, for example {min(missing)}"
    if len(reconciliation.orders) != len(reconciliation.ordered_units_by_order):
        yield (
            f"{len(reconciliation.ordered_units_by_order)} orders were placed, but the service lists"
            f" {len(reconciliation.orders)}"
        )
    for order in reconciliation.orders:
        if order.status not in {COMPLETED, CANCELLED, DEAD_LETTER}:
            yield f"{order.order_id} is still {STATUSES.get(order.status, order.status)}"
        if (order.status == DEAD_LETTER) != (order.order_id in reconciliation.escalated_order_ids):
            yield f"{order.order_id} is {STATUSES[order.status]} unexpectedly"


def _find_unit_discrepancies(reconciliation: ReconciliationInput) -> Iterator[str]:
    for order in reconciliation.orders:
        expected_units: Counter[str] = Counter()
        if order.status == COMPLETED:
            expected_units = reconciliation.ordered_units_by_order.get(
                order.order_id, Counter()
            ) - reconciliation.units_given_up(order.order_id)
        shipped = count_shipped_units(order)
        if shipped != expected_units:
            yield f"{order.order_id}: {shipped.total()} units were shipped, expected {expected_units.total()}"
        if shipped.total() != sum(item.quantity_shipped for item in order.items):
            yield f"{order.order_id}: the shipped units of its lines and of its shipments differ"


def _find_stock_discrepancies(reconciliation: ReconciliationInput) -> Iterator[str]:
    shipped, on_hand, written_off = (
        reconciliation.shipped_units_by_sku,
        reconciliation.on_hand_units,
        reconciliation.written_off_units,
    )
    for sku in sorted(reconciliation.received_units | on_hand | shipped | written_off):
        if reconciliation.received_units[sku] != on_hand[sku] + shipped[sku] + written_off[sku]:
            yield (
                f"{sku}: {reconciliation.received_units[sku]} units were received, {shipped[sku]} shipped,"
                f" {written_off[sku]} written off, and {on_hand[sku]} are on hand"
            )
    for stock in reconciliation.stock:
        if stock.allocated:
            yield f"{stock.sku}: {stock.allocated} units are allocated without an order"
        if stock.available + stock.on_hold != stock.on_hand:
            yield f"{stock.sku}: available and on-hold units do not sum up to the units on hand"


def _find_shortage_discrepancies(reconciliation: ReconciliationInput) -> Iterator[str]:
    reported = Counter[tuple[str, str]]()
    for short_pick in reconciliation.short_picks:
        reported[short_pick.order_id, short_pick.sku] += short_pick.units
    for backorder in reconciliation.backorders:
        if backorder.status in {BACKORDER_STATUS_OPEN, BACKORDER_STATUS_IN_PROGRESS}:
            yield f"{backorder.order_id}: the backorder of {backorder.sku} is still open"
        if backorder.reason in PICKER_REASONS:
            reported[backorder.order_id, backorder.sku] -= backorder.quantity
    for (order_id, sku), units in reported.items():
        if units < 0:
            yield f"{order_id}: {-units} units of {sku} are backordered without a short pick"
    on_hold = sum(stock.on_hold for stock in reconciliation.stock)
    if on_hold != (held_units := sum(carrier.quantity for carrier in reconciliation.held_carriers)):
        yield f"{on_hold} units are on hold, but the load carriers on hold have {held_units}"
    if (
        unexplained_carriers := {carrier.carrier_id for carrier in reconciliation.held_carriers}
        - reconciliation.kept_by_inspector
    ):
        yield (
            f"{len(unexplained_carriers)} load carriers are on hold without an incident, for example"
            f" {min(unexplained_carriers)}"
        )


def _find_failure_discrepancies(reconciliation: ReconciliationInput) -> Iterator[str]:
    moved = Counter(event.order_id for event in reconciliation.iterate_events() if event.type == MOVED_TO_DLQ)
    entry_counts = Counter(entry.order_id for entry in reconciliation.entries)
    if moved != entry_counts:
        yield f"{moved.total()} orders were dead-lettered, but the queue has {entry_counts.total()} entries"
    for entry in reconciliation.entries:
        if entry.total_retry_attempts != len(entry.attempts) or not entry.attempts:
            yield (
                f"{entry.order_id}: its dead letter counts {entry.total_retry_attempts} failures but lists"
                f" {len(entry.attempts)}"
            )
        if not entry.resolution:
            yield f"{entry.order_id}: its dead letter has no resolution"


def _find_history_discrepancies(reconciliation: ReconciliationInput) -> Iterator[str]:
    for order in reconciliation.orders:
        history = reconciliation.histories.get(order.order_id, ())
        if [event.sequence for event in history] != list(range(1, len(history) + 1)):
            yield f"{order.order_id}: its history has a gap in the sequence"
        transitions = [event for event in history if event.from_status != event.to_status]
        from_statuses = [event.from_status for event in transitions]
        to_statuses = [event.to_status for event in transitions]
        if from_statuses != [order_pb2.ORDER_STATUS_UNSPECIFIED, *to_statuses[:-1]]:
            yield f"{order.order_id}: its history has a transition from an unexpected status"
        if not to_statuses or to_statuses[-1] != order.status:
            yield f"{order.order_id}: its history ends in another status than the order"
