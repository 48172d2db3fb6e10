"""Conversion of orders, waves, events and explanations."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.struct_pb2 import Struct
from google.type.money_pb2 import Money as MoneyMessage

from wms.orders.v1 import event_pb2, order_pb2
from wms.orders.v1.orders_pb2 import CreateOrderRequest
from wms_core.application.order_explanations import OrderExplanation
from wms_core.domain.events.events import EventRecord
from wms_core.domain.orders.orders import (
    FIRST_ETAG,
    Address,
    MoneyAmount,
    NewOrder,
    NewOrderLine,
    Order,
    OrderLine,
    Priority,
    Shipment,
)
from wms_core.domain.orders.status import OrderStatus
from wms_core.domain.stock.warehouse import Wave
from wms_core.runtime.ids import new_id
from wms_server.mapping.common import (
    enum_names,
    enum_numbers,
    read_datetime,
    to_optional_timestamp,
    to_timestamp,
)

STATUS_NAMES = enum_names(order_pb2.OrderStatus, "ORDER_STATUS_", OrderStatus)
STATUS_NUMBERS = enum_numbers(order_pb2.OrderStatus, "ORDER_STATUS_")
PRIORITY_NAMES = enum_names(order_pb2.OrderPriority, "ORDER_PRIORITY_", Priority)
PRIORITY_NUMBERS = enum_numbers(order_pb2.OrderPriority, "ORDER_PRIORITY_")
_MAX_SHIPMENTS, _MAX_SHIPMENT_BYTES = 1_000, 1024 * 1024
WAITING_REASON_NUMBERS = enum_numbers(order_pb2.WaitingReason, "WAITING_REASON_")


def to_status_number(status: OrderStatus | None) -> Any:
    """Return the number of a status, 0 for None."""
    return STATUS_NUMBERS[status.value] if status else 0


def to_statuses(status_numbers: Iterable[int]) -> tuple[OrderStatus, ...]:
    """Return the statuses of a filter without duplicates."""
    return tuple(dict.fromkeys(STATUS_NAMES[number] for number in status_numbers))


def to_priorities(priority_numbers: Iterable[int]) -> tuple[Priority, ...]:
    """Return the priorities of a filter without duplicates."""
    return tuple(dict.fromkeys(PRIORITY_NAMES[number] for number in priority_numbers))


def to_address(message: order_pb2.ShippingAddress) -> Address:
    """Return the address of a message."""
    return Address(
        message.street,
        message.city,
        message.country,
        message.recipient_name,
        message.state,
        message.zip_code,
        message.phone,
    )


def to_new_order(request: CreateOrderRequest, default_warehouse_id: str) -> NewOrder:
    """Return the new order of a request, with an id (given or new) and a warehouse."""
    return NewOrder(
        request.order_id or new_id("ORD-"),
        request.customer_id,
        request.warehouse_id or default_warehouse_id,
        PRIORITY_NAMES[request.priority],
        [_to_new_line(item) for item in request.items],
        to_address(request.shipping_address),
        read_datetime(request, "promised_delivery_at"),
        request.allow_partial or not request.HasField("allow_partial"),
    )


def _to_new_line(message: order_pb2.OrderItem) -> NewOrderLine:
    if not message.HasField("unit_price"):
        return NewOrderLine(message.sku, message.quantity)
    unit_price = message.unit_price
    return NewOrderLine(
        message.sku, message.quantity, unit_price.currency_code, unit_price.units, unit_price.nanos
    )


def write_created_order(
    order: order_pb2.Order, request: CreateOrderRequest, new_order: NewOrder, now: datetime
) -> None:
    """Fill the message of a new order from its request and its generated values."""
    order.order_id = new_order.order_id
    order.customer_id = new_order.customer_id
    order.warehouse_id = new_order.warehouse_id
    order.priority = request.priority
    order.status = order_pb2.ORDER_STATUS_RECEIVED
    order.items.MergeFrom(request.items)
    for line_number, item in enumerate(order.items, start=1):
        item.line_number = line_number
        # Only the service sets these; values of the request are ignored.
        item.quantity_allocated = item.quantity_delivered = item.quantity_shipped = (
            item.quantity_backordered
        ) = 0
    order.shipping_address.CopyFrom(request.shipping_address)
    order.allow_partial = new_order.allow_partial
    order.etag = FIRST_ETAG
    order.sequence = 1
    created_at = to_timestamp(now)
    order.created_at.CopyFrom(created_at)
    order.updated_at.CopyFrom(created_at)
    if new_order.promised_delivery_at is not None:
        order.promised_delivery_at.CopyFrom(to_timestamp(new_order.promised_delivery_at))
        order.overdue = new_order.promised_delivery_at < now
    order.DiscardUnknownFields()


def to_order_lines(line_messages: Sequence[order_pb2.OrderItem]) -> tuple[OrderLine, ...]:
    """Return the lines of an order, numbered from 1 in the given order."""
    return tuple(
        OrderLine(
            line_number=line_number,
            sku=message.sku,
            quantity=message.quantity,
            unit_price=_to_money(message.unit_price) if message.HasField("unit_price") else None,
        )
        for line_number, message in enumerate(line_messages, start=1)
    )


def _to_money(message: MoneyMessage) -> MoneyAmount:
    return MoneyAmount(message.currency_code, message.units, message.nanos)


def to_order_message(order: Order, now: datetime) -> order_pb2.Order:
    """Return the message of an order."""
    return order_pb2.Order(
        order_id=order.order_id,
        customer_id=order.customer_id,
        warehouse_id=order.warehouse_id,
        priority=PRIORITY_NUMBERS[order.priority.value],  # type: ignore[arg-type]
        status=to_status_number(order.status),
        items=[_to_item_message(item) for item in order.items],
        shipping_address=_to_address_message(order.shipping_address),
        promised_delivery_at=to_optional_timestamp(order.promised_delivery_at),
        allow_partial=order.allow_partial,
        wave_id=order.wave_id or "",
        destination_id=order.destination_id or "",
        retry_count=order.retry_count,
        failed_status=to_status_number(order.failed_status),
        last_failure_reason=order.last_failure_reason or "",
        last_failed_at=to_optional_timestamp(order.last_failed_at),
        next_retry_at=to_optional_timestamp(order.next_retry_at),
        shipments=_to_shipment_messages(order.shipments),
        cancel_reason=order.cancel_reason or "",
        etag=order.etag,
        created_at=to_optional_timestamp(order.created_at),
        updated_at=to_optional_timestamp(order.updated_at),
        delivered_at=to_optional_timestamp(order.delivered_at),
        overdue=order.is_overdue(now),
        waiting_reason=WAITING_REASON_NUMBERS.get(order.waiting_reason or "", 0),  # type: ignore[arg-type]
        sequence=order.sequence,
    )


def _to_item_message(item: OrderLine) -> order_pb2.OrderItem:
    unit_price = item.unit_price
    return order_pb2.OrderItem(
        sku=item.sku,
        quantity=item.quantity,
        unit_price=MoneyMessage(
            currency_code=unit_price.currency, units=unit_price.units, nanos=unit_price.nanos
        )
        if unit_price
        else None,
        line_number=item.line_number,
        quantity_allocated=item.allocated - item.delivered,
        quantity_delivered=item.delivered,
        quantity_shipped=item.shipped,
        quantity_backordered=item.backordered,
    )


def _to_address_message(address: Address) -> order_pb2.ShippingAddress:
    return order_pb2.ShippingAddress(
        street=address.street,
        city=address.city,
        country=address.country,
        recipient_name=address.recipient_name,
        state=address.state,
        zip_code=address.zip_code,
        phone=address.phone,
    )


def _to_shipment_messages(order_shipments: Sequence[Shipment]) -> list[order_pb2.Shipment]:
    """Return the newest shipments that fit into a response, oldest first (contract: Order)."""
    shipment_messages: list[order_pb2.Shipment] = []
    remaining_bytes = _MAX_SHIPMENT_BYTES
    for shipment in reversed(order_shipments[-_MAX_SHIPMENTS:]):
        message = _to_shipment_message(shipment)
        remaining_bytes -= message.ByteSize()
        if remaining_bytes < 0 and shipment_messages:
            break
        shipment_messages.append(message)
    return shipment_messages[::-1]


def _to_shipment_message(shipment: Shipment) -> order_pb2.Shipment:
    return order_pb2.Shipment(
        shipment_number=shipment.shipment_number,
        carrier_code=shipment.carrier_code,
        tracking_number=shipment.tracking_number,
        shipped_at=to_optional_timestamp(shipment.shipped_at),
        lines=[
            order_pb2.ShipmentLine(line_number=line_number, sku=sku, quantity=quantity)
            for line_number, sku, quantity in shipment.lines
        ],
    )


def to_wave_message(wave: Wave, order_count: int) -> order_pb2.Wave:
    """Return the message of a wave."""
    return order_pb2.Wave(
        wave_id=wave.wave_id,
        warehouse_id=wave.warehouse_id,
        destination_id=wave.destination_id,
        order_count=order_count,
        created_at=to_optional_timestamp(wave.created_at),
    )


def to_event_message(event: EventRecord) -> event_pb2.Event:
    """Return the message of an event; its payload is the published JSON."""
    payload = Struct()
    payload.update(json.loads(event.payload))
    return event_pb2.Event(
        event_id=event.event_id,
        type=event.type,
        order_id=event.order_id,
        sequence=event.sequence,
        position=event.position,
        occurred_at=to_optional_timestamp(event.occurred_at),
        actor=event.caller.actor_name,
        correlation_id=event.caller.correlation_id,
        wave_number=event.wave_number,
        workflow_id=event.caller.workflow_id,
        from_status=to_status_number(event.from_status),
        to_status=to_status_number(event.to_status),
        payload=payload,
        warehouse_id=event.warehouse_id,
    )


def to_explanation_fields(order_explanation: OrderExplanation) -> dict[str, Any]:
    """Return the fields of the response of ExplainOrder."""
    return {
        "order_id": order_explanation.order.order_id,
        "status": to_status_number(order_explanation.order.status),
        "waiting_reason": WAITING_REASON_NUMBERS[order_explanation.waiting_reason],
        "explanation": order_explanation.reason_sentence,
        "next_attempt_at": to_optional_timestamp(order_explanation.next_attempt_at),
        "legal_calls": order_explanation.legal_calls,
        "since": to_optional_timestamp(order_explanation.waiting_since),
    }
