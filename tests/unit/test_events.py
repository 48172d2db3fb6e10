"""What is published of an order: the document's payloads to the letter, and one form for all."""

import inspect
import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.domain import CALLER, NOW, line, new_item, new_order, order_in
from wms_core.domain import backorders, events, failures, lifecycle
from wms_core.domain.dead_letters import Resolution
from wms_core.domain.events import OrderEvent, camel_case, json_time
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Address, Money, NewItem, NewOrder, OrderItem, Priority
from wms_core.domain.payloads import (
    BackorderedItem,
    Changes,
    FulfilledItem,
    OrderedItem,
    ShippedItem,
    ShippingAddress,
    ShortageReason,
    address_json,
    item_json,
)
from wms_core.domain.receiving import receive
from wms_core.domain.retries import RetryPolicy

# Copied from the Order Service document, "Event Payloads".
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

# The document's eleven types.
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
    """Give an event with every field filled in."""
    types = get_type_hints(kind)
    return kind(**{field.name: SAMPLES[types[field.name]] for field in fields(kind)})


def test_retry_scheduled_is_the_documents_example() -> None:
    """The third failure, for want of stock while picking, is told with the bytes of the document."""
    order = order_in(OrderStatus.PICKING, retry_count=2)
    change = failures.fail(order, "Inventory unavailable", NOW, RetryPolicy(), CALLER, NOW)
    assert change.records[0].payload == _compact(RETRY_SCHEDULED)


def test_moved_to_dlq_is_the_documents_example() -> None:
    """The fifth failure is told with the bytes of the document."""
    order = order_in(OrderStatus.PICKING, retry_count=4)
    noon = datetime(2024, 1, 15, 12, tzinfo=UTC)
    change = failures.fail(order, "Max retries exceeded", noon, RetryPolicy(), CALLER, noon)
    assert change.records[0].payload == _compact(MOVED_TO_DLQ)


def test_partially_fulfilled_is_the_documents_example() -> None:
    """Two of five units short, for a mismatch of quantities, is told with the bytes of the document."""
    assert _went_on_without()[0] == _compact(PARTIALLY_FULFILLED)


def test_a_backorder_is_told_with_what_is_owed_and_why() -> None:
    """One event for each, after the one that tells of the order."""
    created = json.loads(_went_on_without()[1])
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


def test_a_backorder_that_was_delivered_is_told_with_its_units() -> None:
    """And the order's status stays."""
    order = order_in(OrderStatus.SHIPPED)
    owed = backorders.Backorder(
        "BO-1", "ORD-12345", 1, "CUST-001", "WH-01", "SKU-001", 2, ShortageReason.DAMAGED, NOW
    )
    (record,) = backorders.fulfilled(order, [owed], CALLER, NOW).records
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


def _went_on_without() -> list[str]:
    """Give the payloads of an order of five units that goes on with three."""
    order = order_in(OrderStatus.ASSIGNED_TO_WAVE, items=(line(quantity=5),))
    mismatch = ShortageReason.QUANTITY_MISMATCH
    eleven = datetime(2024, 1, 15, 11, tzinfo=UTC)
    change = backorders.go_on_without(order, {1: 2}, mismatch, "{}1".format, CALLER, eleven)
    return [record.payload for record in change.records]


def test_received_carries_the_whole_order() -> None:
    """A consumer needs no call to know what was asked for; amounts are exact, as protobuf writes them."""
    items = (new_item(), NewItem("SKU-002", 1))
    new = new_order(items=items, promised_delivery_at=datetime(2024, 12, 27, 17, tzinfo=UTC))
    assert json.loads(receive(new, CALLER, NOW).payload) == {
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
            NewItem,
            TEXTS,
            st.integers(1, 1_000_000),
            st.none() | TEXTS,
            st.integers(0, 2**63 - 1),
            st.integers(0, 999_999_999),
        ),
        max_size=3,
    ),
    st.builds(Address, *[TEXTS] * 7),
    st.none() | st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC)),  # noqa: DTZ001 # the zone is beside it
    st.booleans(),
)


@given(NEW_ORDERS)
def test_received_is_written_by_hand_as_its_class_writes_it(new: NewOrder) -> None:
    """To the byte, whatever is in the order; so is the address, which is stored beside it."""
    lines = [
        OrderItem(number, sku, quantity, None if currency is None else Money(currency, units, nanos))
        for number, (sku, quantity, currency, units, nanos) in enumerate(new.items, start=1)
    ]
    event = events.Received(
        order_id=new.order_id,
        customer_id=new.customer_id,
        timestamp=NOW,
        warehouse_id=new.warehouse_id,
        priority=new.priority,
        promised_delivery_at=new.promised_delivery_at,
        allow_partial=new.allow_partial,
        items=[item_json(item) for item in lines],
        shipping_address=address_json(new.shipping_address),
    )
    arrival = receive(new, CALLER, NOW)
    assert arrival.payload == event.payload()
    assert json.loads(arrival.address) == address_json(new.shipping_address)


