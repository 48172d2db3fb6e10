"""The Northwind files become requests with exactly the same content."""

import json
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.sample_data.northwind import (
    parse_order,
    read_northwind_orders,
    read_northwind_products,
    read_orders,
    to_money,
)

LINE = (
    '{"orderId": "ORD-1", "customerId": "HANAR", "priority": "next_day",'
    ' "promisedDeliveryAt": "1996-08-05T17:00:00Z",'
    ' "items": [{"sku": "NW-041", "quantity": 10, "unitPrice": 7.70}],'
    ' "shippingAddress": {"street": "Rua do Paço, 67", "city": "Rio de Janeiro", "country": "BR"}}'
)


def order_document(**changes: Any) -> dict[str, Any]:
    """Return an order as a document, with changes."""
    return {**json.loads(LINE, parse_float=Decimal), **changes}


def to_document(request: orders_pb2.CreateOrderRequest) -> dict[str, Any]:
    """Return the document of a request, independent of the tested code: read protobuf's fields one by one."""
    address = request.shipping_address
    names = {"zip_code": "zipCode", "recipient_name": "recipientName"}
    return {
        "orderId": request.order_id,
        "customerId": request.customer_id,
        "priority": order_pb2.OrderPriority.Name(request.priority).removeprefix("ORDER_PRIORITY_").lower(),
        "promisedDeliveryAt": request.promised_delivery_at.ToJsonString(),
        "items": [
            {
                "sku": item.sku,
                "quantity": item.quantity,
                "unitPrice": item.unit_price.units + Decimal(item.unit_price.nanos).scaleb(-9),
            }
            for item in request.items
        ],
        "shippingAddress": {
            names.get(field.name, field.name): value for field, value in address.ListFields()
        },
    }


def test_every_order_of_the_file_round_trips() -> None:
    """All 415 orders keep their content in a request, including prices and accents."""
    text = (resources.files("wms_dev") / "data" / "northwind_orders_even.jsonl").read_text(encoding="utf-8")
    documents = [json.loads(line, parse_float=Decimal) for line in text.splitlines()]
    assert [to_document(request) for request in read_northwind_orders()] == documents
    assert len(documents) == 415


def test_figures_of_the_readme_match_the_files() -> None:
    """The README of the data has the stock and the demand of the demo."""
    orders, products = read_northwind_orders(), read_northwind_products()
    assert sum(item.quantity for order in orders for item in order.items) == 25_322
    assert sum(product.units_in_stock for product in products) == 3_119
    assert sum(product.units_in_stock == 0 for product in products) == 5
    assert {item.sku for order in orders for item in order.items} <= {product.sku for product in products}


def test_every_price_is_in_dollars() -> None:
    """The plain numbers of the file are amounts of one currency."""
    assert {item.unit_price.currency_code for order in read_northwind_orders() for item in order.items} == {
        "USD"
    }


def test_price_is_read_as_an_exact_decimal() -> None:
    """29.99 is 29 units and 990,000,000 billionths. No float has this value."""
    [order] = read_orders([LINE.replace("7.70", "29.99")])
    assert order.items[0].unit_price == Money(currency_code="USD", units=29, nanos=990_000_000)


@given(units=st.integers(-(2**63) + 1, 2**63 - 1), nanos=st.integers(0, 999_999_999))
def test_money_keeps_every_representable_amount(units: int, nanos: int) -> None:
    """Units and billionths of any amount are unchanged and have the same sign."""
    money = to_money(Decimal(f"{units}.{nanos:09}"))
    assert money.units * 10**9 + money.nanos == int(f"{units}{nanos:09}")
    assert money.units * money.nanos >= 0


def test_amount_finer_than_a_billionth_is_rejected() -> None:
    """Such an amount is an error and is never rounded."""
    with pytest.raises(ValueError, match="more than nine decimal places"):
        to_money(Decimal("0.0000000001"))


def test_integer_is_a_valid_price() -> None:
    """JSON allows 14 as well as 14.0."""
    [order] = read_orders([LINE.replace("7.70", "14")])
    assert order.items[0].unit_price == Money(currency_code="USD", units=14)


@pytest.mark.parametrize("key", ["promisedDeliveryAt", "unitPrice"])
def test_absent_value_is_not_set(key: str) -> None:
    """An absent promised time or price is absent in the request and not zero."""
    order = order_document()
    order.pop(key, None)
    order["items"][0].pop(key, None)
    request = parse_order(order)
    assert request.HasField("promised_delivery_at") == (key != "promisedDeliveryAt")
    assert request.items[0].HasField("unit_price") == (key != "unitPrice")


@pytest.mark.parametrize(
    "changes",
    [
        {"note": "leave at the door"},
        {"priority": "yesterday"},
        {"items": [{"sku": "NW-041", "quantity": 1, "colour": "red"}]},
        {"shippingAddress": {"street": "a", "city": "b", "country": "BR", "planet": "Earth"}},
    ],
    ids=["order", "priority", "item", "address"],
)
def test_unknown_key_or_word_is_rejected(changes: dict[str, Any]) -> None:
    """Otherwise the order would have less content than the document."""
    with pytest.raises(ValueError, match=r"unknown keys|yesterday|YESTERDAY"):
        parse_order(order_document(**changes))


def test_empty_lines_are_ignored() -> None:
    """A file may end with a line break."""
    assert len(read_orders([LINE, "", "  \n"])) == 1
