"""The parts of events' payloads, with the names that they have in JSON, and how they are written."""

from datetime import datetime
from enum import StrEnum
from json.encoder import encode_basestring as quoted
from typing import NotRequired, TypedDict

from wms_core.domain.orders import Address, OrderItem, Priority


class ShortageReason(StrEnum):
    """Why units are missing. A shortage at allocation is a mismatch of quantities."""

    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    QUANTITY_MISMATCH = "quantity_mismatch"


class Amount(TypedDict):
    """An exact amount of money: whole units, as text so that no digit is lost, and billionths of a unit."""

    currencyCode: str
    units: str
    nanos: int


class OrderedItem(TypedDict):
    """A line of an order, as it was asked for."""

    sku: str
    quantity: int
    unitPrice: NotRequired[Amount]


class ShippingAddress(TypedDict):
    """Where an order goes; many countries have no state, some no postal code."""

    recipientName: NotRequired[str]
    street: str
    city: str
    state: NotRequired[str]
    zipCode: NotRequired[str]
    country: str
    phone: NotRequired[str]


class ShippedItem(TypedDict):
    """Units of one SKU in a shipment; a SKU of several lines comes once for each."""

    sku: str
    quantity: int


class FulfilledItem(TypedDict):
    """How much of a SKU there is for an order, over all of its lines."""

    sku: str
    quantityOrdered: int
    quantityFulfilled: int


class BackorderedItem(TypedDict):
    """How much of a SKU an order goes on without, over all of its lines."""

    sku: str
    quantityOrdered: int
    quantityShort: int
    reason: ShortageReason


class CancelledBackorder(TypedDict):
    """Units that are not owed any more."""

    backorderId: str
    sku: str
    quantity: int
    reason: str


class Changes(TypedDict, total=False):
    """What has changed, by its new value; what is absent stayed. A null promise was taken back."""

    priority: Priority
    shippingAddress: ShippingAddress
    promisedDeliveryAt: datetime | None
    items: list[OrderedItem]
    backorderCancelled: CancelledBackorder


def item_json(item: OrderItem) -> OrderedItem:
    """Write a line in the shape in which it is asked for."""
    body: OrderedItem = {"sku": item.sku, "quantity": item.quantity}
    if item.unit_price is not None:
        price = item.unit_price
        body["unitPrice"] = {"currencyCode": price.currency, "units": str(price.units), "nanos": price.nanos}
    return body


def address_json(address: Address) -> ShippingAddress:
    """Write an address in the shape in which it is asked for, without what it does not have."""
    names = {
        "recipientName": address.recipient_name,
        "street": address.street,
        "city": address.city,
        "state": address.state,
        "zipCode": address.zip_code,
        "country": address.country,
        "phone": address.phone,
    }
    return {name: value for name, value in names.items() if value}  # type: ignore[return-value] # the required are set


def address_text(address: Address) -> str:
    """Write what `address_json` gives, as it is stored and published; by hand, as every new order has one."""
    street, city, country, recipient_name, state, zip_code, phone = address
    values = (recipient_name, street, city, state, zip_code, country, phone)
    parts = [name + quoted(value) for name, value in zip(_ADDRESS_NAMES, values, strict=True) if value]
    return "{" + ",".join(parts) + "}"


_ADDRESS_NAMES = tuple(
    f'"{name}":' for name in ("recipientName", "street", "city", "state", "zipCode", "country", "phone")
)
