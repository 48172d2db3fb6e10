"""Lifecycle of a received order: validation, wave, shipment, completion, cancellation and update."""

from dataclasses import replace
from datetime import datetime

from wms_core.domain.call_context import Caller
from wms_core.domain.errors import NothingToShip, WaveDestinationConflict
from wms_core.domain.events import events
from wms_core.domain.events.payloads import Changes, build_address_payload, build_item_payload
from wms_core.domain.orders.change import OrderChange, OrderChangeBuilder, event_base_fields, transition
from wms_core.domain.orders.orders import Order, OrderUpdate, Shipment
from wms_core.domain.orders.status import UPDATABLE_STATUSES, OrderStatus


def validate(order: Order, caller: Caller, now: datetime) -> OrderChange:
    """Validate the order. This checks the order, not its stock. Raises StatusConflict."""
    return transition(
        order, OrderStatus.VALIDATED, events.OrderValidated(**event_base_fields(order, now)), caller, now
    )


def assign_to_wave(
    order: Order, wave_id: str, destination_id: str, caller: Caller, now: datetime
) -> OrderChange:
    """Assign the order to a wave. The same wave again changes nothing.

    Raises WaveDestinationConflict for another wave or destination, and StatusConflict.
    """
    if order.status is OrderStatus.ASSIGNED_TO_WAVE:
        if (order.wave_id, order.destination_id) == (wave_id, destination_id):
            return OrderChange(order_before=order, order=order)
        raise WaveDestinationConflict(wave_id=order.wave_id, destination_id=order.destination_id)
    event = events.WaveAssigned(
        **event_base_fields(order, now), wave_id=wave_id, destination_id=destination_id
    )
    return transition(
        order,
        OrderStatus.ASSIGNED_TO_WAVE,
        event,
        caller,
        now,
        wave_id=wave_id,
        destination_id=destination_id,
    )


def ship(order: Order, carrier_code: str, tracking_number: str, caller: Caller, now: datetime) -> OrderChange:
    """Ship all units delivered since the last shipment. Raises StatusConflict, NothingToShip."""
    order.require_status(OrderStatus.PACKING, OrderStatus.SHIPPED)
    packed_items = [item for item in order.items if item.delivered > item.shipped]
    if not packed_items:
        raise NothingToShip(order_id=order.order_id)
    shipment = Shipment(
        shipment_number=len(order.shipments) + 1,
        carrier_code=carrier_code,
        tracking_number=tracking_number,
        shipped_at=now,
        lines=tuple((item.line_number, item.sku, item.delivered - item.shipped) for item in packed_items),
    )
    event = events.OrderShipped(
        **event_base_fields(order, now),
        shipment_number=shipment.shipment_number,
        carrier_code=carrier_code,
        tracking_number=tracking_number,
        items=[{"sku": sku, "quantity": quantity} for _, sku, quantity in shipment.lines],
    )
    order_after = replace(
        order,
        status=OrderStatus.SHIPPED,
        items=tuple(replace(item, shipped=item.delivered) for item in order.items),
        shipments=(*order.shipments, shipment),
    )
    change_builder = OrderChangeBuilder(order, caller, now)
    change_builder.add_event(event, order_after, is_transition=order.status is not OrderStatus.SHIPPED)
    return change_builder.build(order_after, shipment=shipment)


def complete(order: Order, delivered_at: datetime | None, caller: Caller, now: datetime) -> OrderChange:
    """Confirm the delivery; `delivered_at` defaults to `now`. Raises StatusConflict."""
    delivered_at = delivered_at or now
    event = events.OrderCompleted(**event_base_fields(order, now), delivered_at=delivered_at)
    return transition(order, OrderStatus.COMPLETED, event, caller, now, delivered_at=delivered_at)


def cancel(order: Order, reason: str, caller: Caller, now: datetime) -> OrderChange:
    """Cancel the order, and release its allocations and backorders. Raises StatusConflict."""
    event = events.OrderCancelled(**event_base_fields(order, now), reason=reason)
    return transition(
        order, OrderStatus.CANCELLED, event, caller, now, should_release=True,
        cancel_reason=reason, failed_status=None, next_retry_at=None, waiting_reason=None,
    )  # fmt: skip


def update(order: Order, changes: OrderUpdate, caller: Caller, now: datetime) -> OrderChange:
    """Change the fields of the field mask, which is allowed only before picking. Raises StatusConflict."""
    order.require_status(*UPDATABLE_STATUSES)
    order_after = order
    new_values: Changes = {}
    if "priority" in changes.field_mask and changes.priority is not None:
        order_after = replace(order_after, priority=changes.priority)
        new_values["priority"] = changes.priority
    if "shipping_address" in changes.field_mask and changes.shipping_address is not None:
        order_after = replace(order_after, shipping_address=changes.shipping_address)
        new_values["shippingAddress"] = build_address_payload(changes.shipping_address)
    if "promised_delivery_at" in changes.field_mask:
        order_after = replace(order_after, promised_delivery_at=changes.promised_delivery_at)
        new_values["promisedDeliveryAt"] = changes.promised_delivery_at
    if "items" in changes.field_mask:
        order_after = replace(order_after, items=changes.items)
        new_values["items"] = [build_item_payload(item) for item in changes.items]
    if order_after == order:
        return OrderChange(order_before=order, order=order)
    change_builder = OrderChangeBuilder(order, caller, now)
    change_builder.add_event(
        events.OrderUpdated(**event_base_fields(order, now), changes=new_values),
        order_after,
        is_transition=False,
    )
    items_replaced = order_after.items != order.items
    return change_builder.build(order_after, items_replaced=items_replaced, should_release=items_replaced)
