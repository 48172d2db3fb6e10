"""The tables at the end of the demo."""

import math
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, event_pb2, order_pb2
from wms_dev.demo.decisions import Decisions
from wms_dev.demo.stock_ledger import COMPLETED, MOVED_TO_DLQ, ReconciliationInput
from wms_dev.demo.summary import build_summary_rows

MAX_PRINTED_DISCREPANCIES = 10
# Fields of the event payloads that contain a reason or an object, in order of preference.
DETAIL_FIELDS = (
    "failureReason",
    "finalFailureReason",
    "resolution",
    "destinationId",
    "trackingNumber",
    "reason",
)


def print_statistics(console: Console, stats: dead_letters_pb2.GetDeadLetterStatsResponse) -> None:
    """Print the statistics of the dead letter queue."""
    failed = ", ".join(f"{label} {count}" for label, count in sorted(stats.by_failure_status.items()))
    resolved = ", ".join(f"{label} {count}" for label, count in sorted(stats.by_resolution.items()))
    console.print(
        f"Dead letter queue: {stats.total_entries} entries, {stats.unresolved_count} unresolved"
        + (f" (failed in: {failed})" if failed else "")
        + (f", {stats.resolved_count} resolved ({resolved})" if resolved else ""),
        soft_wrap=True,
    )


def print_timeline(console: Console, history: Sequence[event_pb2.Event]) -> None:
    """Print the events of one order, each with the seconds since the first one."""
    console.print(f"\nHistory of {history[0].order_id} (GetOrderHistory):")
    first_occurred_at = history[0].occurred_at.ToNanoseconds()
    table = Table(box=None, pad_edge=False)
    for heading in ("seconds", "event", "status", "by", "detail"):
        table.add_column(
            heading, justify="right" if heading == "seconds" else "left", no_wrap=heading == "event"
        )
    for event in history:
        seconds = (event.occurred_at.ToNanoseconds() - first_occurred_at) / 1e9
        kind = event.type.removeprefix("wms.order.")
        status = "" if event.from_status == event.to_status else _status_text(event.to_status)
        table.add_row(f"{seconds:.2f}", kind, status, event.actor, _event_detail(event))
    console.print(table)


def print_decisions(console: Console, decisions: Decisions) -> None:
    """Print the decisions of the supervisor."""
    resolved = ", ".join(
        f"{decisions.count(value)} {name.removeprefix('DEAD_LETTER_RESOLUTION_').lower().replace('_', ' ')}"
        for name, value in dead_letter_pb2.DeadLetterResolution.items()
        if value
    )
    console.print(
        f"The supervisor receives {decisions.delivery.total()} units of {len(decisions.delivery)} products,"
        f" cancels {len(decisions.cancelled_backorders)} backorders, opens all routes to"
        f" {', '.join(sorted(decisions.routes)) or 'no station'}, and resolves dead letters: {resolved}",
        soft_wrap=True,
    )


def print_summary(console: Console, reconciliation: ReconciliationInput) -> None:
    """Print orders, units, incidents, failures and durations."""
    retried = {event.order_id for event in reconciliation.iterate_events() if event.type == MOVED_TO_DLQ}
    orders_without_decision = [
        order for order in reconciliation.orders_in_status(COMPLETED) if order.order_id not in retried
    ]
    table = Table(title="Summary", title_justify="left", box=None, pad_edge=False)
    for heading in ("item", "total", "sum of"):
        table.add_column(heading, justify="right" if heading == "total" else "left")
    for row in build_summary_rows(reconciliation):
        table.add_row(row.label, str(row.total), row.sum_text)
    console.print()
    console.print(table)
    console.print(
        f"\nFrom order to shipment, without a decision: {_format_durations(orders_without_decision)}"
    )
    completed_orders = reconciliation.orders_in_status(COMPLETED)
    console.print(f"From order to shipment, all completed: {_format_durations(completed_orders)}")


def print_verdict(console: Console, discrepancies: Sequence[str], elapsed_seconds: float) -> None:
    """Print the discrepancies, or that there are none."""
    if not discrepancies:
        console.print(f"\nReconciliation passed. The demo took {elapsed_seconds:.1f} s.")
        return
    console.print(f"\nReconciliation FAILED. Discrepancies: {len(discrepancies)}")
    for discrepancy in discrepancies[:MAX_PRINTED_DISCREPANCIES]:
        console.print(f"  - {discrepancy}", soft_wrap=True)
    if len(discrepancies) > MAX_PRINTED_DISCREPANCIES:
        console.print(f"  - and {len(discrepancies) - MAX_PRINTED_DISCREPANCIES} more")


def _format_durations(orders: Iterable[order_pb2.Order]) -> str:
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
    """Return the smallest value that is at least as large as this share of the values; 0.0 without values."""
    ranked = sorted(values)
    return ranked[max(math.ceil(len(ranked) * share), 1) - 1] if ranked else 0.0


def _event_detail(event: event_pb2.Event) -> str:
    return next((str(event.payload[key]) for key in DETAIL_FIELDS if key in event.payload.fields), "")


def _status_text(status: order_pb2.OrderStatus.ValueType) -> str:
    return order_pb2.OrderStatus.Name(status).removeprefix("ORDER_STATUS_").lower()
