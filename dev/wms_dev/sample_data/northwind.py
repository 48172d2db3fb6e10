"""Northwind's orders and products, as requests of the public API."""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from wms.orders.v1 import order_pb2, orders_pb2

CURRENCY = "USD"
NANOS_PER_UNIT = 1_000_000_000

ADDRESS_FIELDS = {
    "recipientName": "recipient_name",
    "street": "street",
    "city": "city",
    "state": "state",
    "zipCode": "zip_code",
    "country": "country",
    "phone": "phone",
}


@dataclass(frozen=True)
class Product:
    """A row of the stock list. Quantities are units."""

    sku: str
    name: str
    unit_price: Decimal
    units_in_stock: int
    units_on_order: int
    discontinued: bool


def read_northwind_orders() -> list[orders_pb2.CreateOrderRequest]:
    """Return all 415 orders, in the order of the file."""
    return read_orders(_read_lines("northwind_orders_even.jsonl"))


def read_northwind_products() -> list[Product]:
    """Return all 77 products, in the order of the file."""
    return read_products(_read_lines("northwind_stock.csv"))


def read_orders(lines: Iterable[str]) -> list[orders_pb2.CreateOrderRequest]:
    """Parse an order from each non-empty line.

    Raises:
        ValueError: A line is not an order document.
    """
    return [parse_order(json.loads(line, parse_float=Decimal)) for line in lines if line.strip()]


def parse_order(document: Mapping[str, Any]) -> orders_pb2.CreateOrderRequest:
    """Parse an order document into a request.

    Raises:
        ValueError: A key or a priority is unknown; no content is dropped silently.
    """
    unread_fields = dict(document)
    request = orders_pb2.CreateOrderRequest(
        order_id=unread_fields.pop("orderId"),
        customer_id=unread_fields.pop("customerId"),
        priority=_parse_priority(unread_fields.pop("priority")),
        items=[_parse_item(item) for item in unread_fields.pop("items")],
        shipping_address=_parse_address(unread_fields.pop("shippingAddress")),
    )
    if promised_delivery_at := unread_fields.pop("promisedDeliveryAt", None):
        request.promised_delivery_at.CopyFrom(_parse_timestamp(promised_delivery_at))
    _reject_unknown_keys(unread_fields)
    return request


def to_money(amount: Decimal, currency: str = CURRENCY) -> Money:
    """Convert an amount to `Money`.

    Raises:
        ValueError: The amount has more than nine decimal places, the precision of `Money`.
    """
    nanos = amount * NANOS_PER_UNIT
    if nanos != nanos.to_integral_value():
        raise ValueError(f"{amount} {currency} has more than nine decimal places")
    sign = -1 if amount < 0 else 1
    units, rest = divmod(abs(int(nanos)), NANOS_PER_UNIT)
    return Money(currency_code=currency, units=sign * units, nanos=sign * rest)


def read_products(lines: Iterable[str]) -> list[Product]:
    """Parse the rows below the header."""
    return [
        Product(
            sku=row["sku"],
            name=row["name"],
            unit_price=Decimal(row["unit_price"]),
            units_in_stock=int(row["units_in_stock"]),
            units_on_order=int(row["units_on_order"]),
            discontinued=row["discontinued"] == "1",
        )
        for row in csv.DictReader(lines)
    ]


def _parse_item(document: Mapping[str, Any]) -> order_pb2.OrderItem:
    unread_fields = dict(document)
    item = order_pb2.OrderItem(sku=unread_fields.pop("sku"), quantity=unread_fields.pop("quantity"))
    if (price := unread_fields.pop("unitPrice", None)) is not None:
        item.unit_price.CopyFrom(to_money(Decimal(price)))
    _reject_unknown_keys(unread_fields)
    return item


def _parse_address(document: Mapping[str, Any]) -> order_pb2.ShippingAddress:
    _reject_unknown_keys({key: value for key, value in document.items() if key not in ADDRESS_FIELDS})
    return order_pb2.ShippingAddress(**{ADDRESS_FIELDS[key]: value for key, value in document.items()})


def _parse_priority(word: str) -> order_pb2.OrderPriority.ValueType:
    return order_pb2.OrderPriority.Value(f"ORDER_PRIORITY_{word.upper()}")


def _parse_timestamp(text: str) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromJsonString(text)
    return timestamp


def _reject_unknown_keys(unread_fields: Mapping[str, Any]) -> None:
    if unread_fields:
        raise ValueError(f"unknown keys: {', '.join(sorted(unread_fields))}")


def _read_lines(name: str) -> list[str]:
    return (resources.files("wms_dev") / "data" / name).read_text(encoding="utf-8").split("\n")
