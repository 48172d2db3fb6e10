"""Between HTTP and messages: one way for every call, by the descriptors."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.type.money_pb2 import Money

from tests.support.requests import address, create_order, item
from wms.orders.v1 import (
    dead_letters_pb2,
    fulfillment_pb2,
    order_pb2,
    orders_pb2,
    reprocessing_pb2,
    storage_pb2,
)
from wms_core.domain.errors import InvalidFields
from wms_server.errors import status_of
from wms_server.http.bindings import bindings_of
from wms_server.http.faults import Faults
from wms_server.http.json_reading import Reading
from wms_server.http.json_text import parse_json
from wms_server.http.json_writing import status_json, to_bytes, to_json
from wms_server.http.transcoding import Asked, Transcoder
from wms_server.validation import MAX_FAULTS

_SERVICES = {
    service.name: service
    for module in (dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
}
_CALLS = {method.name: method for service in _SERVICES.values() for method in service.methods}


def has_body(call: MethodDescriptor) -> bool:
    """Say whether a call takes a body by one of its paths."""
    return any(binding.body for binding in bindings_of(call))


def transcoder(rpc: str, number: int = 0, currency: str = "USD") -> Transcoder:
    """Give that of one of an rpc's bindings."""
    return Transcoder(list(bindings_of(_CALLS[rpc]))[number], currency)


def read(
    rpc: str,
    body: str | None = None,
    *values: str,
    query: str = "",
    headers: dict[str, str] | None = None,
    **options: Any,
) -> Any:
    """Give the request that an rpc gets."""
    parsed = None if body is None else parse_json(body.encode())
    asked = Asked(tuple(value.encode() for value in values), query.encode(), parsed, headers or {})
    return transcoder(rpc, **options).request(asked).message


def faults(rpc: str, *arguments: Any, **named: Any) -> dict[str, str]:
    """Give the faults of a request that has to have some, by field."""
    with pytest.raises(InvalidFields) as caught:
        read(rpc, *arguments, **named)
    return {fault.field: fault.description for fault in caught.value.faults}


def order_json(**changes: Any) -> str:
    """Give the JSON of an order, with these members in place of its own."""
    return json.dumps({**to_json(create_order()), **changes})


# What is read


def test_the_documents_order_is_read() -> None:
    """camelCase, enums by their words, times, and a plain price."""
    body = """{"customerId": "CUST-001", "priority": "same_day", "promisedDeliveryAt": "2024-12-27T17:00:00Z",
        "items": [{"sku": "SKU-001", "quantity": 2, "unitPrice": 29.99}],
        "shippingAddress": {"street": "123 Main St", "city": "New York", "country": "US"}}"""
    wanted = create_order(priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
    wanted.promised_delivery_at.FromJsonString("2024-12-27T17:00:00Z")
    assert read("CreateOrder", body) == wanted


@pytest.mark.parametrize(
    ("written", "units", "nanos"),
    [
        ("29.99", 29, 990_000_000),
        ("0.1", 0, 100_000_000),
        ("5", 5, 0),
        ("1e2", 100, 0),
        ("0.000000001", 0, 1),
        ("999999999999999999.999999999", 999_999_999_999_999_999, 999_999_999),
        ('"29.99"', 29, 990_000_000),
        ("-1.5", -1, -500_000_000),
    ],
)
def test_a_plain_price_is_exact(written: str, units: int, nanos: int) -> None:
    """It never is a float; the currency is the default one."""
    body = f'{{"items": [{{"unitPrice": {written}}}]}}'
    found = read("CreateOrder", body, currency="EUR").items[0].unit_price
    assert found == Money(currency_code="EUR", units=units, nanos=nanos)


@pytest.mark.parametrize(
    "written",
    [
        "1e400",
        "-1e400",
        "1e999999999",
        "1e99999999999999999999",
        "NaN",
        "Infinity",
        "1e-10",
        "1e18",
        "9999999999999999999",
        "true",
        '"x"',
        "[]",
    ],
)
def test_what_is_no_price_is_refused_by_its_path(written: str) -> None:
    """In any size, and at once."""
    body = f'{{"items": [{{}}, {{"unitPrice": {written}}}]}}'
    assert "items[1].unitPrice" in faults("CreateOrder", body)


@pytest.mark.parametrize("written", ["2", "2.0", '"2"', "2e0", "0.2e1", '"2.0"'])
def test_a_whole_number_is_read_in_every_form_of_proto_json(written: str) -> None:
    """As a number or a string, with a point or an exponent."""
    assert read("CreateOrder", f'{{"items": [{{"quantity": {written}}}]}}').items[0].quantity == 2


@pytest.mark.parametrize(
    "written", ["2.5", '"x"', "true", "3000000000", "1e30", "9" * 50, "9" * 5000, "{}", '""', "1e-999999"]
)
def test_what_is_no_whole_number_is_refused(written: str) -> None:
    """Also one that is too large for anything."""
    body = f'{{"items": [{{"quantity": {written}}}]}}'
    assert "items[0].quantity" in faults("CreateOrder", body)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("picking", "PICKING"),
        ("shipping", "PACKING"),
        ("ORDER_STATUS_PICKING", "PICKING"),
        ("received", "RECEIVED"),
    ],
)
def test_an_enum_is_read_by_its_word(word: str, status: str) -> None:
    """The document's `shipping` is `packing`; the contract's own names are understood too."""
    request = read("MoveToDeadLetterQueue", f'{{"failureStatus": "{word}", "failureReason": "x"}}', "ORD-1")
    assert request.failure_status == order_pb2.OrderStatus.Value(f"ORDER_STATUS_{status}")


