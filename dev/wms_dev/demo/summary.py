"""The rows of the demo's summary: each a total, which others must sum up to."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wms.orders.v1 import storage_pb2
from wms_dev.demo.books import CANCELLED, COMPLETED, DEAD_LETTER, Books
from wms_dev.simulator.journal import BREAKDOWN, DAMAGED, LOST

# CAR-NW-001-007 in the middle of a reason.
NAMES = re.compile(r" [A-Z]+-\S+")
FULFILLED = storage_pb2.BACKORDER_STATUS_FULFILLED


@dataclass(frozen=True)
class Row:
    """A total that was counted for itself, and what it is made of."""

    what: str
    total: int
    parts: Mapping[str, int]

    @property
    def words(self) -> str:
        """The parts as a sum."""
        return " + ".join(f"{count} {part}" for part, count in self.parts.items()) or "nothing"

    @property
    def adds_up(self) -> bool:
        """Whether the parts are the whole."""
        return self.total == sum(self.parts.values())


def rows(books: Books) -> Sequence[Row]:
    """Orders, units, what went wrong, backorders and failures."""
    return (
        *_orders_and_units(books),
        Row("carriers in trouble", _trouble(books).total(), _trouble(books)),
        _short_picks(books),
        _on_hold(books),
        _backorders(books),
        Row("failures counted", books.failures, _failures(books)),
        *_published(books),
    )


def _orders_and_units(books: Books) -> Sequence[Row]:
    shipped, on_hand, on_hold = books.shipped.total(), books.on_hand.total(), books.on_hold
    statuses = {
        "completed": len(books.in_status(COMPLETED)),
        "cancelled": len(books.in_status(CANCELLED)),
        "dead-lettered and escalated": len(books.in_status(DEAD_LETTER)),
    }
    ordered = {
        "shipped": shipped,
        "given up": books.units_not_sent,
        "cancelled": books.units_not_wanted,
        "dead-lettered": books.units_waiting,
    }
    received = {
        "shipped": shipped,
        "written off": books.written_off.total(),
        "free": on_hand - on_hold,
        "on hold": on_hold,
    }
    return (
        Row("orders placed", len(books.placed), statuses),
        Row("units ordered", books.units_ordered, ordered),
        Row("units received", books.received.total(), received),
    )


def _trouble(books: Books) -> Counter[str]:
    words = {LOST: "not found", DAMAGED: "arrived damaged", BREAKDOWN: "on a crane that broke down"}
    return Counter(words[one.kind] for one in books.incidents if one.kind in words)


def _short_picks(books: Books) -> Row:
    parts: Counter[str] = Counter()
    for one in books.short_picks:
        parts[one.reason.replace("_", " ")] += one.units
    return Row("units short-picked", books.written_off.total(), parts)


def _on_hold(books: Books) -> Row:
    parts: Counter[str] = Counter()
    for carrier in books.held:
        # The part before a colon is the kind, what follows are names.
        parts[carrier.status_reason.partition(":")[0]] += carrier.quantity
    return Row("units on hold", books.on_hold, parts)


def _backorders(books: Books) -> Row:
    given_up = sum(books.is_given_up(one) for one in books.backorders)
    fulfilled = sum(one.status == FULFILLED for one in books.backorders)
    closed = sum(one.status == storage_pb2.BACKORDER_STATUS_CANCELLED for one in books.backorders)
    parts = {"fulfilled": fulfilled, "given up": given_up, "closed as their order failed": closed - given_up}
    return Row("backorders opened", len(books.backorders), parts)


def _published(books: Books) -> Sequence[Row]:
    if books.published is None:
        return ()
    told = {event.event_id for event in books.events()}
    parts = {"read from Kafka": len(told & books.published)}
    if unknown := books.published - told:
        parts["that nobody told"] = -len(unknown)
    return (Row("events told", len(told), parts),)


def _failures(books: Books) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for event in books.events():
        for key in ("failureReason", "finalFailureReason"):
            if key in event.payload.fields:
                reason = str(event.payload[key]).removeprefix("Move failed: ").partition(":")[0]
                reasons[NAMES.sub("", reason)] += 1
    return Counter(dict(reasons.most_common()))
