"""Published events: the payloads of the Order Service specification byte for byte, and one form for all."""

import inspect
import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders.domain import CALLER, NOW, build_order, build_order_line, new_item, new_order

from wms_core.domain.events import events
from wms_core.domain.events.events import OrderEvent, format_json_time, to_camel_case
from wms_core.domain.events.payloads import (
    BackorderedItem,
    Changes,
    FulfilledItem,
    OrderedItem,
    ShippedItem,
    ShippingAddress,
    ShortageReason,
    build_address_payload,
    build_item_payload,
)
from wms_core.domain.failures import failures
from wms_core.domain.failures.dead_letters import Resolution
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders import backorders, lifecycle
from wms_core.domain.orders.intake import accept
from wms_core.domain.orders.orders import Address, MoneyAmount, NewOrder, NewOrderLine, OrderLine, Priority
from wms_core.domain.orders.status import OrderStatus

# Copied from the Order Service specification, "Event Payloads".
RETRY_SCHEDULED = """
{
  "type": "wms.order.retry-scheduled",
  "orderId": "ORD-12345",
  "customerId": "CUST-001",
  "retryNumber": 3,
  "failureStatus": "picking",
  "failureReason": "Inventory unavailable",
  "timestamp": "2024-01-15T10:30:00Z"
}
"""
MOVED_TO_DLQ = """
{
  "type": "wms.order.moved-to-dlq",
  "orderId": "ORD-12345",
  "customerId": "CUST-001",
  "finalFailureStatus": "picking",
  "finalFailureReason": "Max retries exceeded",
  "totalRetryAttempts": 5,
  "timestamp": "2024-01-15T12:00:00Z"
}
"""
PARTIALLY_FULFILLED = """
{
  "type": "wms.order.partially-fulfilled",
  "orderId": "ORD-12345",
  "customerId": "CUST-001",
  "fulfilledItems": [
    { "sku": "SKU-001", "quantityOrdered": 5, "quantityFulfilled": 3 }
  ],
  "backorderedItems": [
    { "sku": "SKU-001", "quantityOrdered": 5, "quantityShort": 2, "reason": "quantity_mismatch" }
  ],
  "fulfillmentRatio": 0.6,
  "timestamp": "2024-01-15T11:00:00Z"
}
"""

# The eleven event types of the specification.
DOCUMENTED = {
    "wms.order.received",
    "wms.order.validated",
    "wms.order.wave-assigned",
    "wms.order.shipped",
    "wms.order.cancelled",
    "wms.order.completed",
    "wms.order.retry-scheduled",
    "wms.order.moved-to-dlq",
    "wms.order.partially-fulfilled",
    "wms.order.backorder-created",
    "wms.order.backorder-fulfilled",
}
OURS = {
    "wms.order.picking-started",
    "wms.order.packing-started",
    "wms.order.retry-started",
    "wms.order.updated",
    "wms.order.dlq-resolved",
}
KINDS = [
    kind
    for _, kind in inspect.getmembers(events, inspect.isclass)
    if issubclass(kind, OrderEvent) and kind is not OrderEvent
]
SAMPLES: dict[Any, Any] = {
    str: "ö",
    int: 1,
    float: 0.6,
    bool: True,
    datetime: NOW,
    datetime | None: NOW,
    Priority: Priority.SAME_DAY,
    OrderStatus: OrderStatus.PICKING,
    ShortageReason: ShortageReason.DAMAGED,
    Resolution: Resolution.ESCALATED,
    list[OrderedItem]: [{"sku": "SKU-001", "quantity": 2}],
    list[ShippedItem]: [{"sku": "SKU-001", "quantity": 2}],
    list[FulfilledItem]: [{"sku": "SKU-001", "quantityOrdered": 2, "quantityFulfilled": 1}],
    list[BackorderedItem]: [
        {"sku": "SKU-001", "quantityOrdered": 2, "quantityShort": 1, "reason": ShortageReason.NOT_FOUND}
    ],
    ShippingAddress: {"street": "1 St", "city": "Köln", "country": "DE"},
    Changes: {"priority": Priority.SAME_DAY},
}


def _compact(block: str) -> str:
    return json.dumps(json.loads(block), separators=(",", ":"))


def _sample(kind: type[OrderEvent]) -> OrderEvent:
    """Return an event with every field filled."""
    types = get_type_hints(kind)
    return kind(**{field.name: SAMPLES[types[field.name]] for field in fields(kind)})


def test_retry_scheduled_matches_the_specification() -> None:
    """The example is the third failure, caused by missing stock during picking."""
    order = build_order(OrderStatus.PICKING, retry_count=2)
    change = failures.fail(order, "Inventory unavailable", NOW, RetryPolicy(), CALLER, NOW)
    assert change.records[0].payload == _compact(RETRY_SCHEDULED)


def test_moved_to_dlq_matches_the_specification() -> None:
    """The example is the fifth failure."""
    order = build_order(OrderStatus.PICKING, retry_count=4)
    noon = datetime(2024, 1, 15, 12, tzinfo=UTC)
    change = failures.fail(order, "Max retries exceeded", noon, RetryPolicy(), CALLER, noon)
    assert change.records[0].payload == _compact(MOVED_TO_DLQ)


