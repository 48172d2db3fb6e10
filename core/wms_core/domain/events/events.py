"""Events of orders: one frozen dataclass for each type, whose fields are the JSON payload.

The payloads of retry-scheduled, moved-to-dlq and partially-fulfilled are exactly those of the Order Service
document. The others have type, order, customer, the changed facts and the time.
"""

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar

from wms_core.domain.call_context import Caller
from wms_core.domain.errors import EventTooLarge
from wms_core.domain.events.payloads import (
    BackorderedItem,
    Changes,
    FulfilledItem,
    OrderedItem,
    ShippedItem,
    ShippingAddress,
    ShortageReason,
)
from wms_core.domain.failures.dead_letters import Resolution
from wms_core.domain.orders.orders import Priority
from wms_core.domain.orders.status import OrderStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderEvent:
    """A fact about one order."""

    type: ClassVar[str]
    order_id: str
    customer_id: str
    timestamp: datetime

    def encode_payload(self) -> str:
        """Return the published JSON: camelCase, `type` first, `timestamp` last, without absent values."""
        body: dict[str, Any] = {"type": self.type}
        for name, key in _json_names(self.__class__):  # type: ignore[arg-type] # dataclass(eq) confuses mypy here
            value = getattr(self, name)
            if value is not None:
                body[key] = value
        return _JSON_ENCODER.encode(body)


@cache
def _json_names(event_type: type[OrderEvent]) -> tuple[tuple[str, str], ...]:
    field_names = [field.name for field in fields(event_type) if field.name != "timestamp"]
    return tuple((name, to_camel_case(name)) for name in [*field_names, "timestamp"])


def to_camel_case(name: str) -> str:
    """Return the JSON form of a Python name: `order_id` becomes `orderId`."""
    first_word, *other_words = name.split("_")
    return first_word + "".join(other_word.capitalize() for other_word in other_words)


def format_json_time(timestamp: datetime) -> str:
    """Return a time as RFC 3339 in UTC, with a fraction only if it is not zero."""
    text = timestamp.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def _encode_timestamp(value: object) -> str:
    if isinstance(value, datetime):
        return format_json_time(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


_JSON_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_encode_timestamp)


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderReceived(OrderEvent):
    """The order was created; the event contains the complete order as requested."""

    type: ClassVar[str] = "wms.order.received"
    warehouse_id: str
    priority: Priority
    promised_delivery_at: datetime | None
    allow_partial: bool
    items: list[OrderedItem]
    shipping_address: ShippingAddress


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderValidated(OrderEvent):
    """The order was validated."""

    type: ClassVar[str] = "wms.order.validated"


@dataclass(frozen=True, kw_only=True, slots=True)
class WaveAssigned(OrderEvent):
    """The order was assigned to a wave."""

    type: ClassVar[str] = "wms.order.wave-assigned"
    wave_id: str
    destination_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PickingStarted(OrderEvent):
    """Stock is allocated and the first load carrier was requested."""

    type: ClassVar[str] = "wms.order.picking-started"
    wave_id: str
    destination_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PackingStarted(OrderEvent):
    """All allocated units were delivered to the destination."""

    type: ClassVar[str] = "wms.order.packing-started"
    wave_id: str
    destination_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderShipped(OrderEvent):
    """A shipment left; an order that is shipped in parts has several."""

    type: ClassVar[str] = "wms.order.shipped"
    shipment_number: int
    carrier_code: str
    tracking_number: str
    items: list[ShippedItem]


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderCompleted(OrderEvent):
    """The delivery to the customer was confirmed."""

    type: ClassVar[str] = "wms.order.completed"
    delivered_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderCancelled(OrderEvent):
    """The order was cancelled."""

    type: ClassVar[str] = "wms.order.cancelled"
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderUpdated(OrderEvent):
    """The order was updated; the event contains the changed fields and their new values."""

    type: ClassVar[str] = "wms.order.updated"
    changes: Changes


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryScheduled(OrderEvent):
    """A failure was counted and a retry is scheduled."""

    type: ClassVar[str] = "wms.order.retry-scheduled"
    retry_number: int
    failure_status: OrderStatus
    failure_reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryStarted(OrderEvent):
    """The order returned to `received` for a retry, or after a manual retry with a new count of failures."""

    type: ClassVar[str] = "wms.order.retry-started"
    retry_number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MovedToDeadLetterQueue(OrderEvent):
    """The order has no retries left, or was moved to the dead letter queue by a call; it waits for a
    resolution.
    """

    type: ClassVar[str] = "wms.order.moved-to-dlq"
    final_failure_status: str
    final_failure_reason: str
    total_retry_attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterResolved(OrderEvent):
    """A supervisor resolved a dead letter entry."""

    type: ClassVar[str] = "wms.order.dlq-resolved"
    entry_id: str
    resolution: Resolution
    notes: str
    resolved_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PartiallyFulfilled(OrderEvent):
    """Stock covers only a part of the order; the rest is on backorder. Units are summed by SKU."""

    type: ClassVar[str] = "wms.order.partially-fulfilled"
    fulfilled_items: list[FulfilledItem]
    backordered_items: list[BackorderedItem]
    fulfillment_ratio: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BackorderCreated(OrderEvent):
    """A backorder was opened for missing units."""

    type: ClassVar[str] = "wms.order.backorder-created"
    backorder_id: str
    sku: str
    quantity: int
    reason: ShortageReason


@dataclass(frozen=True, kw_only=True, slots=True)
class BackorderFulfilled(OrderEvent):
    """All units of a backorder were delivered to the destination and wait for shipment."""

    type: ClassVar[str] = "wms.order.backorder-fulfilled"
    backorder_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class CycleEvent:
    """Event template of the cycle for many orders that take the same step at the same time.

    Its events (OrderValidated, WaveAssigned, PickingStarted, PackingStarted) contain only data of the order's
    row, so the database writes their payloads.
    """

    type: str
    actor_name: str
    occurred_at: datetime
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event with its envelope: order, sequence, and the version and statuses of the order.

    `from_status` and `to_status` are both set for a change of status, and both None otherwise. Only the first
    event of an order has a `to_status` alone.
    """

    order_id: str
    sequence: int
    version: int
    type: str
    occurred_at: datetime
    from_status: OrderStatus | None
    to_status: OrderStatus | None
    wave_number: str
    warehouse_id: str
    caller: Caller
    payload: str
    event_id: str = ""
    position: int | None = None

    def get_size_error(self, limit: int) -> EventTooLarge | None:
        """Return the error for a payload of more than `limit` bytes, else None."""
        return get_size_error(self.order_id, self.payload, limit)


def get_size_error(order_id: str, payload: str, limit: int) -> EventTooLarge | None:
    """Return the error for an order's event with a payload of more than `limit` bytes, else None."""
    size = len(payload.encode())
    return EventTooLarge(order_id=order_id, size=size, limit=limit) if size > limit else None
