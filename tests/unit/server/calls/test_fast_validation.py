"""Fast validation of orders: it accepts only valid orders, and accepts the usual ones."""

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
from tests.support.builders.requests import address, create_order, item

from buf.validate import validate_pb2
from wms.orders.v1 import orders_pb2
from wms_server.calls.fast_validation import passes_fast_validation

_Q = orders_pb2.CreateOrderRequest
_WORDS = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        ["", " ", "\t", "a\x7f", "\u2028", "\xa0", "x" * 256, "x" * 257, "US", "us", "XX", "😀", "-a"]
    ),
)
_NUMBERS = st.sampled_from([-(2**31), -1, 0, 1, 2, 1_000_000, 1_000_001, 2**31 - 1])


def _set(request: _Q, path: str, value: Any) -> None:
    *field_path, field_name = path.split(".")
    message: Any = request
    for segment in field_path:
        message = message.items[0] if segment == "items" else getattr(message, segment)
    setattr(message, field_name, value)


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
def test_accepted_order_is_valid(texts: list[tuple[str, str]], counts: list[tuple[str, int]]) -> None:
    """protovalidate accepts the same order, for any change of its fields."""
    request = create_order()
    for path, value in [*texts, *counts]:
        _set(request, path, value)
    if passes_fast_validation(request):
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
def test_usual_orders_are_accepted(request_: _Q) -> None:
    """Otherwise the fast path would be useless."""
    assert passes_fast_validation(request_)


@pytest.mark.parametrize(
    "invalidate",
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
def test_invalid_order_is_not_accepted(invalidate: Callable[[_Q], Any]) -> None:
    """Each rule is violated once. The second call shows that no invalid value is cached."""
    order = create_order()
    invalidate(order)
    assert not passes_fast_validation(order)
    assert not passes_fast_validation(order)
    assert passes_fast_validation(create_order())


def _list_rules(kind: Descriptor, path: str = "") -> Iterator[str]:
    """Yield the rules of a message as lines, including those of nested messages."""
    assert not kind.GetOptions().HasExtension(validate_pb2.message)
    assert not any(oneof.GetOptions().HasExtension(validate_pb2.oneof) for oneof in kind.oneofs)
    for field in kind.fields:
        rules = validate_pb2.FieldRules()
        rules.CopyFrom(field.GetOptions().Extensions[validate_pb2.field])
        cel = [rule.id for rule in rules.cel]
        rules.ClearField("cel")
        rule_text = " ".join([*MessageToString(rules, as_one_line=True).split(), *cel])
        if rule_text:
            yield f"{path}{field.name}: {rule_text}"
        if field.message_type is not None and field.message_type.file.package.startswith("wms."):
            yield from _list_rules(field.message_type, f"{path}{field.name}.")


def test_rules_are_those_of_the_fast_validation() -> None:
    """A change of the rules in the protos requires a change of the fast validation."""
    filled = "string { max_len: 256 [wms.orders.v1.filled_text]: true }"
    plain = "string { max_len: 256 [wms.orders.v1.plain_text]: true }"
    resource_id = "string { [wms.orders.v1.resource_id]: true }"
    assert sorted(_list_rules(_Q.DESCRIPTOR)) == sorted([
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