def test_a_word_that_is_none_is_answered_with_those_that_are() -> None:
    """So that nobody has to look them up."""
    found = faults("CreateOrder", order_json(priority="urgent"))
    assert found == {"priority": "must be one of same_day, next_day, standard"}


def test_a_field_that_is_none_is_named_with_the_one_that_may_be_meant() -> None:
    """Or with all there are, when none is like it."""
    found = faults("CreateOrder", order_json(custmerId="x", zzz=1))
    assert "customerId" in found["custmerId"]
    assert "shippingAddress" in found["zzz"]


def test_all_faults_are_told_at_once_also_broken_rules() -> None:
    """But not the rules of what could not be read."""
    body = order_json(items=[{"sku": 5, "quantity": 0}, 7], priority="urgent", shippingAddress={"city": "X"})
    assert set(faults("CreateOrder", body)) == {
        "priority",
        "items[0].sku",
        "items[0].quantity",
        "items[1]",
        "shippingAddress.street",
        "shippingAddress.country",
    }


def test_a_body_of_nothing_but_faults_is_not_read_to_its_end() -> None:
    """A hundred are enough for everybody."""
    assert len(faults("CreateOrder", json.dumps({f"x{n}": 1 for n in range(1000)}))) == MAX_FAULTS


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"customerId": "a", "customerId": "b"}', "customerId"),
        ('{"customerId": "a", "customer_id": "b"}', "customer_id"),
        ('{"items": [{"sku": "a", "sku": "a"}]}', "items[0].sku"),
        ('{"items": {}}', "items"),
        ('{"items": [null]}', "items[0]"),
        ('{"shippingAddress": []}', "shippingAddress"),
        ('{"customerId": 5}', "customerId"),
        ('{"customerId": "\\ud800"}', "customerId"),
        ('{"allowPartial": "yes"}', "allowPartial"),
        ('{"promisedDeliveryAt": "tomorrow"}', "promisedDeliveryAt"),
        ('{"promisedDeliveryAt": 5}', "promisedDeliveryAt"),
        ('{"promisedDeliveryAt": "2024-13-01T00:00:00Z"}', "promisedDeliveryAt"),
        ("[]", "body"),
        ("5", "body"),
    ],
)
def test_what_can_not_be_read_is_named_by_its_path(body: str, field: str) -> None:
    """As the caller wrote it."""
    assert field in faults("CreateOrder", body)


def test_each_wrong_element_of_an_array_is_named_and_nothing_else_is() -> None:
    """Also of text and of words; what stands in for them breaks no rule of its own."""
    assert set(faults("BatchGetOrders", '{"orderIds": ["0", 0, false, "-"]}')) == {
        "orderIds[1]",
        "orderIds[2]",
        "orderIds[3]",
    }
    assert set(faults("ListOrders", None, query="status=lost&status=found&status=received")) == {
        "status[0]",
        "status[1]",
    }


@pytest.mark.parametrize(
    ("written", "seconds", "nanos"),
    [
        ("2024-12-27T17:00:00Z", 1_735_318_800, 0),
        ("2024-12-27T18:00:00+01:00", 1_735_318_800, 0),
        ("2024-12-27T17:00:00.123456Z", 1_735_318_800, 123_456_000),
        ("2024-12-27T17:00:00.5Z", 1_735_318_800, 500_000_000),
        ("2024-12-27T17:00:00.123456789-00:30", 1_735_320_600, 123_456_789),
        ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
        ("9999-12-31T23:59:59Z", 253_402_300_799, 0),
    ],
)
def test_a_time_is_read_to_the_nanosecond(written: str, seconds: int, nanos: int) -> None:
    """With any offset."""
    found = read("CreateOrder", f'{{"promisedDeliveryAt": "{written}"}}').promised_delivery_at
    assert (found.seconds, found.nanos) == (seconds, nanos)


