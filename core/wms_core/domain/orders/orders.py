"""Orders with their lines, shipments, failure attempts and updates."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from wms_core.domain.errors import EtagMismatch, StatusConflict
from wms_core.domain.orders.status import OVERDUE_STATUSES, OrderStatus


class Priority(StrEnum):
    """Priority of an order, most urgent first."""

    SAME_DAY = "same_day"
    NEXT_DAY = "next_day"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class MoneyAmount:
    """An exact amount of money: whole units and billionths of a unit of an ISO 4217 currency."""

    currency: str
    units: int
    nanos: int = 0


class Address(NamedTuple):
    """Shipping address. Many countries have no state, some have no postal code."""

    street: str
    city: str
    country: str
    recipient_name: str = ""
    state: str = ""
    zip_code: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order: requested units and their progress (allocated ≥ delivered ≥ shipped).

    `backordered` units belong to live backorders. Those for which stock is allocated count as allocated, too.
    """

    line_number: int
    sku: str
    quantity: int
    unit_price: MoneyAmount | None = None
    allocated: int = 0
    delivered: int = 0
    shipped: int = 0
    backordered: int = 0

    @property
    def units_to_allocate(self) -> int:
        """The units that are neither allocated nor backordered."""
        return self.quantity - self.allocated - self.backordered


@dataclass(frozen=True, slots=True)
class Shipment:
    """One shipment: line number, SKU and units of each of its lines."""

    shipment_number: int
    carrier_code: str
    tracking_number: str
    shipped_at: datetime
    lines: tuple[tuple[int, str, int], ...]


@dataclass(frozen=True, slots=True)
class FailureAttempt:
    """One counted failure; `attempt_number` starts at 1 in each retry generation of the order."""

    attempt_number: int
    status: OrderStatus
    reason: str
    failed_at: datetime
    workflow_id: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is stored. `retry_generation` counts its manual retries from the dead letter queue.

    `correlation_id`, `wave_number` and `workflow_id` are those of the request that created the order.
    """

    order_id: str
    customer_id: str
    warehouse_id: str
    priority: Priority
    status: OrderStatus
    items: tuple[OrderLine, ...]
    shipping_address: Address
    created_at: datetime
    updated_at: datetime
    promised_delivery_at: datetime | None = None
    allow_partial: bool = True
    wave_id: str | None = None
    destination_id: str | None = None
    retry_count: int = 0
    retry_generation: int = 0
    failed_status: OrderStatus | None = None
    last_failure_reason: str | None = None
    last_failed_at: datetime | None = None
    next_retry_at: datetime | None = None
    waiting_reason: str | None = None
    cancel_reason: str | None = None
    delivered_at: datetime | None = None
    shipments: tuple[Shipment, ...] = ()
    correlation_id: str = ""
    wave_number: str = ""
    workflow_id: str = ""
    version: int = 1
    sequence: int = 1

    @property
    def etag(self) -> str:
        """The version in quotes; it differs after every change."""
        return f'"{self.version}"'

    def is_overdue(self, now: datetime) -> bool:
        """Return whether the promised time has passed and the order is not shipped."""
        is_late = self.promised_delivery_at is not None and self.promised_delivery_at < now
        return is_late and self.status in OVERDUE_STATUSES

    def check_etag(self, expected_etag: str) -> None:
        """Raise EtagMismatch unless `expected_etag` is empty, the etag, or a list with it (`"1", "2"`)."""
        if expected_etag and self.etag not in parse_entity_tags(expected_etag):
            raise EtagMismatch(order_id=self.order_id, etag=self.etag)

    def require_status(self, *statuses: OrderStatus) -> None:
        """Raise StatusConflict unless the order is in one of the statuses."""
        if self.status not in statuses:
            raise StatusConflict(
                order_id=self.order_id, status=self.status.value, required_statuses=",".join(statuses)
            )


def parse_entity_tags(text: str) -> list[str]:
    """Return the etags of an HTTP list (RFC 9110 8.8.3); weak etags begin with `W/`."""
    return _ENTITY_TAG.findall(text)


_ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"')
#: The etag of an order without changes.
FIRST_ETAG = '"1"'


class NewOrderLine(NamedTuple):
    """A requested line; `units` and `nanos` are its price if it has a currency (see `MoneyAmount`)."""

    sku: str
    quantity: int
    currency: str | None = None
    units: int = 0
    nanos: int = 0


class NewOrder(NamedTuple):
    """A requested order; its lines are numbered from 1. A tuple, because thousands are created per second."""

    order_id: str
    customer_id: str
    warehouse_id: str
    priority: Priority
    items: Sequence[NewOrderLine]
    shipping_address: Address
    promised_delivery_at: datetime | None = None
    allow_partial: bool = True


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """Changes of UpdateOrder; a field that is not in `field_mask` stays as it is."""

    field_mask: frozenset[str]
    priority: Priority | None = None
    shipping_address: Address | None = None
    promised_delivery_at: datetime | None = None
    items: tuple[OrderLine, ...] = ()