def test_shipped_names_what_is_in_the_parcel() -> None:
    """Only the units of this shipment, not those of earlier ones."""
    items = (line(quantity=5, allocated=5, delivered=5, shipped=2), line(2, allocated=0))
    change = lifecycle.ship(order_in(OrderStatus.PACKING, items=items), "UPS", "1Z999", CALLER, NOW)
    assert json.loads(change.records[0].payload)["items"] == [{"sku": "SKU-001", "quantity": 3}]


def test_the_types_are_those_of_the_document_and_ours() -> None:
    """Every class of event has a type of its own, and none is missing."""
    assert sorted(kind.type for kind in KINDS) == sorted(DOCUMENTED | OURS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_every_payload_has_one_form(kind: type[OrderEvent]) -> None:
    """Type, order and customer first, the time last, every field between in camelCase, no spaces."""
    payload = _sample(kind).payload()
    body = json.loads(payload)
    names = [field.name for field in fields(kind) if field.name != "timestamp"]
    assert list(body) == ["type", *(camel_case(name) for name in names), "timestamp"]
    assert list(body)[:3] == ["type", "orderId", "customerId"]
    assert payload == json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def test_what_is_absent_is_left_out() -> None:
    """No payload says null: an order without a promise has no `promisedDeliveryAt`."""
    body = json.loads(receive(new_order(), CALLER, NOW).payload)
    assert "promisedDeliveryAt" not in body
    assert "recipientName" not in body["shippingAddress"]


def test_the_whole_address_has_the_names_of_the_wire() -> None:
    """`zipCode` and `recipientName`, as in the document and the contract."""
    address = Address("1 St", "Bern", "CH", recipient_name="Ö", state="BE", zip_code="3000", phone="1")
    payload = receive(new_order(shipping_address=address), CALLER, NOW).payload
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
def test_an_amount_keeps_every_digit(units: int, nanos: int) -> None:
    """Units travel as text, so that no reader rounds them as a double."""
    items = (NewItem("A", 1, "EUR", units, nanos),)
    payload = receive(new_order(items=items), CALLER, NOW).payload
    price = json.loads(payload)["items"][0]["unitPrice"]
    assert price == {"currencyCode": "EUR", "units": str(units), "nanos": nanos}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_through(text: str) -> None:
    """Names in every script are written as they are and read back the same."""
    change = lifecycle.cancel(order_in(), text, CALLER, NOW)
    assert json.loads(change.records[0].payload)["reason"] == text
    assert "\\u" not in change.records[0].payload or any(ord(sign) < 32 or sign in '"\\' for sign in text)


@given(
    st.datetimes(
        datetime(1, 1, 3),  # noqa: DTZ001 # the zone is drawn beside it
        datetime(9999, 12, 29),  # noqa: DTZ001 # as above
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
def test_a_time_is_written_in_utc_and_read_back_the_same(moment: datetime) -> None:
    """RFC 3339 with a Z, to the microsecond, whatever zone it came in."""
    text = json_time(moment)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment
    assert len(text) == 20 or (text[19] == "." and text[-2] != "0")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW, "2024-01-15T10:30:00Z"),
        (NOW + timedelta(microseconds=500_000), "2024-01-15T10:30:00.5Z"),
        (NOW + timedelta(microseconds=1), "2024-01-15T10:30:00.000001Z"),
        (NOW.astimezone(timezone(timedelta(hours=-5))), "2024-01-15T10:30:00Z"),
    ],
)
def test_a_time_has_a_fraction_only_where_there_is_one(moment: datetime, text: str) -> None:
    """Whole seconds look as in the document."""
    assert json_time(moment) == text


def test_an_event_takes_the_ids_of_the_work_it_belongs_to() -> None:
    """Actor and correlation are the caller's, the wave is the order's."""
    change = lifecycle.cancel(order_in(OrderStatus.PICKING), "Customer request", CALLER, NOW)
    (record,) = change.records
    assert (record.caller, record.wave_number, record.warehouse_id) == (CALLER, "WAVE-2024-00001", "WH-01")
    assert (record.sequence, record.version, record.occurred_at) == (7, 8, NOW)


def test_the_wave_an_order_leaves_is_still_told() -> None:
    """The event that takes an order out of its wave names that wave."""
    order = order_in(OrderStatus.PENDING_RETRY, wave_id="WAVE-2024-00001", destination_id="PACK-1")
    change = failures.reset(order, CALLER, NOW)
    assert change.order.wave_id is None
    assert change.records[0].wave_number == "WAVE-2024-00001"


@pytest.mark.parametrize(("name", "key"), [("order_id", "orderId"), ("type", "type"), ("a_b_c", "aBC")])
def test_python_names_become_json_names(name: str, key: str) -> None:
    """`order_id` is `orderId` on the wire."""
    assert camel_case(name) == key
