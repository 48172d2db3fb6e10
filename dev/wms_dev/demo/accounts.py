"""Whether the books add up: every order, unit and failure accounted for."""

from collections import Counter
from collections.abc import Iterator

from wms.orders.v1 import order_pb2
from wms.orders.v1.storage_pb2 import (
    BACKORDER_REASON_DAMAGED,
    BACKORDER_REASON_NOT_FOUND,
    BACKORDER_STATUS_IN_PROGRESS,
    BACKORDER_STATUS_OPEN,
)
from wms_dev.demo.books import CANCELLED, COMPLETED, DEAD_LETTER, MOVED_TO_DLQ, Books, shipped_units
from wms_dev.demo.snapshot import STATUSES
from wms_dev.demo.summary import rows

# A shortage in the warehouse at allocation is a mismatch of quantities too, and no picker's.
TOLD_BY_PICKERS = frozenset({BACKORDER_REASON_NOT_FOUND, BACKORDER_REASON_DAMAGED})


def faults(books: Books) -> list[str]:
    """What does not add up, one sentence each; empty when everything does."""
    return [
        *_order_faults(books),
        *_unit_faults(books),
        *_stock_faults(books),
        *_shortage_faults(books),
        *_failure_faults(books),
        *_history_faults(books),
        *(f"{row.what}: {row.total} is not {row.words}" for row in rows(books) if not row.adds_up),
    ]


def _order_faults(books: Books) -> Iterator[str]:
    if missing := books.placed.keys() - {order.order_id for order in books.orders}:
        yield f"{len(missing)} orders are missing, {min(missing)} for one"
    if len(books.orders) != len(books.placed):
        yield f"{len(books.placed)} orders were placed and there are {len(books.orders)}"
    for order in books.orders:
        if order.status not in {COMPLETED, CANCELLED, DEAD_LETTER}:
            yield f"{order.order_id} is still {STATUSES.get(order.status, order.status)}"
        if (order.status == DEAD_LETTER) != (order.order_id in books.escalated):
            yield f"{order.order_id} is {STATUSES[order.status]} and should not be"


def _unit_faults(books: Books) -> Iterator[str]:
    for order in books.orders:
        due: Counter[str] = Counter()
        if order.status == COMPLETED:
            due = books.placed.get(order.order_id, Counter()) - books.units_given_up(order.order_id)
        sent = shipped_units(order)
        if sent != due:
            yield f"{order.order_id}: {sent.total()} units were shipped, {due.total()} were due"
        if sent.total() != sum(item.quantity_shipped for item in order.items):
            yield f"{order.order_id}: its lines and its shipments disagree"


def _stock_faults(books: Books) -> Iterator[str]:
    shipped, on_hand, lost = books.shipped, books.on_hand, books.written_off
    for sku in sorted(books.received | on_hand | shipped | lost):
        if books.received[sku] != on_hand[sku] + shipped[sku] + lost[sku]:
            yield (
                f"{sku}: {books.received[sku]} units came in, {shipped[sku]} went out, {lost[sku]} were"
                f" written off and {on_hand[sku]} are there"
            )
    for stock in books.stock:
        if stock.allocated:
            yield f"{stock.sku}: {stock.allocated} units are held for nobody"
        if stock.available + stock.on_hold != stock.on_hand:
            yield f"{stock.sku}: available and on hold are not all that is on hand"


def _shortage_faults(books: Books) -> Iterator[str]:
    reported = Counter[tuple[str, str]]()
    for one in books.short_picks:
        reported[one.order_id, one.sku] += one.units
    for backorder in books.backorders:
        if backorder.status in {BACKORDER_STATUS_OPEN, BACKORDER_STATUS_IN_PROGRESS}:
            yield f"{backorder.order_id}: {backorder.sku} is still owed"
        if backorder.reason in TOLD_BY_PICKERS:
            reported[backorder.order_id, backorder.sku] -= backorder.quantity
    for (order_id, sku), units in reported.items():
        if units < 0:
            yield f"{order_id}: {-units} units of {sku} are owed that no picker missed"
    on_hold = sum(stock.on_hold for stock in books.stock)
    if on_hold != (there := sum(carrier.quantity for carrier in books.held)):
        yield f"{on_hold} units are on hold, and {there} are on carriers that are"
    if odd := {carrier.carrier_id for carrier in books.held} - books.kept_by_inspector:
        yield f"{len(odd)} carriers are held that no inspector held, {min(odd)} for one"


def _failure_faults(books: Books) -> Iterator[str]:
    moved = Counter(event.order_id for event in books.events() if event.type == MOVED_TO_DLQ)
    held = Counter(entry.order_id for entry in books.entries)
    if moved != held:
        yield f"{moved.total()} orders were moved to the dead letter queue, which has {held.total()} entries"
    for entry in books.entries:
        if entry.total_retry_attempts != len(entry.attempts) or not entry.attempts:
            listed = len(entry.attempts)
            yield f"{entry.order_id}: its entry counts {entry.total_retry_attempts} failures, lists {listed}"
        if not entry.resolution:
            yield f"{entry.order_id}: nobody has decided about its entry"


def _history_faults(books: Books) -> Iterator[str]:
    for order in books.orders:
        history = books.histories.get(order.order_id, ())
        if [event.sequence for event in history] != list(range(1, len(history) + 1)):
            yield f"{order.order_id}: its history has a hole"
        moves = [event for event in history if event.from_status != event.to_status]
        befores = [event.from_status for event in moves]
        afters = [event.to_status for event in moves]
        if befores != [order_pb2.ORDER_STATUS_UNSPECIFIED, *afters[:-1]]:
            yield f"{order.order_id}: its history jumps"
        if not afters or afters[-1] != order.status:
            yield f"{order.order_id}: its history ends elsewhere"