def test_partially_fulfilled_matches_the_specification() -> None:
    """The example has two of five units short because of a quantity mismatch."""
    assert _partial_fulfillment_payloads()[0] == _compact(PARTIALLY_FULFILLED)


def test_backorder_created_has_the_missing_units_and_the_reason() -> None:
    """Each backorder has an event, after the event of the order."""
    created = json.loads(_partial_fulfillment_payloads()[1])
    assert created == {
        "type": "wms.order.backorder-created",
        "orderId": "ORD-12345",
        "customerId": "CUST-001",
        "backorderId": "BO-1",
        "sku": "SKU-001",
        "quantity": 2,
        "reason": "quantity_mismatch",
        "timestamp": "2024-01-15T11:00:00Z",
    }


def test_backorder_fulfilled_has_the_delivered_units() -> None:
    """The status of the order does not change."""
    order = build_order(OrderStatus.SHIPPED)
    backorder = backorders.Backorder(
        "BO-1", "ORD-12345", 1, "CUST-001", "WH-01", "SKU-001", 2, ShortageReason.DAMAGED, NOW
    )
    (record,) = backorders.fulfill_backorders(order, [backorder], CALLER, NOW).records
    assert (record.from_status, record.to_status) == (None, None)
    assert json.loads(record.payload) == {
        "type": "wms.order.backorder-fulfilled",
        "orderId": "ORD-12345",
        "customerId": "CUST-001",
        "backorderId": "BO-1",
        "sku": "SKU-001",
        "quantity": 2,
        "timestamp": "2024-01-15T10:30:00Z",
    }


def _partial_fulfillment_payloads() -> list[str]:
    """Return the payloads of an order of five units that proceeds with three."""
    order = build_order(OrderStatus.ASSIGNED_TO_WAVE, items=(build_order_line(quantity=5),))
    mismatch = ShortageReason.QUANTITY_MISMATCH
    eleven = datetime(2024, 1, 15, 11, tzinfo=UTC)
    change = backorders.open_backorders(order, {1: 2}, mismatch, "{}1".format, CALLER, eleven)
    return [record.payload for record in change.records]


def test_received_has_the_entire_order() -> None:
    """A consumer needs no further call. Amounts are exact, in the form of protobuf's JSON."""
    items = (new_item(), NewOrderLine("SKU-002", 1))
    new = new_order(items=items, promised_delivery_at=datetime(2024, 12, 27, 17, tzinfo=UTC))
    assert json.loads(accept(new, CALLER, NOW).payload) == {
        "type": "wms.order.received",
        "orderId": "ORD-12345",
        "customerId": "CUST-001",
        "warehouseId": "WH-01",
        "priority": "standard",
        "promisedDeliveryAt": "2024-12-27T17:00:00Z",
        "allowPartial": True,
        "items": [
            {
                "sku": "SKU-001",
                "quantity": 2,
                "unitPrice": {"currencyCode": "USD", "units": "29", "nanos": 990_000_000},
            },
            {"sku": "SKU-002", "quantity": 1},
        ],
        "shippingAddress": {
            "street": "123 Main St",
            "city": "New York",
            "state": "NY",
            "zipCode": "10001",
            "country": "US",
        },
        "timestamp": "2024-01-15T10:30:00Z",
    }


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NEW_ORDERS = st.builds(
    NewOrder,
    TEXTS,
    TEXTS,
    TEXTS,
    st.sampled_from(Priority),
    st.lists(
        st.builds(
            NewOrderLine,
            TEXTS,
            st.integers(1, 1_000_000),
            st.none() | TEXTS,
            st.integers(0, 2**63 - 1),
            st.integers(0, 999_999_999),
        ),
        max_size=3,
    ),
    st.builds(Address, *[TEXTS] * 7),
    st.none() | st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC)),  # noqa: DTZ001 # the zone is a separate argument
    st.booleans(),
)


@given(NEW_ORDERS)
def test_handwritten_payload_of_received_matches_its_class(new: NewOrder) -> None:
    """The bytes match for every order and for the address, which is stored separately."""
    lines = [
        OrderLine(number, sku, quantity, None if currency is None else MoneyAmount(currency, units, nanos))
        for number, (sku, quantity, currency, units, nanos) in enumerate(new.items, start=1)
    ]
    event = events.OrderReceived(
        order_id=new.order_id,
        customer_id=new.customer_id,
        timestamp=NOW,
        warehouse_id=new.warehouse_id,
        priority=new.priority,
        promised_delivery_at=new.promised_delivery_at,
        allow_partial=new.allow_partial,
        items=[build_item_payload(item) for item in lines],
        shipping_address=build_address_payload(new.shipping_address),
    )
    arrival = accept(new, CALLER, NOW)
    assert arrival.payload == event.encode_payload()
    assert json.loads(arrival.address_json) == build_address_payload(new.shipping_address)


