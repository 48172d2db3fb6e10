"""Parts of event payloads, with their JSON names, and their encoding."""

from datetime import datetime
from enum import StrEnum
from json.encoder import encode_basestring as quoted
from typing import NotRequired, TypedDict

from wms_core.domain.orders.orders import Address, OrderLine, Priority


class ShortageReason(StrEnum):
    """Reason of missing units. A shortage at allocation is a mismatch of quantities."""

    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    QUANTITY_MISMATCH = "quantity_mismatch"


class Amount(TypedDict):
    """An exact amount of money: whole units, as text to keep all digits, and billionths of a unit."""

    currencyCode: str
    units: str
    nanos: int


class OrderedItem(TypedDict):
    """A line of an order as requested."""

    sku: str
    quantity: int
    unitPrice: NotRequired[Amount]


class ShippingAddress(TypedDict):
    """Shipping address; many countries have no state, some have no postal code."""

    recipientName: NotRequired[str]
    street: str
    city: str
    state: NotRequired[str]
    zipCode: NotRequired[str]
    country: str
    phone: NotRequired[str]


class ShippedItem(TypedDict):
    """Units of one SKU in a shipment; a SKU on several lines appears once for each."""

    sku: str
    quantity: int


class FulfilledItem(TypedDict):
    """Available units of a SKU, over all lines of the order."""

    sku: str
    quantityOrdered: int
    quantityFulfilled: int


class BackorderedItem(TypedDict):
    """Missing units of a SKU, over all lines of the order."""

    sku: str
    quantityOrdered: int
    quantityShort: int
    reason: ShortageReason


class CancelledBackorder(TypedDict):
    """Units of a cancelled backorder."""

    backorderId: str
    sku: str
    quantity: int
    reason: str


class Changes(TypedDict, total=False):
    """New values of changed fields; absent fields did not change. A null promised time was removed."""

    priority: Priority
    shippingAddress: ShippingAddress
    promisedDeliveryAt: datetime | None
    items: list[OrderedItem]
    backorderCancelled: CancelledBackorder


def build_item_payload(item: OrderLine) -> OrderedItem:
    """Return a line in the form of a request."""
    body: OrderedItem = {"sku": item.sku, "quantity": item.quantity}
    if item.unit_price is not None:
        unit_price = item.unit_price
        body["unitPrice"] = {
            "currencyCode": unit_price.currency,
            "units": str(unit_price.units),
            "nanos": unit_price.nanos,
        }
    return body


def build_address_payload(address: Address) -> ShippingAddress:
    """Return an address in the form of a request, without its empty fields."""
    values_by_name = {
        "recipientName": address.recipient_name,
        "street": address.street,
        "city": address.city,
        "state": address.state,
        "zipCode": address.zip_code,
        "country": address.country,
        "phone": address.phone,
    }
    return {name: value for name, value in values_by_name.items() if value}  # type: ignore[return-value] # the required are set


def encode_address(address: Address) -> str:
    """Return the JSON of `build_address_payload` for storage and events, faster: every new order needs it."""
    street, city, country, recipient_name, state, zip_code, phone = address
    values = (recipient_name, street, city, state, zip_code, country, phone)
    json_members = [name + quoted(value) for name, value in zip(_ADDRESS_NAMES, values, strict=True) if value]
    return "{" + ",".join(json_members) + "}"


_ADDRESS_NAMES = tuple(
    f'"{name}":' for name in ("recipientName", "street", "city", "state", "zipCode", "country", "phone")
)
