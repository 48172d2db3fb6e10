"""Builders of domain objects with defaults for all values; a test sets only the relevant ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wms_core.domain.call_context import Caller
from wms_core.domain.events.events import EventRecord
from wms_core.domain.orders.intake import accept
from wms_core.domain.orders.orders import (
    Address,
    MoneyAmount,
    NewOrder,
    NewOrderLine,
    Order,
    OrderLine,
    Priority,
)
from wms_core.domain.orders.status import OrderStatus

NOW = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
CALLER = Caller(actor_name="test", correlation_id="550e8400-e29b-41d4-a716-446655440000")
ADDRESS = Address(street="123 Main St", city="New York", country="US", state="NY", zip_code="10001")

#: The statuses in which an order has a wave.
_STATUSES_IN_A_WAVE = (
    OrderStatus.ASSIGNED_TO_WAVE,
    OrderStatus.PICKING,
    OrderStatus.PACKING,
    OrderStatus.SHIPPED,
    OrderStatus.COMPLETED,
)


def build_order_line(number: int = 1, sku: str = "SKU-001", quantity: int = 2, **values: Any) -> OrderLine:
    """Return an order line, by default of two units at 29.99 USD."""
    return OrderLine(number, sku, quantity, **{"unit_price": MoneyAmount("USD", 29, 990_000_000), **values})


def new_item(sku: str = "SKU-001", quantity: int = 2) -> NewOrderLine:
    """Return a line of a new order, at 29.99 USD."""
    return NewOrderLine(sku, quantity, "USD", 29, 990_000_000)


def new_order(**values: Any) -> NewOrder:
    """Return a new order of one line, as a client requests it."""
    defaults: dict[str, Any] = {
        "order_id": "ORD-12345",
        "customer_id": "CUST-001",
        "warehouse_id": "WH-01",
        "priority": Priority.STANDARD,
        "items": (new_item(),),
        "shipping_address": ADDRESS,
    }
    return NewOrder(**{**defaults, **values})


def build_received_order() -> tuple[Order, EventRecord]:
    """Return an unchanged order and its first event, as stored in Postgres."""
    event = EventRecord(
        order_id="ORD-12345",
        sequence=1,
        version=1,
        type="wms.order.received",
        occurred_at=NOW,
        from_status=None,
        to_status=OrderStatus.RECEIVED,
        wave_number="",
        warehouse_id="WH-01",
        caller=CALLER,
        payload=accept(new_order(), CALLER, NOW).payload,
    )
    return build_order(version=1, sequence=1), event


def build_order(status: OrderStatus = OrderStatus.RECEIVED, **values: Any) -> Order:
    """Return an order in a status, with all values that the schema requires in it."""
    order = Order(
        order_id="ORD-12345",
        customer_id="CUST-001",
        warehouse_id="WH-01",
        priority=Priority.STANDARD,
        status=status,
        items=(build_order_line(),),
        shipping_address=ADDRESS,
        created_at=NOW,
        updated_at=NOW,
        version=7,
        sequence=6,
    )
    if status in _STATUSES_IN_A_WAVE:
        order = replace(order, wave_id="WAVE-2024-00001", destination_id="PACK-1")
    if status is OrderStatus.PACKING:
        order = replace(order, items=(build_order_line(allocated=2, delivered=2),))
    if status in (OrderStatus.SHIPPED, OrderStatus.COMPLETED):
        order = replace(order, items=(build_order_line(allocated=2, delivered=2, shipped=2),))
    if status in (OrderStatus.PENDING_RETRY, OrderStatus.DEAD_LETTER):
        order = replace(order, failed_status=OrderStatus.PICKING, retry_count=1, last_failed_at=NOW)
    if status is OrderStatus.PENDING_RETRY:
        order = replace(order, next_retry_at=NOW + timedelta(minutes=15))
    return replace(order, **values)
