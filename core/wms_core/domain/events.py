"""What is told of an order: one frozen dataclass per event, whose fields are the JSON payload.

The payloads of retry-scheduled, moved-to-dlq and partially-fulfilled are those of the Order Service
document to the letter; the others carry type, order, customer, the facts that changed and the time.
"""

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar

from wms_core.domain.caller import Caller
from wms_core.domain.dead_letters import Resolution
from wms_core.domain.errors import EventTooLarge
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Priority
from wms_core.domain.payloads import (
    BackorderedItem,
    Changes,
    FulfilledItem,
    OrderedItem,
    ShippedItem,
    ShippingAddress,
    ShortageReason,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderEvent:
    """Something that happened to one order."""

    type: ClassVar[str]
    order_id: str
    customer_id: str
    timestamp: datetime

    def payload(self) -> str:
        """Give the JSON that is published: camelCase, `type` first, `timestamp` last, nothing absent."""
        body: dict[str, Any] = {"type": self.type}
        for name, key in _json_names(self.__class__):  # type: ignore[arg-type] # dataclass(eq) confuses mypy here
            value = getattr(self, name)
            if value is not None:
                body[key] = value
        return _JSON.encode(body)


@cache
def _json_names(event: type[OrderEvent]) -> tuple[tuple[str, str], ...]:
    names = [field.name for field in fields(event) if field.name != "timestamp"]
    return tuple((name, camel_case(name)) for name in [*names, "timestamp"])


def camel_case(name: str) -> str:
    """Write a Python name in the way of JSON: `order_id` becomes `orderId`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def json_time(moment: datetime) -> str:
    """Write a time as RFC 3339 in UTC, with a fraction only where there is one."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def _json_value(value: object) -> str:
    if isinstance(value, datetime):
        return json_time(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_json_value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Received(OrderEvent):
    """An order came in; carries the whole of it in the shape it was asked for."""

    type: ClassVar[str] = "wms.order.received"
    warehouse_id: str
    priority: Priority
    promised_delivery_at: datetime | None
    allow_partial: bool
    items: list[OrderedItem]
    shipping_address: ShippingAddress


@dataclass(frozen=True, kw_only=True, slots=True)
class Validated(OrderEvent):
    """The order passed its checks."""

    type: ClassVar[str] = "wms.order.validated"


@dataclass(frozen=True, kw_only=True, slots=True)
class WaveAssigned(OrderEvent):
    """The order joined a wave."""

    type: ClassVar[str] = "wms.order.wave-assigned"
    wave_id: str
    destination_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PickingStarted(OrderEvent):
    """Stock is allocated and the first carrier has been asked for."""

    type: ClassVar[str] = "wms.order.picking-started"
    wave_id: str
    destination_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PackingStarted(OrderEvent):
    """Everything allocated to the order has been delivered."""

    type: ClassVar[str] = "wms.order.packing-started"
    wave_id: str
    destination_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shipped(OrderEvent):
    """A shipment left; an order has several when it is shipped in parts."""

    type: ClassVar[str] = "wms.order.shipped"
    shipment_number: int
    carrier_code: str
    tracking_number: str
    items: list[ShippedItem]


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed(OrderEvent):
    """The customer has it."""

    type: ClassVar[str] = "wms.order.completed"
    delivered_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancelled(OrderEvent):
    """The order was given up."""

    type: ClassVar[str] = "wms.order.cancelled"
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Updated(OrderEvent):
    """What was asked for has changed; names the changed fields and their new values."""

    type: ClassVar[str] = "wms.order.updated"
    changes: Changes


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryScheduled(OrderEvent):
    """A failure was counted and the order will be tried again."""

    type: ClassVar[str] = "wms.order.retry-scheduled"
    retry_number: int
    failure_status: OrderStatus
    failure_reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryStarted(OrderEvent):
    """The order is put back to the beginning for another try, or by a resolution for a fresh life."""

    type: ClassVar[str] = "wms.order.retry-started"
    retry_number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MovedToDeadLetterQueue(OrderEvent):
    """No retries are left, or somebody said so: a person decides now."""

    type: ClassVar[str] = "wms.order.moved-to-dlq"
    final_failure_status: str
    final_failure_reason: str
    total_retry_attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterResolved(OrderEvent):
    """A supervisor decided about a dead letter entry."""

    type: ClassVar[str] = "wms.order.dlq-resolved"
    entry_id: str
    resolution: Resolution
    notes: str
    resolved_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PartiallyFulfilled(OrderEvent):
    """Stock does for a part of the order; the rest is on backorder. Units are summed up by SKU."""

    type: ClassVar[str] = "wms.order.partially-fulfilled"
    fulfilled_items: list[FulfilledItem]
    backordered_items: list[BackorderedItem]
    fulfillment_ratio: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BackorderCreated(OrderEvent):
    """Units of the order are owed."""

    type: ClassVar[str] = "wms.order.backorder-created"
    backorder_id: str
    sku: str
    quantity: int
    reason: ShortageReason


@dataclass(frozen=True, kw_only=True, slots=True)
class BackorderFulfilled(OrderEvent):
    """What was owed has been delivered to the destination and waits for its shipment."""

    type: ClassVar[str] = "wms.order.backorder-fulfilled"
    backorder_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class CycleEvent:
    """What the cycle tells of many orders at once: all of them took the same step at the same time.

    Its events (Validated, WaveAssigned, PickingStarted, PackingStarted) say only what the order's row
    says, so that the database writes their payloads.
    """

    type: str
    actor: str
    at: datetime
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event in its envelope: which order, the how many-th of it, the version and the statuses around it.

    `from_status` and `to_status` are both set on an event that tells of a change of status, and both None
    on any other; only the first event of an order has just a `to_status`.
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

    def size_fault(self, limit: int) -> EventTooLarge | None:
        """Give the error of an event whose payload has more bytes than the limit."""
        return size_fault(self.order_id, self.payload, limit)


def size_fault(order_id: str, payload: str, limit: int) -> EventTooLarge | None:
    """Give the error of an order's event whose payload has more bytes than the limit."""
    size = len(payload.encode())
    return EventTooLarge(order_id=order_id, size=size, limit=limit) if size > limit else None
