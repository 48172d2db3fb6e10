"""Whether the books add up: every order, unit and failure accounted for."""

from collections import Counter
from collections.abc import Iterator

from wms.orders.v1 import order_pb2
from wms_dev.demo.books import CANCELLED, COMPLETED, DEAD_LETTER, MOVED_TO_DLQ, Books, shipped_units
from wms_dev.demo.snapshot import STATUSES


def faults(books: Books) -> list[str]:
    """What does not add up, one sentence each; empty when everything does."""
    return [
        *_order_faults(books),
        *_unit_faults(books),
        *_stock_faults(books),
        *_failure_faults(books),
        *_history_faults(books),
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
        due = books.placed.get(order.order_id, Counter()) if order.status == COMPLETED else Counter()
        sent = shipped_units(order)
        if sent != due:
            yield f"{order.order_id}: {sent.total()} units were shipped, {due.total()} were due"
        if sent.total() != sum(item.quantity_shipped for item in order.items):
            yield f"{order.order_id}: its lines and its shipments disagree"


def _stock_faults(books: Books) -> Iterator[str]:
    shipped, on_hand = books.shipped, books.on_hand
    for sku in sorted(books.received | on_hand | shipped):
        if books.received[sku] != on_hand[sku] + shipped[sku]:
            yield (
                f"{sku}: {books.received[sku]} units came in, {shipped[sku]} went out and"
                f" {on_hand[sku]} are there"
            )
    for stock in books.stock:
        if stock.allocated:
            yield f"{stock.sku}: {stock.allocated} units are held for nobody"
        if stock.available + stock.on_hold != stock.on_hand:
            yield f"{stock.sku}: available and on hold are not all that is on hand"


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