def test_shipped_has_the_units_of_its_shipment() -> None:
    """Units of earlier shipments are not included."""
    items = (
        build_order_line(quantity=5, allocated=5, delivered=5, shipped=2),
        build_order_line(2, allocated=0),
    )
    change = lifecycle.ship(build_order(OrderStatus.PACKING, items=items), "UPS", "1Z999", CALLER, NOW)
    assert json.loads(change.records[0].payload)["items"] == [{"sku": "SKU-001", "quantity": 3}]


def test_event_types_are_complete() -> None:
    """Every event class has a type of its own, of the specification or an additional one."""
    assert sorted(kind.type for kind in KINDS) == sorted(DOCUMENTED | OURS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_every_payload_has_the_same_form(kind: type[OrderEvent]) -> None:
    """Type, order and customer come first and the time last. All names are camelCase, without spaces."""
    payload = _sample(kind).encode_payload()
    body = json.loads(payload)
    names = [field.name for field in fields(kind) if field.name != "timestamp"]
    assert list(body) == ["type", *(to_camel_case(name) for name in names), "timestamp"]
    assert list(body)[:3] == ["type", "orderId", "customerId"]
    assert payload == json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def test_absent_values_are_omitted() -> None:
    """No payload has a null. An order without a promised time has no `promisedDeliveryAt`."""
    body = json.loads(accept(new_order(), CALLER, NOW).payload)
    assert "promisedDeliveryAt" not in body
    assert "recipientName" not in body["shippingAddress"]


def test_address_has_the_names_of_the_contract() -> None:
    """The names are `zipCode` and `recipientName`, as in the specification and the contract."""
    address = Address("1 St", "Bern", "CH", recipient_name="Ö", state="BE", zip_code="3000", phone="1")
    payload = accept(new_order(shipping_address=address), CALLER, NOW).payload
    assert json.loads(payload)["shippingAddress"] == {
        "recipientName": "Ö",
        "street": "1 St",
        "city": "Bern",
        "state": "BE",
        "zipCode": "3000",
        "country": "CH",
        "phone": "1",
    }


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 999_999_999))
def test_amount_keeps_every_digit(units: int, nanos: int) -> None:
    """Units are text, so that no JSON parser rounds them to a double."""
    items = (NewOrderLine("A", 1, "EUR", units, nanos),)
    payload = accept(new_order(items=items), CALLER, NOW).payload
    price = json.loads(payload)["items"][0]["unitPrice"]
    assert price == {"currencyCode": "EUR", "units": str(units), "nanos": nanos}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_round_trips(text: str) -> None:
    """Names in every script are written unescaped and read back unchanged."""
    change = lifecycle.cancel(build_order(), text, CALLER, NOW)
    assert json.loads(change.records[0].payload)["reason"] == text
    assert "\\u" not in change.records[0].payload or any(ord(sign) < 32 or sign in '"\\' for sign in text)


@given(
    st.datetimes(
        datetime(1, 1, 3),  # noqa: DTZ001 # the zone is drawn separately
        datetime(9999, 12, 29),  # noqa: DTZ001 # as above
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
def test_time_is_written_in_utc_and_round_trips(time: datetime) -> None:
    """The form is RFC 3339 with a Z and microseconds, for a time of any zone."""
    text = format_json_time(time)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == time
    assert len(text) == 20 or (text[19] == "." and text[-2] != "0")


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (NOW, "2024-01-15T10:30:00Z"),
        (NOW + timedelta(microseconds=500_000), "2024-01-15T10:30:00.5Z"),
        (NOW + timedelta(microseconds=1), "2024-01-15T10:30:00.000001Z"),
        (NOW.astimezone(timezone(timedelta(hours=-5))), "2024-01-15T10:30:00Z"),
    ],
)
def test_time_has_a_fraction_only_if_needed(time: datetime, text: str) -> None:
    """Whole seconds look as in the specification."""
    assert format_json_time(time) == text


def test_event_has_the_ids_of_its_context() -> None:
    """Actor and correlation id are the caller's, and the wave is the order's."""
    change = lifecycle.cancel(build_order(OrderStatus.PICKING), "Customer request", CALLER, NOW)
    (record,) = change.records
    assert (record.caller, record.wave_number, record.warehouse_id) == (CALLER, "WAVE-2024-00001", "WH-01")
    assert (record.sequence, record.version, record.occurred_at) == (7, 8, NOW)


def test_event_names_the_wave_that_the_order_leaves() -> None:
    """The event that removes an order from its wave names the wave."""
    order = build_order(OrderStatus.PENDING_RETRY, wave_id="WAVE-2024-00001", destination_id="PACK-1")
    change = failures.reset_order(order, CALLER, NOW)
    assert change.order.wave_id is None
    assert change.records[0].wave_number == "WAVE-2024-00001"


@pytest.mark.parametrize(("name", "key"), [("order_id", "orderId"), ("type", "type"), ("a_b_c", "aBC")])
def test_python_names_become_json_names(name: str, key: str) -> None:
    """`order_id` becomes `orderId`."""
    assert to_camel_case(name) == key
