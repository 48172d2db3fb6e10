"""The missing part of an order: opened by a shortage, filled when stock arrives, or given up."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from wms_core.domain import events
from wms_core.domain.caller import Caller
from wms_core.domain.change import Change, Changing, told
from wms_core.domain.errors import BackorderStatusConflict, QuantityExceeded, SkuNotOnOrder
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Order, OrderItem
from wms_core.domain.payloads import Changes, ShortageReason


class BackorderStatus(StrEnum):
    """How far a backorder is."""

    OPEN = "open"  # nothing of it is on its way
    IN_PROGRESS = "in_progress"  # stock is allocated to it, or a part has been delivered
    FULFILLED = "fulfilled"  # all of it has been delivered
    CANCELLED = "cancelled"  # will never be filled


LIVE = (BackorderStatus.OPEN, BackorderStatus.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Backorder:
    """Units of one line that are owed."""

    backorder_id: str
    order_id: str
    line_number: int
    customer_id: str
    warehouse_id: str
    sku: str
    quantity: int
    reason: ShortageReason
    created_at: datetime
    quantity_fulfilled: int = 0
    status: BackorderStatus = BackorderStatus.OPEN
    updated_at: datetime | None = None
    closed_at: datetime | None = None
    cancel_reason: str = ""


@dataclass(frozen=True, slots=True)
class PartialRule:
    """From which share of an order's units on it goes on without the rest, if it allows that."""

    min_ratio: float = 0.5

    def allows(self, order: Order, missing: int) -> bool:
        """Say whether the order goes on when that many more of its units are missing."""
        asked = sum(item.quantity for item in order.items)
        there = asked - missing - sum(item.backordered for item in order.items)
        return order.allow_partial and there > 0 and there / asked >= self.min_ratio


def go_on_without(
    order: Order,
    missing: Mapping[int, int],
    reason: ShortageReason,
    new_id: Callable[[str], str],
    caller: Caller,
    now: datetime,
) -> Change:
    """Open backorders for missing units (by line number) and tell how much of the order goes on.

    The ratio counts units over the whole order, also when a SKU stands on several lines.
    """
    backorders = tuple(
        Backorder(
            backorder_id=new_id("BO-"),
            order_id=order.order_id,
            line_number=item.line_number,
            customer_id=order.customer_id,
            warehouse_id=order.warehouse_id,
            sku=item.sku,
            quantity=missing[item.line_number],
            reason=reason,
            created_at=now,
            updated_at=now,
        )
        for item in order.items
        if missing.get(item.line_number)
    )
    items = tuple(
        replace(item, backordered=item.backordered + missing.get(item.line_number, 0)) for item in order.items
    )
    after = replace(order, items=items)
    changing = Changing(order, caller, now)
    changing.tell(_partially_fulfilled(after, backorders, now), after, moved=False)
    for backorder in backorders:
        event = events.BackorderCreated(
            **told(order, now),
            backorder_id=backorder.backorder_id,
            sku=backorder.sku,
            quantity=backorder.quantity,
            reason=backorder.reason,
        )
        changing.tell(event, after, moved=False)
    return changing.done(after, opened=backorders)


def _partially_fulfilled(
    order: Order, backorders: Sequence[Backorder], now: datetime
) -> events.PartiallyFulfilled:
    asked: dict[str, int] = defaultdict(int)
    owed: dict[str, int] = defaultdict(int)
    for item in order.items:
        asked[item.sku] += item.quantity
        owed[item.sku] += item.backordered
    reasons = {backorder.sku: backorder.reason for backorder in backorders}
    short: dict[str, int] = defaultdict(int)
    for backorder in backorders:
        short[backorder.sku] += backorder.quantity
    return events.PartiallyFulfilled(
        **told(order, now),
        fulfilled_items=[
            {"sku": sku, "quantityOrdered": units, "quantityFulfilled": units - owed[sku]}
            for sku, units in asked.items()
            if units > owed[sku]
        ],
        backordered_items=[
            {"sku": sku, "quantityOrdered": asked[sku], "quantityShort": units, "reason": reasons[sku]}
            for sku, units in short.items()
        ],
        fulfillment_ratio=round(1 - sum(owed.values()) / sum(asked.values()), 4),
    )


def lose(order: Order, sku: str, quantity: int) -> tuple[Order, dict[int, int]]:
    """Take units of a SKU that a picker did not find from what has been delivered and not shipped.

    Gives the order without them and what is missing by line. Raises StatusConflict, SkuNotOnOrder,
    QuantityExceeded.
    """
    order.require(OrderStatus.PICKING, OrderStatus.PACKING)
    lines = [item for item in order.items if item.sku == sku]
    if not lines:
        raise SkuNotOnOrder(order_id=order.order_id, sku=sku)
    there = sum(item.delivered - item.shipped for item in lines)
    if quantity > there:
        raise QuantityExceeded(order_id=order.order_id, sku=sku, quantity=there)
    missing: dict[int, int] = {}
    items: list[OrderItem] = []
    for item in order.items:
        units = min(quantity, item.delivered - item.shipped) if item.sku == sku else 0
        quantity -= units
        if units:
            missing[item.line_number] = units
        items.append(replace(item, allocated=item.allocated - units, delivered=item.delivered - units))
    return replace(order, items=tuple(items)), missing


def fulfilled(order: Order, backorders: Sequence[Backorder], caller: Caller, now: datetime) -> Change:
    """Tell of backorders of one order that have been delivered whole; the order's status stays."""
    changing = Changing(order, caller, now)
    for backorder in backorders:
        event = events.BackorderFulfilled(
            **told(order, now),
            backorder_id=backorder.backorder_id,
            sku=backorder.sku,
            quantity=backorder.quantity,
        )
        changing.tell(event, order, moved=False)
    return changing.done(order)


def cancel(
    order: Order, backorder: Backorder, held: int, reason: str, caller: Caller, now: datetime
) -> Change:
    """Give up what is still owed, of which `held` units are allocated. Raises BackorderStatusConflict."""
    if backorder.status is BackorderStatus.CANCELLED:
        return Change(before=order, order=order)
    if backorder.status not in LIVE:
        raise BackorderStatusConflict(
            backorder_id=backorder.backorder_id,
            status=backorder.status.value,
            required_statuses=",".join(LIVE),
        )
    owed = backorder.quantity - backorder.quantity_fulfilled
    items = tuple(
        replace(item, backordered=item.backordered - owed, allocated=item.allocated - held)
        if item.line_number == backorder.line_number
        else item
        for item in order.items
    )
    after = replace(order, items=items)
    changes: Changes = {
        "backorderCancelled": {
            "backorderId": backorder.backorder_id,
            "sku": backorder.sku,
            "quantity": owed,
            "reason": reason,
        }
    }
    changing = Changing(order, caller, now)
    changing.tell(events.Updated(**told(order, now), changes=changes), after, moved=False)
    return changing.done(after, closed=((backorder.backorder_id, reason),))
