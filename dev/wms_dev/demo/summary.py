"""The rows of the demo's summary: a total, and parts with the same sum."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wms.orders.v1 import storage_pb2
from wms_dev.demo.stock_ledger import CANCELLED, COMPLETED, DEAD_LETTER, ReconciliationInput
from wms_dev.simulator.incident_log import BREAKDOWN, DAMAGED, LOST

# For example CAR-NW-001-007 within a reason.
ID_PATTERN = re.compile(r" [A-Z]+-\S+")
FULFILLED = storage_pb2.BACKORDER_STATUS_FULFILLED


@dataclass(frozen=True)
class SummaryRow:
    """A total and its parts, which are counted independently."""

    label: str
    total: int
    parts: Mapping[str, int]

    @property
    def sum_text(self) -> str:
        """The parts as a sum."""
        return " + ".join(f"{count} {part}" for part, count in self.parts.items()) or "none"

    @property
    def adds_up(self) -> bool:
        """Whether the parts sum up to the total."""
        return self.total == sum(self.parts.values())


def build_summary_rows(reconciliation: ReconciliationInput) -> Sequence[SummaryRow]:
    """Build the rows for orders, units, incidents, backorders and failures."""
    return (
        *_build_order_and_unit_rows(reconciliation),
        SummaryRow(
            "carrier incidents",
            _count_carrier_incidents(reconciliation).total(),
            _count_carrier_incidents(reconciliation),
        ),
        _build_short_pick_row(reconciliation),
        _build_on_hold_row(reconciliation),
        _build_backorder_row(reconciliation),
        SummaryRow("failures", reconciliation.failure_count, _count_failure_reasons(reconciliation)),
        *_build_published_rows(reconciliation),
    )


def _build_order_and_unit_rows(reconciliation: ReconciliationInput) -> Sequence[SummaryRow]:
    shipped, on_hand, on_hold = (
        reconciliation.shipped_units_by_sku.total(),
        reconciliation.on_hand_units.total(),
        reconciliation.on_hold_units,
    )
    statuses = {
        "completed": len(reconciliation.orders_in_status(COMPLETED)),
        "cancelled": len(reconciliation.orders_in_status(CANCELLED)),
        "dead-lettered and escalated": len(reconciliation.orders_in_status(DEAD_LETTER)),
    }
    ordered = {
        "shipped": shipped,
        "backorder cancelled": reconciliation.unsent_units,
        "cancelled": reconciliation.cancelled_units,
        "dead-lettered": reconciliation.dead_lettered_units,
    }
    received = {
        "shipped": shipped,
        "written off": reconciliation.written_off_units.total(),
        "available": on_hand - on_hold,
        "on hold": on_hold,
    }
    return (
        SummaryRow("orders placed", len(reconciliation.ordered_units_by_order), statuses),
        SummaryRow("units ordered", reconciliation.ordered_units, ordered),
        SummaryRow("units received", reconciliation.received_units.total(), received),
    )


def _count_carrier_incidents(reconciliation: ReconciliationInput) -> Counter[str]:
    labels = {LOST: "not found", DAMAGED: "arrived damaged", BREAKDOWN: "on a crane that broke down"}
    return Counter(labels[incident.kind] for incident in reconciliation.incidents if incident.kind in labels)


def _build_short_pick_row(reconciliation: ReconciliationInput) -> SummaryRow:
    parts: Counter[str] = Counter()
    for short_pick in reconciliation.short_picks:
        parts[short_pick.reason.replace("_", " ")] += short_pick.units
    return SummaryRow("units short-picked", reconciliation.written_off_units.total(), parts)


def _build_on_hold_row(reconciliation: ReconciliationInput) -> SummaryRow:
    parts: Counter[str] = Counter()
    for carrier in reconciliation.held_carriers:
        # A reason is the kind of incident, a colon and names.
        parts[carrier.status_reason.partition(":")[0]] += carrier.quantity
    return SummaryRow("units on hold", reconciliation.on_hold_units, parts)


def _build_backorder_row(reconciliation: ReconciliationInput) -> SummaryRow:
    cancelled = sum(reconciliation.is_given_up(backorder) for backorder in reconciliation.backorders)
    fulfilled = sum(backorder.status == FULFILLED for backorder in reconciliation.backorders)
    closed = sum(
        backorder.status == storage_pb2.BACKORDER_STATUS_CANCELLED for backorder in reconciliation.backorders
    )
    parts = {
        "fulfilled": fulfilled,
        "cancelled by the supervisor": cancelled,
        "cancelled with their orders": closed - cancelled,
    }
    return SummaryRow("backorders opened", len(reconciliation.backorders), parts)


def _build_published_rows(reconciliation: ReconciliationInput) -> Sequence[SummaryRow]:
    if reconciliation.published_event_ids is None:
        return ()
    logged_event_ids = {event.event_id for event in reconciliation.iterate_events()}
    parts = {"read from Kafka": len(logged_event_ids & reconciliation.published_event_ids)}
    if unknown := reconciliation.published_event_ids - logged_event_ids:
        parts["not in the event log"] = -len(unknown)
    return (SummaryRow("events logged", len(logged_event_ids), parts),)


def _count_failure_reasons(reconciliation: ReconciliationInput) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for event in reconciliation.iterate_events():
        for key in ("failureReason", "finalFailureReason"):
            if key in event.payload.fields:
                reason = str(event.payload[key]).removeprefix("Move failed: ").partition(":")[0]
                reasons[ID_PATTERN.sub("", reason)] += 1
    return Counter(dict(reasons.most_common()))
