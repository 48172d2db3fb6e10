"""Orders and callers of the domain with every value filled in; a test names only what matters to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wms_core.domain.caller import Caller
from wms_core.domain.events import EventRecord
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Address, Money, NewItem, NewOrder, Order, OrderItem, Priority
from wms_core.domain.receiving import receive

NOW = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
CALLER = Caller(actor="test", correlation_id="550e8400-e29b-41d4-a716-446655440000")
ADDRESS = Address(street="123 Main St", city="New York", country="US", state="NY", zip_code="10001")

#: The statuses in which an order has a wave, or may still have the one it failed in.
_IN_A_WAVE = (
    OrderStatus.ASSIGNED_TO_WAVE,
    OrderStatus.PICKING,
    OrderStatus.PACKING,
    OrderStatus.SHIPPED,
    OrderStatus.COMPLETED,
)


def line(number: int = 1, sku: str = "SKU-001", quantity: int = 2, **values: Any) -> OrderItem:
    """Give a line of two units at 29.99 USD."""
    return OrderItem(number, sku, quantity, **{"unit_price": Money("USD", 29, 990_000_000), **values})


def new_item(sku: str = "SKU-001", quantity: int = 2) -> NewItem:
    """Give a line that a client asks for, at 29.99 USD."""
    return NewItem(sku, quantity, "USD", 29, 990_000_000)


def new_order(**values: Any) -> NewOrder:
    """Give what a client asks for: an order of one line."""
    defaults: dict[str, Any] = {
        "order_id": "ORD-12345",
        "customer_id": "CUST-001",
        "warehouse_id": "WH-01",
        "priority": Priority.STANDARD,
        "items": (new_item(),),
        "shipping_address": ADDRESS,
    }
    return NewOrder(**{**defaults, **values})


def received() -> tuple[Order, EventRecord]:
    """Give an order that nobody has changed, and its first event, as Postgres has them."""
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
        payload=receive(new_order(), CALLER, NOW).payload,
    )
    return order_in(version=1, sequence=1), event


def order_in(status: OrderStatus = OrderStatus.RECEIVED, **values: Any) -> Order:
    """Give an order in a status, with what the schema asks of an order in it."""
    order = Order(
        order_id="ORD-12345",
        customer_id="CUST-001",
        warehouse_id="WH-01",
        priority=Priority.STANDARD,
        status=status,
        items=(line(),),
        shipping_address=ADDRESS,
        created_at=NOW,
        updated_at=NOW,
        version=7,
        sequence=6,
    )
    if status in _IN_A_WAVE:
        order = replace(order, wave_id="WAVE-2024-00001", destination_id="PACK-1")
    if status is OrderStatus.PACKING:
        order = replace(order, items=(line(allocated=2, delivered=2),))
    if status in (OrderStatus.SHIPPED, OrderStatus.COMPLETED):
        order = replace(order, items=(line(allocated=2, delivered=2, shipped=2),))
    if status in (OrderStatus.PENDING_RETRY, OrderStatus.DEAD_LETTER):
        order = replace(order, failed_status=OrderStatus.PICKING, retry_count=1, last_failed_at=NOW)
    if status is OrderStatus.PENDING_RETRY:
        order = replace(order, next_retry_at=NOW + timedelta(minutes=15))
    return replace(order, **values)
