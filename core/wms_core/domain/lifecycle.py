"""The way of an order to the customer's door, once it is received."""

from dataclasses import replace
from datetime import datetime

from wms_core.domain import events
from wms_core.domain.caller import Caller
from wms_core.domain.change import Change, Changing, moved, told
from wms_core.domain.errors import NothingToShip, WaveDestinationConflict
from wms_core.domain.order_status import UPDATABLE, OrderStatus
from wms_core.domain.orders import Order, OrderChanges, Shipment
from wms_core.domain.payloads import Changes, address_json, item_json


def validate(order: Order, caller: Caller, now: datetime) -> Change:
    """Say that the order can be worked on. Checks the order, not stock."""
    return moved(order, OrderStatus.VALIDATED, events.Validated(**told(order, now)), caller, now)


def assign_to_wave(order: Order, wave_id: str, destination_id: str, caller: Caller, now: datetime) -> Change:
    """Put the order into a wave; the same wave again changes nothing, another one is an error."""
    if order.status is OrderStatus.ASSIGNED_TO_WAVE:
        if (order.wave_id, order.destination_id) == (wave_id, destination_id):
            return Change(before=order, order=order)
        raise WaveDestinationConflict(wave_id=order.wave_id, destination_id=order.destination_id)
    event = events.WaveAssigned(**told(order, now), wave_id=wave_id, destination_id=destination_id)
    return moved(
        order,
        OrderStatus.ASSIGNED_TO_WAVE,
        event,
        caller,
        now,
        wave_id=wave_id,
        destination_id=destination_id,
    )


def ship(order: Order, carrier_code: str, tracking_number: str, caller: Caller, now: datetime) -> Change:
    """Ship what has been delivered since the last shipment; with nothing to ship it is an error."""
    order.require(OrderStatus.PACKING, OrderStatus.SHIPPED)
    packed = [item for item in order.items if item.delivered > item.shipped]
    if not packed:
        raise NothingToShip(order_id=order.order_id)
    shipment = Shipment(
        shipment_number=len(order.shipments) + 1,
        carrier_code=carrier_code,
        tracking_number=tracking_number,
        shipped_at=now,
        lines=tuple((item.line_number, item.sku, item.delivered - item.shipped) for item in packed),
    )
    event = events.Shipped(
        **told(order, now),
        shipment_number=shipment.shipment_number,
        carrier_code=carrier_code,
        tracking_number=tracking_number,
        items=[{"sku": sku, "quantity": quantity} for _, sku, quantity in shipment.lines],
    )
    after = replace(
        order,
        status=OrderStatus.SHIPPED,
        items=tuple(replace(item, shipped=item.delivered) for item in order.items),
        shipments=(*order.shipments, shipment),
    )
    changing = Changing(order, caller, now)
    changing.tell(event, after, moved=order.status is not OrderStatus.SHIPPED)
    return changing.done(after, shipment=shipment)


def complete(order: Order, delivered_at: datetime | None, caller: Caller, now: datetime) -> Change:
    """Confirm the delivery; `delivered_at` defaults to now."""
    delivered_at = delivered_at or now
    event = events.Completed(**told(order, now), delivered_at=delivered_at)
    return moved(order, OrderStatus.COMPLETED, event, caller, now, delivered_at=delivered_at)


def cancel(order: Order, reason: str, caller: Caller, now: datetime) -> Change:
    """Give the order up and let go of what it holds."""
    event = events.Cancelled(**told(order, now), reason=reason)
    return moved(
        order, OrderStatus.CANCELLED, event, caller, now,
        releases=True, cancel_reason=reason, failed_status=None, next_retry_at=None, waiting_reason=None,
    )  # fmt: skip


def update(order: Order, changes: OrderChanges, caller: Caller, now: datetime) -> Change:
    """Change what was asked for; only before carriers are under way."""
    order.require(*UPDATABLE)
    after = order
    new_values: Changes = {}
    if "priority" in changes.mask and changes.priority is not None:
        after = replace(after, priority=changes.priority)
        new_values["priority"] = changes.priority
    if "shipping_address" in changes.mask and changes.shipping_address is not None:
        after = replace(after, shipping_address=changes.shipping_address)
        new_values["shippingAddress"] = address_json(changes.shipping_address)
    if "promised_delivery_at" in changes.mask:
        after = replace(after, promised_delivery_at=changes.promised_delivery_at)
        new_values["promisedDeliveryAt"] = changes.promised_delivery_at
    if "items" in changes.mask:
        after = replace(after, items=changes.items)
        new_values["items"] = [item_json(item) for item in changes.items]
    if after == order:
        return Change(before=order, order=order)
    changing = Changing(order, caller, now)
    changing.tell(events.Updated(**told(order, now), changes=new_values), after, moved=False)
    items_replaced = after.items != order.items
    return changing.done(after, items_replaced=items_replaced, releases=items_replaced)
