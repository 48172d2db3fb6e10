"""The end of the demo: what happened, in tables that add up."""

import math
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, event_pb2, order_pb2
from wms_dev.demo.books import COMPLETED, MOVED_TO_DLQ, Books
from wms_dev.demo.decisions import Decisions
from wms_dev.demo.summary import rows

SHOWN_FAULTS = 10
# Where the facts stand that say why or what, in the payloads of the events.
TELLING = (
    "failureReason",
    "finalFailureReason",
    "resolution",
    "destinationId",
    "trackingNumber",
    "reason",
)


def print_statistics(console: Console, stats: dead_letters_pb2.GetDeadLetterStatsResponse) -> None:
    """The dead letter queue in a few words."""
    failed = ", ".join(f"{word} {count}" for word, count in sorted(stats.by_failure_status.items()))
    decided = ", ".join(f"{word} {count}" for word, count in sorted(stats.by_resolution.items()))
    console.print(
        f"Dead letter queue: {stats.total_entries} entries, {stats.unresolved_count} wait for a decision"
        + (f" (failed in: {failed})" if failed else "")
        + (f", {stats.resolved_count} decided ({decided})" if decided else ""),
        soft_wrap=True,
    )


def print_timeline(console: Console, history: Sequence[event_pb2.Event]) -> None:
    """One order's life, an event a line, with the seconds since its first."""
    console.print(f"\nThe life of {history[0].order_id}, as GetOrderHistory tells it:")
    began = history[0].occurred_at.ToNanoseconds()
    table = Table(box=None, pad_edge=False)
    for title in ("seconds", "event", "status", "by", "what or why"):
        table.add_column(title, justify="right" if title == "seconds" else "left", no_wrap=title == "event")
    for event in history:
        seconds = (event.occurred_at.ToNanoseconds() - began) / 1e9
        kind = event.type.removeprefix("wms.order.")
        status = "" if event.from_status == event.to_status else _word(event.to_status)
        table.add_row(f"{seconds:.2f}", kind, status, event.actor, _telling(event))
    console.print(table)


def print_decisions(console: Console, decisions: Decisions) -> None:
    """What the supervisor does now."""
    resolved = ", ".join(
        f"{decisions.count(value)} {name.removeprefix('DEAD_LETTER_RESOLUTION_').lower().replace('_', ' ')}"
        for name, value in dead_letter_pb2.DeadLetterResolution.items()
        if value
    )
    console.print(
        f"The supervisor receives {decisions.delivery.total()} units of {len(decisions.delivery)} products,"
        f" gives up {len(decisions.given_up)} backorders, opens every route to"
        f" {', '.join(sorted(decisions.routes)) or 'no station'}, and decides: {resolved}",
        soft_wrap=True,
    )


def print_summary(console: Console, books: Books) -> None:
    """Orders, units, mishaps, failures and times."""
    retried = {event.order_id for event in books.events() if event.type == MOVED_TO_DLQ}
    straight = [order for order in books.in_status(COMPLETED) if order.order_id not in retried]
    table = Table(title="Summary", title_justify="left", box=None, pad_edge=False)
    for title in ("what", "total", "which is the sum of"):
        table.add_column(title, justify="right" if title == "total" else "left")
    for row in rows(books):
        table.add_row(row.what, str(row.total), row.words)
    console.print()
    console.print(table)
    console.print(f"\nFrom order to shipment, no decision needed: {_times(straight)}")
    console.print(f"From order to shipment, all that were shipped: {_times(books.in_status(COMPLETED))}")


def print_verdict(console: Console, found: Sequence[str], seconds: float) -> None:
    """Whether everything adds up, and what does not."""
    if not found:
        console.print(f"\nEverything adds up. The demo took {seconds:.1f} s.")
        return
    console.print(f"\n{len(found)} things do NOT add up:")
    for fault in found[:SHOWN_FAULTS]:
        console.print(f"  - {fault}", soft_wrap=True)
    if len(found) > SHOWN_FAULTS:
        console.print(f"  - and {len(found) - SHOWN_FAULTS} more")


def _times(orders: Iterable[order_pb2.Order]) -> str:
    seconds = [
        (order.shipments[0].shipped_at.ToNanoseconds() - order.created_at.ToNanoseconds()) / 1e9
        for order in orders
        if order.shipments
    ]
    p50, p95 = percentile(seconds, 0.5), percentile(seconds, 0.95)
    return (
        f"{len(seconds)} orders, p50 {p50:.1f} s, p95 {p95:.1f} s, longest {max(seconds, default=0.0):.1f} s"
    )


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed; 0.0 without values."""
    ranked = sorted(values)
    return ranked[max(math.ceil(len(ranked) * share), 1) - 1] if ranked else 0.0


def _telling(event: event_pb2.Event) -> str:
    return next((str(event.payload[key]) for key in TELLING if key in event.payload.fields), "")


def _word(status: order_pb2.OrderStatus.ValueType) -> str:
    return order_pb2.OrderStatus.Name(status).removeprefix("ORDER_STATUS_").lower()
