"""How a change to an order is made: one arrow of the table, one version, an event for each thing told."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wms_core.domain.caller import Caller
from wms_core.domain.errors import StatusConflict
from wms_core.domain.events import EventRecord, OrderEvent
from wms_core.domain.order_status import OrderStatus, allowed, sources
from wms_core.domain.orders import FailureAttempt, Order, Shipment

if TYPE_CHECKING:
    # A backorder is made by a change, and a change carries backorders.
    from wms_core.domain.backorders import Backorder


@dataclass(frozen=True, slots=True)
class Change:
    """An order after a change, the events that tell of it, and what it leaves behind elsewhere.

    `opened` are new backorders, `closed` those given up with the reason; a change that `releases` gives up
    all of the order's live backorders and allocations.
    """

    before: Order | None
    order: Order
    records: tuple[EventRecord, ...] = ()
    attempt: FailureAttempt | None = None
    shipment: Shipment | None = None
    items_replaced: bool = False
    releases: bool = False
    dead_letter: tuple[OrderStatus, str] | None = None
    opened: "tuple[Backorder, ...]" = ()
    closed: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Changing:
    """Builds one Change: one new version, and a sequence number for each event."""

    before: Order
    caller: Caller
    now: datetime
    records: list[EventRecord] = field(default_factory=list)

    def tell(self, event: OrderEvent, after: Order, *, moved: bool) -> None:
        """Add an event; `moved` says that it is the one that tells of the change of status."""
        self.records.append(
            EventRecord(
                order_id=after.order_id,
                sequence=self.before.sequence + len(self.records) + 1,
                version=self.before.version + 1,
                type=event.type,
                occurred_at=self.now,
                from_status=self.before.status if moved else None,
                to_status=after.status if moved else None,
                wave_number=after.wave_id or self.before.wave_id or self.caller.wave_number,
                warehouse_id=after.warehouse_id,
                caller=self.caller,
                payload=event.payload(),
            )
        )

    def done(self, after: Order, **left: Any) -> Change:
        """Give the change, with the next version on the order."""
        final = replace(
            after,
            version=self.before.version + 1,
            sequence=self.before.sequence + len(self.records),
            updated_at=self.now,
        )
        return Change(before=self.before, order=final, records=tuple(self.records), **left)


def moved(
    order: Order,
    to: OrderStatus,
    event: OrderEvent,
    caller: Caller,
    now: datetime,
    *,
    releases: bool = False,
    **values: Any,
) -> Change:
    """Follow one arrow of the table; the status it already has changes nothing."""
    if order.status is to:
        return Change(before=order, order=order)
    if not allowed(order.status, to):
        raise StatusConflict(
            order_id=order.order_id, status=order.status.value, required_statuses=",".join(sources(to))
        )
    after = replace(order, status=to, **values)
    if releases:
        after = let_go(after)
    changing = Changing(order, caller, now)
    changing.tell(event, after, moved=True)
    return changing.done(after, releases=releases)


def told(order: Order, now: datetime) -> dict[str, Any]:
    """Give what every event says."""
    return {"order_id": order.order_id, "customer_id": order.customer_id, "timestamp": now}


def let_go(order: Order) -> Order:
    """Take from the lines what has not been shipped."""
    items = tuple(
        replace(item, allocated=item.shipped, delivered=item.shipped, backordered=0) for item in order.items
    )
    return replace(order, items=items)
