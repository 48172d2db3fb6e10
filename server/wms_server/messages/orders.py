"""Orders, waves, events and explanations."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.struct_pb2 import Struct
from google.type.money_pb2 import Money as MoneyMessage

from wms.orders.v1 import event_pb2, order_pb2
from wms.orders.v1.orders_pb2 import CreateOrderRequest
from wms_core.application.explanations import Explanation
from wms_core.application.identifiers import new_id
from wms_core.domain.events import EventRecord
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import (
    FIRST_ETAG,
    Address,
    Money,
    NewItem,
    NewOrder,
    Order,
    OrderItem,
    Priority,
    Shipment,
)
from wms_core.domain.storage import Wave
from wms_server.messages.values import moment, numbers, stamp, timestamp, words

STATUS_WORDS = words(order_pb2.OrderStatus, "ORDER_STATUS_", OrderStatus)
STATUS_NUMBERS = numbers(order_pb2.OrderStatus, "ORDER_STATUS_")
PRIORITY_WORDS = words(order_pb2.OrderPriority, "ORDER_PRIORITY_", Priority)
PRIORITY_NUMBERS = numbers(order_pb2.OrderPriority, "ORDER_PRIORITY_")
_SHIPMENTS, _SHIPMENT_BYTES = 1_000, 1024 * 1024
WAITING_NUMBERS = numbers(order_pb2.WaitingReason, "WAITING_REASON_")


def status_number(status: OrderStatus | None) -> Any:
    """Give the number of a status, 0 for none."""
    return STATUS_NUMBERS[status.value] if status else 0


def statuses(numbered: Iterable[int]) -> tuple[OrderStatus, ...]:
    """Read a filter of statuses; the same twice is once."""
    return tuple(dict.fromkeys(STATUS_WORDS[number] for number in numbered))


def priorities(numbered: Iterable[int]) -> tuple[Priority, ...]:
    """Read a filter of priorities."""
    return tuple(dict.fromkeys(PRIORITY_WORDS[number] for number in numbered))


def address_from(message: order_pb2.ShippingAddress) -> Address:
    """Read an address."""
    return Address(
        message.street,
        message.city,
        message.country,
        message.recipient_name,
        message.state,
        message.zip_code,
        message.phone,
    )


def new_order_from(request: CreateOrderRequest, default_warehouse_id: str) -> NewOrder:
    """Read what is asked for; it has an id then, its own or a new one, and a warehouse."""
    return NewOrder(
        request.order_id or new_id("ORD-"),
        request.customer_id,
        request.warehouse_id or default_warehouse_id,
        PRIORITY_WORDS[request.priority],
        [_new_item(item) for item in request.items],
        address_from(request.shipping_address),
        moment(request, "promised_delivery_at"),
        request.allow_partial or not request.HasField("allow_partial"),
    )


def _new_item(message: order_pb2.OrderItem) -> NewItem:
    if not message.HasField("unit_price"):
        return NewItem(message.sku, message.quantity)
    price = message.unit_price
    return NewItem(message.sku, message.quantity, price.currency_code, price.units, price.nanos)


def write_created(order: order_pb2.Order, request: CreateOrderRequest, new: NewOrder, now: datetime) -> None:
    """Write a new order as it was asked for, and what it was given."""
    order.order_id = new.order_id
    order.customer_id = new.customer_id
    order.warehouse_id = new.warehouse_id
    order.priority = request.priority
    order.status = order_pb2.ORDER_STATUS_RECEIVED
    order.items.MergeFrom(request.items)
    for number, item in enumerate(order.items, start=1):
        item.line_number = number
        # It is ours to say.
        item.quantity_allocated = item.quantity_delivered = item.quantity_shipped = (
            item.quantity_backordered
        ) = 0
    order.shipping_address.CopyFrom(request.shipping_address)
    order.allow_partial = new.allow_partial
    order.etag = FIRST_ETAG
    order.sequence = 1
    since = stamp(now)
    order.created_at.CopyFrom(since)
    order.updated_at.CopyFrom(since)
    if new.promised_delivery_at is not None:
        order.promised_delivery_at.CopyFrom(stamp(new.promised_delivery_at))
        order.overdue = new.promised_delivery_at < now
    order.DiscardUnknownFields()


def items_from(messages: Sequence[order_pb2.OrderItem]) -> tuple[OrderItem, ...]:
    """Read lines; they are numbered from 1 in the order given."""
    return tuple(
        OrderItem(
            line_number=number,
            sku=message.sku,
            quantity=message.quantity,
            unit_price=_money_from(message.unit_price) if message.HasField("unit_price") else None,
        )
        for number, message in enumerate(messages, start=1)
    )


def _money_from(message: MoneyMessage) -> Money:
    return Money(message.currency_code, message.units, message.nanos)


def order_message(order: Order, now: datetime) -> order_pb2.Order:
    """Write an order."""
    return order_pb2.Order(
        order_id=order.order_id,
        customer_id=order.customer_id,
        warehouse_id=order.warehouse_id,
        priority=PRIORITY_NUMBERS[order.priority.value],  # type: ignore[arg-type]
        status=status_number(order.status),
        items=[_item(item) for item in order.items],
        shipping_address=_address(order.shipping_address),
        promised_delivery_at=timestamp(order.promised_delivery_at),
        allow_partial=order.allow_partial,
        wave_id=order.wave_id or "",
        destination_id=order.destination_id or "",
        retry_count=order.retry_count,
        failed_status=status_number(order.failed_status),
        last_failure_reason=order.last_failure_reason or "",
        last_failed_at=timestamp(order.last_failed_at),
        next_retry_at=timestamp(order.next_retry_at),
        shipments=_shipments(order.shipments),
        cancel_reason=order.cancel_reason or "",
        etag=order.etag,
        created_at=timestamp(order.created_at),
        updated_at=timestamp(order.updated_at),
        delivered_at=timestamp(order.delivered_at),
        overdue=order.overdue(now),
        waiting_reason=WAITING_NUMBERS.get(order.waiting_reason or "", 0),  # type: ignore[arg-type]
        sequence=order.sequence,
    )


def _item(item: OrderItem) -> order_pb2.OrderItem:
    price = item.unit_price
    return order_pb2.OrderItem(
        sku=item.sku,
        quantity=item.quantity,
        unit_price=MoneyMessage(currency_code=price.currency, units=price.units, nanos=price.nanos)
        if price
        else None,
        line_number=item.line_number,
        quantity_allocated=item.allocated - item.delivered,
        quantity_delivered=item.delivered,
        quantity_shipped=item.shipped,
        quantity_backordered=item.backordered,
    )


def _address(address: Address) -> order_pb2.ShippingAddress:
    return order_pb2.ShippingAddress(
        street=address.street,
        city=address.city,
        country=address.country,
        recipient_name=address.recipient_name,
        state=address.state,
        zip_code=address.zip_code,
        phone=address.phone,
    )


def _shipments(shipments: Sequence[Shipment]) -> list[order_pb2.Shipment]:
    """Write the newest ones, for which there is room in an answer, oldest first (contract: Order)."""
    written: list[order_pb2.Shipment] = []
    room = _SHIPMENT_BYTES
    for shipment in reversed(shipments[-_SHIPMENTS:]):
        message = _shipment(shipment)
        room -= message.ByteSize()
        if room < 0 and written:
            break
        written.append(message)
    return written[::-1]


def _shipment(shipment: Shipment) -> order_pb2.Shipment:
    return order_pb2.Shipment(
        shipment_number=shipment.shipment_number,
        carrier_code=shipment.carrier_code,
        tracking_number=shipment.tracking_number,
        shipped_at=timestamp(shipment.shipped_at),
        lines=[
            order_pb2.ShipmentLine(line_number=number, sku=sku, quantity=quantity)
            for number, sku, quantity in shipment.lines
        ],
    )


def wave_message(wave: Wave, order_count: int) -> order_pb2.Wave:
    """Write a wave."""
    return order_pb2.Wave(
        wave_id=wave.wave_id,
        warehouse_id=wave.warehouse_id,
        destination_id=wave.destination_id,
        order_count=order_count,
        created_at=timestamp(wave.created_at),
    )


def event_message(event: EventRecord) -> event_pb2.Event:
    """Write an event; its payload is the JSON that is published."""
    payload = Struct()
    payload.update(json.loads(event.payload))
    return event_pb2.Event(
        event_id=event.event_id,
        type=event.type,
        order_id=event.order_id,
        sequence=event.sequence,
        position=event.position,
        occurred_at=timestamp(event.occurred_at),
        actor=event.caller.actor,
        correlation_id=event.caller.correlation_id,
        wave_number=event.wave_number,
        workflow_id=event.caller.workflow_id,
        from_status=status_number(event.from_status),
        to_status=status_number(event.to_status),
        payload=payload,
        warehouse_id=event.warehouse_id,
    )


def explanation_fields(explanation: Explanation) -> dict[str, Any]:
    """Write an explanation as the fields of its answer."""
    return {
        "order_id": explanation.order.order_id,
        "status": status_number(explanation.order.status),
        "waiting_reason": WAITING_NUMBERS[explanation.waiting_reason],
        "explanation": explanation.sentence,
        "next_attempt_at": timestamp(explanation.next_attempt_at),
        "legal_calls": explanation.legal_calls,
        "since": timestamp(explanation.since),
    }
