"""The Northwind files become requests that say exactly what the files say."""

import json
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.northwind import money, northwind_orders, northwind_products, order_request, read_orders

LINE = (
    '{"orderId": "ORD-1", "customerId": "HANAR", "priority": "next_day",'
    ' "promisedDeliveryAt": "1996-08-05T17:00:00Z",'
    ' "items": [{"sku": "NW-041", "quantity": 10, "unitPrice": 7.70}],'
    ' "shippingAddress": {"street": "Rua do Paço, 67", "city": "Rio de Janeiro", "country": "BR"}}'
)


def document(**changes: Any) -> dict[str, Any]:
    """An order as a document, with changes."""
    return {**json.loads(LINE, parse_float=Decimal), **changes}


def as_document(request: orders_pb2.CreateOrderRequest) -> dict[str, Any]:
    """The way back, by another road: protobuf's fields, read one by one."""
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


def test_every_order_of_the_file_comes_back_as_it_was_written() -> None:
    """All 415 orders survive the way into a request and back, prices and accents included."""
    text = (resources.files("wms_dev") / "data" / "northwind_orders_even.jsonl").read_text(encoding="utf-8")
    written = [json.loads(line, parse_float=Decimal) for line in text.splitlines()]
    assert [as_document(request) for request in northwind_orders()] == written
    assert len(written) == 415


def test_the_figures_of_the_readme_are_those_of_the_files() -> None:
    """The demo's stock and demand are what the data's README says."""
    orders, products = northwind_orders(), northwind_products()
    assert sum(item.quantity for order in orders for item in order.items) == 25_322
    assert sum(product.units_in_stock for product in products) == 3_119
    assert sum(product.units_in_stock == 0 for product in products) == 5
    assert {item.sku for order in orders for item in order.items} <= {product.sku for product in products}


def test_every_price_is_in_dollars() -> None:
    """The plain numbers of the file are amounts of one currency."""
    assert {item.unit_price.currency_code for order in northwind_orders() for item in order.items} == {"USD"}


def test_a_price_is_read_as_an_exact_decimal() -> None:
    """29.99 is 29 units and 990,000,000 billionths, which no float is."""
    [order] = read_orders([LINE.replace("7.70", "29.99")])
    assert order.items[0].unit_price == Money(currency_code="USD", units=29, nanos=990_000_000)


@given(units=st.integers(-(2**63) + 1, 2**63 - 1), nanos=st.integers(0, 999_999_999))
def test_money_keeps_every_amount_it_can_hold(units: int, nanos: int) -> None:
    """Units and billionths of any amount come out as they went in, with one sign."""
    made = money(Decimal(f"{units}.{nanos:09}"))
    assert made.units * 10**9 + made.nanos == int(f"{units}{nanos:09}")
    assert made.units * made.nanos >= 0


def test_an_amount_finer_than_a_billionth_is_refused() -> None:
    """What Money can't hold is an error, never rounded."""
    with pytest.raises(ValueError, match="finer than a billionth"):
        money(Decimal("0.0000000001"))


def test_a_whole_number_is_a_price_too() -> None:
    """JSON writes 14 as well as 14.0."""
    [order] = read_orders([LINE.replace("7.70", "14")])
    assert order.items[0].unit_price == Money(currency_code="USD", units=14)


@pytest.mark.parametrize("key", ["promisedDeliveryAt", "unitPrice"])
def test_what_a_document_leaves_out_is_not_set(key: str) -> None:
    """An absent promise or price is absent in the request, not zero."""
    given_order = document()
    given_order.pop(key, None)
    given_order["items"][0].pop(key, None)
    request = order_request(given_order)
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
def test_nothing_that_is_not_understood_is_dropped(changes: dict[str, Any]) -> None:
    """An unknown key or word is an error instead of an order that says less than the document."""
    with pytest.raises(ValueError, match=r"unknown keys|yesterday|YESTERDAY"):
        order_request(document(**changes))


def test_empty_lines_are_no_orders() -> None:
    """A file may end with a line break."""
    assert len(read_orders([LINE, "", "  \n"])) == 1