def test_null_is_the_same_as_nothing() -> None:
    """As proto JSON has it."""
    assert read("CreateOrder", '{"customerId": null, "items": null, "priority": null}') == (
        orders_pb2.CreateOrderRequest()
    )


# Where it is read from


def test_a_path_variable_is_a_field() -> None:
    """Also one within a message."""
    assert read("GetOrder", None, "ORD-1").order_id == "ORD-1"
    request = read("PutLane", '{"zone": "A"}', "LANE-1")
    assert request.lane == storage_pb2.Lane(lane_id="LANE-1", zone="A")


def test_a_body_may_repeat_the_path_and_not_contradict_it() -> None:
    """Nobody wonders which of the two counts."""
    assert read("CancelOrder", '{"orderId": "ORD-1"}', "ORD-1").order_id == "ORD-1"
    assert set(faults("CancelOrder", '{"orderId": "ORD-2"}', "ORD-1")) == {"orderId"}


def test_a_query_fills_the_rest() -> None:
    """Repeated fields by repetition, under both names of a field, with times, truths and numbers."""
    query = (
        "status=received&status=picking&priority=same_day&customer_id=C%201&pageSize=5"
        "&overdueOnly=true&createdAfter=2024-01-01T00:00:00Z"
    )
    request = read("ListOrders", query=query)
    assert request.statuses == [order_pb2.ORDER_STATUS_RECEIVED, order_pb2.ORDER_STATUS_PICKING]
    assert request.priorities == [order_pb2.ORDER_PRIORITY_SAME_DAY]
    assert (request.customer_id, request.page_size, request.overdue_only) == ("C 1", 5, True)
    assert request.created_after.ToJsonString() == "2024-01-01T00:00:00Z"


def test_what_is_optional_is_set_by_a_query_also_to_nothing() -> None:
    """False is not absent."""
    request = read("ListDeadLetterEntries", query="resolved=false&limit=0&olderThanHours=1.5")
    assert request.HasField("resolved")
    assert not request.resolved
    assert request.HasField("limit")
    assert request.older_than_hours == 1.5


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("colour=red", "colour"),
        ("pageSize=1&pageSize=2", "pageSize"),
        ("pageSize=1&page_size=2", "pageSize"),
        ("pageSize=one", "pageSize"),
        ("overdueOnly=maybe", "overdueOnly"),
        ("status=urgent", "status[0]"),
        ("customerId.x=1", "customerId.x"),
        ("customerId=%ff", "query"),
    ],
)
def test_a_parameter_that_is_none_is_named(query: str, field: str) -> None:
    """With what is wrong with it."""
    assert field in faults("ListOrders", query=query)


def test_a_call_whose_request_is_its_body_takes_no_parameters() -> None:
    """And one takes no parameter for what its path says, or in another form of the same."""
    assert "reason" in faults("CancelOrder", "{}", "ORD-1", query="reason=x")
    assert "orderId" in faults("GetOrder", None, "ORD-1", query="orderId=ORD-2")
    assert "entryId" in faults("GetDeadLetterEntry", None, "ORD-1", query="entryId=E-1")


def test_a_body_that_is_one_field_leaves_the_others_to_the_query() -> None:
    """A mask has camelCase or not."""
    body = '{"priority": "same_day"}'
    request = read(
        "UpdateOrder", body, "ORD-1", query="updateMask=priority,shippingAddress,promised_delivery_at"
    )
    assert request.order.priority == order_pb2.ORDER_PRIORITY_SAME_DAY
    assert request.update_mask.paths == ["priority", "shipping_address", "promised_delivery_at"]


def test_faults_within_such_a_body_begin_there() -> None:
    """The caller sent no `order`."""
    assert "items[0].quantity" in faults("UpdateOrder", '{"items": [{"quantity": "x"}]}', "ORD-1")


def test_headers_say_what_fields_say() -> None:
    """The key of a repetition, with or without quotes, and the etag, which has its own."""
    headers = {"idempotency-key": '"key-1"', "if-match": '"3"'}
    request = read("CancelOrder", "{}", "ORD-1", headers=headers)
    assert (request.request_id, request.etag) == ("key-1", '"3"')
    assert read("CancelOrder", None, "ORD-1", headers={"if-match": "*"}).etag == ""
    assert set(faults("CancelOrder", '{"requestId": "a"}', "ORD-1", headers={"idempotency-key": "b"})) == {
        "requestId"
    }


def test_the_last_event_counts_more_than_where_the_stream_began() -> None:
    """A browser asks with the same query again."""
    request = read("WatchOrders", query="position=3", headers={"last-event-id": "7"})
    assert request.position == 7


