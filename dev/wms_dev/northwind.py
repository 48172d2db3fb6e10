"""The Northwind orders and products that come with the project, as requests of the public API."""

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
NANO = 1_000_000_000

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
    """One row of the stock list; quantities in units."""

    sku: str
    name: str
    unit_price: Decimal
    units_in_stock: int
    units_on_order: int
    discontinued: bool


def northwind_orders() -> list[orders_pb2.CreateOrderRequest]:
    """All 415 orders, in the order of the file."""
    return read_orders(_lines("northwind_orders_even.jsonl"))


def northwind_products() -> list[Product]:
    """All 77 products, in the order of the file."""
    return read_products(_lines("northwind_stock.csv"))


def read_orders(lines: Iterable[str]) -> list[orders_pb2.CreateOrderRequest]:
    """One order a line, empty lines skipped; raises `ValueError` for what is no order of that shape."""
    return [order_request(json.loads(line, parse_float=Decimal)) for line in lines if line.strip()]


def order_request(document: Mapping[str, Any]) -> orders_pb2.CreateOrderRequest:
    """The request that says exactly what the document says.

    Raises `ValueError` for a key or priority that we do not know, rather than dropping what it says.
    """
    facts = dict(document)
    request = orders_pb2.CreateOrderRequest(
        order_id=facts.pop("orderId"),
        customer_id=facts.pop("customerId"),
        priority=_priority(facts.pop("priority")),
        items=[_item(item) for item in facts.pop("items")],
        shipping_address=_address(facts.pop("shippingAddress")),
    )
    if promised := facts.pop("promisedDeliveryAt", None):
        request.promised_delivery_at.CopyFrom(_timestamp(promised))
    _require_nothing_left(facts)
    return request


def money(amount: Decimal, currency: str = CURRENCY) -> Money:
    """The same amount; raises `ValueError` for one finer than a billionth, which Money can't hold."""
    nanos = amount * NANO
    if nanos != nanos.to_integral_value():
        raise ValueError(f"{amount} {currency} is finer than a billionth")
    sign = -1 if amount < 0 else 1
    units, rest = divmod(abs(int(nanos)), NANO)
    return Money(currency_code=currency, units=sign * units, nanos=sign * rest)


def read_products(lines: Iterable[str]) -> list[Product]:
    """The rows below the header."""
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


def _item(document: Mapping[str, Any]) -> order_pb2.OrderItem:
    facts = dict(document)
    item = order_pb2.OrderItem(sku=facts.pop("sku"), quantity=facts.pop("quantity"))
    if (price := facts.pop("unitPrice", None)) is not None:
        item.unit_price.CopyFrom(money(Decimal(price)))
    _require_nothing_left(facts)
    return item


def _address(document: Mapping[str, Any]) -> order_pb2.ShippingAddress:
    _require_nothing_left({key: value for key, value in document.items() if key not in ADDRESS_FIELDS})
    return order_pb2.ShippingAddress(**{ADDRESS_FIELDS[key]: value for key, value in document.items()})


def _priority(word: str) -> order_pb2.OrderPriority.ValueType:
    return order_pb2.OrderPriority.Value(f"ORDER_PRIORITY_{word.upper()}")


def _timestamp(text: str) -> Timestamp:
    moment = Timestamp()
    moment.FromJsonString(text)
    return moment


def _require_nothing_left(facts: Mapping[str, Any]) -> None:
    if facts:
        raise ValueError(f"unknown keys: {', '.join(sorted(facts))}")


def _lines(name: str) -> list[str]:
    return (resources.files("wms_dev") / "data" / name).read_text(encoding="utf-8").split("\n")
