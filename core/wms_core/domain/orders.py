"""An order as it is stored, and what it consists of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from wms_core.domain.errors import EtagMismatch, StatusConflict
from wms_core.domain.order_status import CAN_BE_OVERDUE, OrderStatus


class Priority(StrEnum):
    """How urgent an order is; the order of the members is the order of service."""

    SAME_DAY = "same_day"
    NEXT_DAY = "next_day"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: whole units and billionths of a unit of an ISO 4217 currency."""

    currency: str
    units: int
    nanos: int = 0


class Address(NamedTuple):
    """Where an order goes; many countries have no state, some no postal code."""

    street: str
    city: str
    country: str
    recipient_name: str = ""
    state: str = ""
    zip_code: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One line: what is asked for and, in units, how far it has come (allocated ≥ delivered ≥ shipped).

    `backordered` units are owed by live backorders; those of them that are on their way are allocated too.
    """

    line_number: int
    sku: str
    quantity: int
    unit_price: Money | None = None
    allocated: int = 0
    delivered: int = 0
    shipped: int = 0
    backordered: int = 0

    @property
    def needed(self) -> int:
        """The units for which nothing has been allocated and no backorder opened."""
        return self.quantity - self.allocated - self.backordered


@dataclass(frozen=True, slots=True)
class Shipment:
    """One parcel that left: line number, SKU and units of each line in it."""

    shipment_number: int
    carrier_code: str
    tracking_number: str
    shipped_at: datetime
    lines: tuple[tuple[int, str, int], ...]


@dataclass(frozen=True, slots=True)
class FailureAttempt:
    """One counted failure; `attempt_number` starts anew with each life of the order."""

    attempt_number: int
    status: OrderStatus
    reason: str
    failed_at: datetime
    workflow_id: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is stored. `life` counts how often it came back from the dead letter queue.

    Correlation, `wave_number` and workflow are those of the request that it came with.
    """

    order_id: str
    customer_id: str
    warehouse_id: str
    priority: Priority
    status: OrderStatus
    items: tuple[OrderItem, ...]
    shipping_address: Address
    created_at: datetime
    updated_at: datetime
    promised_delivery_at: datetime | None = None
    allow_partial: bool = True
    wave_id: str | None = None
    destination_id: str | None = None
    retry_count: int = 0
    life: int = 0
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
        """Give the quoted version; it changes with every change."""
        return f'"{self.version}"'

    def overdue(self, now: datetime) -> bool:
        """Say whether the promise has passed and the order has not been shipped."""
        late = self.promised_delivery_at is not None and self.promised_delivery_at < now
        return late and self.status in CAN_BE_OVERDUE

    def expect(self, etag: str) -> None:
        """Raise EtagMismatch unless `etag` is empty, the present one, or a list that has it (`"1", "2"`)."""
        if etag and self.etag not in entity_tags(etag):
            raise EtagMismatch(order_id=self.order_id, etag=self.etag)

    def require(self, *statuses: OrderStatus) -> None:
        """Raise StatusConflict, naming both, unless the order is in one of the statuses."""
        if self.status not in statuses:
            raise StatusConflict(
                order_id=self.order_id, status=self.status.value, required_statuses=",".join(statuses)
            )


def entity_tags(text: str) -> list[str]:
    """Return the etags of a list as HTTP writes it (RFC 9110 8.8.3); weak ones begin with `W/`."""
    return _ENTITY_TAG.findall(text)


_ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"')
#: The etag of an order that nobody has changed.
FIRST_ETAG = '"1"'


class NewItem(NamedTuple):
    """A line that a client asks for; its price, if it has a currency, in parts (see `Money`)."""

    sku: str
    quantity: int
    currency: str | None = None
    units: int = 0
    nanos: int = 0


class NewOrder(NamedTuple):
    """What a client asks for; its lines are numbered from 1. Made by the thousand a second: it is a tuple."""

    order_id: str
    customer_id: str
    warehouse_id: str
    priority: Priority
    items: Sequence[NewItem]
    shipping_address: Address
    promised_delivery_at: datetime | None = None
    allow_partial: bool = True


@dataclass(frozen=True, slots=True)
class OrderChanges:
    """What UpdateOrder changes; a field that is not named in `mask` stays."""

    mask: frozenset[str]
    priority: Priority | None = None
    shipping_address: Address | None = None
    promised_delivery_at: datetime | None = None
    items: tuple[OrderItem, ...] = ()
