"""The quick look at orders: what it passes keeps the rules, and it passes what usually comes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.text_format import MessageToString
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st
from protovalidate import collect_violations

from buf.validate import validate_pb2
from tests.support.requests import address, create_order, item
from wms.orders.v1 import orders_pb2
from wms_server.sure import surely_valid

_Q = orders_pb2.CreateOrderRequest
_WORDS = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        ["", " ", "\t", "a\x7f", "\u2028", "\xa0", "x" * 256, "x" * 257, "US", "us", "XX", "😀", "-a"]
    ),
)
_NUMBERS = st.sampled_from([-(2**31), -1, 0, 1, 2, 1_000_000, 1_000_001, 2**31 - 1])


def _set(request: _Q, path: str, value: Any) -> None:
    *heads, last = path.split(".")
    message: Any = request
    for head in heads:
        message = message.items[0] if head == "items" else getattr(message, head)
    setattr(message, last, value)


_TEXTS = [
    "customer_id", "order_id", "warehouse_id", "request_id", "items.sku", "items.unit_price.currency_code",
    *(f"shipping_address.{name}" for name in
      ("street", "city", "state", "zip_code", "country", "recipient_name", "phone")),
]  # fmt: skip
_COUNTS = [
    "priority", "items.quantity", "items.unit_price.units", "items.unit_price.nanos",
    "promised_delivery_at.seconds", "promised_delivery_at.nanos",
]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(_TEXTS), _WORDS), max_size=2),
       st.lists(st.tuples(st.sampled_from(_COUNTS), _NUMBERS), max_size=2))  # fmt: skip
def test_what_it_passes_keeps_the_rules(texts: list[tuple[str, str]], counts: list[tuple[str, int]]) -> None:
    """Whatever is changed in an order, protovalidate passes it too."""
    request = create_order()
    for path, value in [*texts, *counts]:
        _set(request, path, value)
    if surely_valid(request):
        assert not collect_violations(request)


@pytest.mark.parametrize(
    "request_",
    [
        create_order(),
        create_order(order_id="ORD-1", warehouse_id="WH-01", request_id="r/1", allow_partial=False),
        create_order(items=[item(unit_price=None), item("Ωμέγα 😀", 1_000_000)] * 250),
        create_order(promised_delivery_at=Timestamp(seconds=1_900_000_000, nanos=5)),
        create_order(items=[item(unit_price=Money(currency_code="KWD", nanos=1))]),
        create_order(shipping_address=address(state="NY", zip_code="10001", phone="+1 555", country="DE")),
    ],
)
def test_it_passes_what_usually_comes(request_: _Q) -> None:
    """Or it would be of no use."""
    assert surely_valid(request_)


@pytest.mark.parametrize(
    "break_",
    [
        lambda order: order.ClearField("customer_id"),
        lambda order: order.ClearField("priority"),
        lambda order: order.ClearField("items"),
        lambda order: order.ClearField("shipping_address"),
        lambda order: order.shipping_address.ClearField("country"),
        lambda order: order.items.extend([item()] * 500),
        lambda order: _set(order, "priority", 9),
        lambda order: _set(order, "items.quantity", 0),
        lambda order: _set(order, "items.quantity", 1_000_001),
        lambda order: _set(order, "items.sku", "x" * 257),
        lambda order: _set(order, "items.unit_price.nanos", 1_000_000_000),
        lambda order: _set(order, "items.unit_price.currency_code", "EURO"),
        lambda order: _set(order, "items.unit_price.units", -1),
        lambda order: _set(order, "shipping_address.country", "ZZ"),
        lambda order: _set(order, "shipping_address.city", "\u2003"),
        lambda order: _set(order, "shipping_address.phone", "x" * 257),
        lambda order: _set(order, "customer_id", " "),
        lambda order: _set(order, "promised_delivery_at.seconds", 253_402_300_800),
        lambda order: _set(order, "promised_delivery_at.nanos", -1),
        lambda order: _set(order, "order_id", "-a"),
        lambda order: _set(order, "warehouse_id", "x" * 129),
        lambda order: _set(order, "request_id", "x" * 129),
    ],
)
def test_it_passes_nothing_that_breaks_a_rule(break_: Callable[[_Q], Any]) -> None:
    """One fault of each kind, also twice: nothing bad is remembered."""
    order = create_order()
    break_(order)
    assert not surely_valid(order)
    assert not surely_valid(order)
    assert surely_valid(create_order())


def _rules(kind: Descriptor, path: str = "") -> Iterator[str]:
    """Say which rules a message has, one a line, those of the messages in it too."""
    assert not kind.GetOptions().HasExtension(validate_pb2.message)
    assert not any(one.GetOptions().HasExtension(validate_pb2.oneof) for one in kind.oneofs)
    for field in kind.fields:
        rules = validate_pb2.FieldRules()
        rules.CopyFrom(field.GetOptions().Extensions[validate_pb2.field])
        cel = [rule.id for rule in rules.cel]
        rules.ClearField("cel")
        said = " ".join([*MessageToString(rules, as_one_line=True).split(), *cel])
        if said:
            yield f"{path}{field.name}: {said}"
        if field.message_type is not None and field.message_type.file.package.startswith("wms."):
            yield from _rules(field.message_type, f"{path}{field.name}.")


def test_it_was_written_for_these_rules() -> None:
    """When they change in the protos, it has to be changed with them."""
    filled = "string { max_len: 256 [wms.orders.v1.filled_text]: true }"
    plain = "string { max_len: 256 [wms.orders.v1.plain_text]: true }"
    resource_id = "string { [wms.orders.v1.resource_id]: true }"
    assert sorted(_rules(_Q.DESCRIPTOR)) == sorted([
        f"customer_id: {filled} required: true",
        "priority: enum { defined_only: true } required: true",
        "items: repeated { max_items: 500 } required: true",
        f"items.sku: {filled} required: true",
        "items.quantity: int32 { lte: 1000000 gte: 1 }",
        "items.unit_price: money.currency_code money.amount",
        "shipping_address: required: true",
        f"shipping_address.street: {filled} required: true",
        f"shipping_address.city: {filled} required: true",
        f"shipping_address.state: {plain}",
        f"shipping_address.zip_code: {plain}",
        "shipping_address.country: string { [wms.orders.v1.country_code]: true } required: true",
        f"shipping_address.recipient_name: {plain}",
        f"shipping_address.phone: {plain}",
        "promised_delivery_at: timestamp { [wms.orders.v1.storable]: true }",
        f"order_id: {resource_id}",
        f"warehouse_id: {resource_id}",
        "request_id: string { [wms.orders.v1.visible_ascii]: true }",
    ])  # fmt: skip
