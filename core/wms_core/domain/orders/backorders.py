"""Backorders: opened by a shortage, fulfilled when stock arrives, or cancelled."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from wms_core.domain.call_context import Caller
from wms_core.domain.errors import BackorderStatusConflict, QuantityExceeded, SkuNotOnOrder
from wms_core.domain.events import events
from wms_core.domain.events.payloads import Changes, ShortageReason
from wms_core.domain.orders.change import OrderChange, OrderChangeBuilder, event_base_fields
from wms_core.domain.orders.orders import Order, OrderLine
from wms_core.domain.orders.status import OrderStatus


class BackorderStatus(StrEnum):
    """Status of a backorder."""

    OPEN = "open"  # no stock is allocated to it
    IN_PROGRESS = "in_progress"  # stock is allocated, or a part has been delivered
    FULFILLED = "fulfilled"  # all units have been delivered
    CANCELLED = "cancelled"  # will not be fulfilled; final


LIVE_STATUSES = (BackorderStatus.OPEN, BackorderStatus.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Backorder:
    """Missing units of one line, to be delivered later."""

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
class PartialFulfillmentRule:
    """Smallest share of an order's units with which it proceeds, if it allows partial fulfillment."""

    min_ratio: float = 0.5

    def allows_shortage(self, order: Order, missing_units: int) -> bool:
        """Return whether the order proceeds when `missing_units` more of its units are missing."""
        requested_units = sum(item.quantity for item in order.items)
        available_units = requested_units - missing_units - sum(item.backordered for item in order.items)
        return (
            order.allow_partial
            and available_units > 0
            and available_units / requested_units >= self.min_ratio
        )


def open_backorders(
    order: Order,
    missing_by_line: Mapping[int, int],
    reason: ShortageReason,
    new_id: Callable[[str], str],
    caller: Caller,
    now: datetime,
) -> OrderChange:
    """Open backorders for missing units (by line number) and record the fulfilled share of the order.

    The ratio counts units over the whole order, also when a SKU is on several lines.
    """
    backorders = tuple(
        Backorder(
            backorder_id=new_id("BO-"),
            order_id=order.order_id,
            line_number=item.line_number,
            customer_id=order.customer_id,
            warehouse_id=order.warehouse_id,
            sku=item.sku,
            quantity=missing_by_line[item.line_number],
            reason=reason,
            created_at=now,
            updated_at=now,
        )
        for item in order.items
        if missing_by_line.get(item.line_number)
    )
    items = tuple(
        replace(item, backordered=item.backordered + missing_by_line.get(item.line_number, 0))
        for item in order.items
    )
    order_after = replace(order, items=items)
    change_builder = OrderChangeBuilder(order, caller, now)
    change_builder.add_event(
        _build_partial_event(order_after, backorders, now), order_after, is_transition=False
    )
    for backorder in backorders:
        event = events.BackorderCreated(
            **event_base_fields(order, now),
            backorder_id=backorder.backorder_id,
            sku=backorder.sku,
            quantity=backorder.quantity,
            reason=backorder.reason,
        )
        change_builder.add_event(event, order_after, is_transition=False)
    return change_builder.build(order_after, opened_backorders=backorders)


def _build_partial_event(
    order: Order, backorders: Sequence[Backorder], now: datetime
) -> events.PartiallyFulfilled:
    requested_units: dict[str, int] = defaultdict(int)
    backordered_units: dict[str, int] = defaultdict(int)
    for item in order.items:
        requested_units[item.sku] += item.quantity
        backordered_units[item.sku] += item.backordered
    reasons = {backorder.sku: backorder.reason for backorder in backorders}
    missing_units: dict[str, int] = defaultdict(int)
    for backorder in backorders:
        missing_units[backorder.sku] += backorder.quantity
    return events.PartiallyFulfilled(
        **event_base_fields(order, now),
        fulfilled_items=[
            {"sku": sku, "quantityOrdered": units, "quantityFulfilled": units - backordered_units[sku]}
            for sku, units in requested_units.items()
            if units > backordered_units[sku]
        ],
        backordered_items=[
            {
                "sku": sku,
                "quantityOrdered": requested_units[sku],
                "quantityShort": units,
                "reason": reasons[sku],
            }
            for sku, units in missing_units.items()
        ],
        fulfillment_ratio=round(1 - sum(backordered_units.values()) / sum(requested_units.values()), 4),
    )


def apply_short_pick(order: Order, sku: str, quantity: int) -> tuple[Order, dict[int, int]]:
    """Deduct units of a SKU that a picker did not find from the delivered, unshipped units.

    Return the reduced order and the missing units by line number. Raises StatusConflict, SkuNotOnOrder,
    QuantityExceeded.
    """
    order.require_status(OrderStatus.PICKING, OrderStatus.PACKING)
    lines = [item for item in order.items if item.sku == sku]
    if not lines:
        raise SkuNotOnOrder(order_id=order.order_id, sku=sku)
    unshipped_units = sum(item.delivered - item.shipped for item in lines)
    if quantity > unshipped_units:
        raise QuantityExceeded(order_id=order.order_id, sku=sku, quantity=unshipped_units)
    missing_by_line: dict[int, int] = {}
    items: list[OrderLine] = []
    for item in order.items:
        units = min(quantity, item.delivered - item.shipped) if item.sku == sku else 0
        quantity -= units
        if units:
            missing_by_line[item.line_number] = units
        items.append(replace(item, allocated=item.allocated - units, delivered=item.delivered - units))
    return replace(order, items=tuple(items)), missing_by_line


def fulfill_backorders(
    order: Order, backorders: Sequence[Backorder], caller: Caller, now: datetime
) -> OrderChange:
    """Record that backorders of one order were delivered completely. The order's status does not change."""
    change_builder = OrderChangeBuilder(order, caller, now)
    for backorder in backorders:
        event = events.BackorderFulfilled(
            **event_base_fields(order, now),
            backorder_id=backorder.backorder_id,
            sku=backorder.sku,
            quantity=backorder.quantity,
        )
        change_builder.add_event(event, order, is_transition=False)
    return change_builder.build(order)


def cancel(
    order: Order, backorder: Backorder, allocated_units: int, reason: str, caller: Caller, now: datetime
) -> OrderChange:
    """Cancel the outstanding units of a backorder, of which `allocated_units` are allocated.

    A backorder that is already cancelled does not change. Raises BackorderStatusConflict.
    """
    if backorder.status is BackorderStatus.CANCELLED:
        return OrderChange(order_before=order, order=order)
    if backorder.status not in LIVE_STATUSES:
        raise BackorderStatusConflict(
            backorder_id=backorder.backorder_id,
            status=backorder.status.value,
            required_statuses=",".join(LIVE_STATUSES),
        )
    outstanding_units = backorder.quantity - backorder.quantity_fulfilled
    items = tuple(
        replace(
            item, backordered=item.backordered - outstanding_units, allocated=item.allocated - allocated_units
        )
        if item.line_number == backorder.line_number
        else item
        for item in order.items
    )
    order_after = replace(order, items=items)
    changes: Changes = {
        "backorderCancelled": {
            "backorderId": backorder.backorder_id,
            "sku": backorder.sku,
            "quantity": outstanding_units,
            "reason": reason,
        }
    }
    change_builder = OrderChangeBuilder(order, caller, now)
    change_builder.add_event(
        events.OrderUpdated(**event_base_fields(order, now), changes=changes),
        order_after,
        is_transition=False,
    )
    return change_builder.build(order_after, closed_backorders=((backorder.backorder_id, reason),))