# What is written


def test_an_order_is_written_as_the_document_shows_orders() -> None:
    """Words, times, money as an object whose units are text; what is absent has no key."""
    order = order_pb2.Order(
        order_id="ORD-1",
        status=order_pb2.ORDER_STATUS_PICKING,
        items=[item()],
        shipping_address=address(),
    )
    order.created_at.FromJsonString("2024-01-15T08:00:00Z")
    written = to_json(order)
    assert written["status"] == "picking"
    assert written["createdAt"] == "2024-01-15T08:00:00Z"
    assert written["items"][0]["unitPrice"] == {"currencyCode": "USD", "units": "29", "nanos": 990_000_000}
    assert (written["retryCount"], written["overdue"], written["shipments"]) == (0, False, [])
    assert not {"failedStatus", "nextRetryAt", "promisedDeliveryAt"} & set(written)


def test_counts_are_numbers() -> None:
    """As the document shows them, though they have 64 bits."""
    answer = dead_letters_pb2.GetDeadLetterStatsResponse(total_entries=42, by_failure_status={"picking": 8})
    assert to_bytes(to_json(answer)) == (
        b'{"totalEntries":42,"unresolvedCount":0,"resolvedCount":0,"byFailureStatus":{"picking":8},'
        b'"byResolution":{}}'
    )


def test_the_field_that_is_the_answer_comes_bare() -> None:
    """The binding says which."""
    answer = orders_pb2.GetOrderResponse(order=order_pb2.Order(order_id="ORD-1")).SerializeToString()
    assert transcoder("GetOrder").answer(answer)["orderId"] == "ORD-1"


def _filled(message: Message, depth: int = 0) -> Message:
    """Set every field to something that is not its default."""
    for field in message.DESCRIPTOR.fields:
        kind = field.message_type
        if kind is not None and (kind.full_name.startswith("google.") or depth > 3):
            continue
        held = getattr(message, field.name)
        if kind is not None and kind.GetOptions().map_entry:
            held["word"] = 3
        elif kind is not None:
            _filled(held.add() if field.is_repeated else held, depth + 1)
        else:
            value: Any = {field.CPPTYPE_STRING: "text", field.CPPTYPE_BOOL: True}.get(field.cpp_type, 1)
            if field.is_repeated:
                held.append(value)
            else:
                setattr(message, field.name, value)
    return message


@pytest.mark.parametrize("rpc", [name for name in _CALLS if list(bindings_of(_CALLS[name]))])
def test_every_request_is_written_and_read_again_as_it_was(rpc: str) -> None:
    """Whatever the contract comes to contain."""
    kind = GetMessageClass(_CALLS[rpc].input_type)
    written, again = _filled(kind()), kind()
    faults = Faults()
    Reading("USD", faults).message(again, parse_json(to_bytes(to_json(written))), "")
    assert faults.found == []
    assert again == written


# Text that is legal JSON and not legal Unicode


def half_surrogates(kind: Descriptor, depth: int = 4) -> Iterator[Any]:
    """Yield documents with half of a surrogate pair in place of a key or a value, at every place."""
    half = "\ud800"
    yield {half: 1}
    yield {half: {half: half}}
    for field in kind.fields:
        for value in (half, [half], {half: half}, [{half: half}]):
            yield {field.json_name: value}
        if field.message_type is not None and depth:
            for inner in half_surrogates(field.message_type, depth - 1):
                yield {field.json_name: [inner] if field.is_repeated else inner}


@pytest.mark.parametrize("rpc", [name for name, call in _CALLS.items() if has_body(call)])
def test_half_a_surrogate_pair_is_refused_wherever_it_is(rpc: str) -> None:
    """In keys and in values; the error can be sent, and shows what was received."""
    binding = next(one for one in bindings_of(_CALLS[rpc]) if one.body)
    kind = _CALLS[rpc].input_type
    if binding.body != "*":
        body_kind = kind.fields_by_name[binding.body].message_type
        assert body_kind is not None
        kind = body_kind
    values = tuple(b"X-1" for _ in binding.template.variables)
    for document in half_surrogates(kind):
        body = parse_json(json.dumps(document).encode())
        try:
            transcoded = Transcoder(binding, "USD").request(Asked(values, b"", body, {}))
        except InvalidFields as refused:
            errors = [refused]
        else:
            # The elements of a batch are refused one by one.
            errors = list(transcoded.refused.values())
        assert errors, document
        for error in errors:
            to_bytes(status_json(status_of(error)))


def test_a_key_that_is_no_text_is_shown() -> None:
    """As JSON wrote it."""
    assert "\\ud800x" in faults("CreateOrder", '{"\\ud800x": 1}')
