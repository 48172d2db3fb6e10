"""The HTTP transcoder: one conversion between JSON and messages for every call, by the descriptors."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.type.money_pb2 import Money
from tests.support.builders.requests import address, create_order, item

from wms.orders.v1 import (
    dead_letters_pb2,
    fulfillment_pb2,
    order_pb2,
    orders_pb2,
    reprocessing_pb2,
    storage_pb2,
)
from wms_core.domain.errors import InvalidFields
from wms_server.calls.error_status import to_status
from wms_server.calls.validation import MAX_FIELD_ERRORS
from wms_server.http.bindings import get_bindings
from wms_server.http.field_errors import FieldErrorCollector
from wms_server.http.json_decoding import JsonDecoder
from wms_server.http.json_encoding import encode_json, message_to_json, status_to_json
from wms_server.http.json_parser import parse_json
from wms_server.http.transcoder import HttpRequestData, HttpTranscoder

_SERVICES = {
    service.name: service
    for module in (dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
}
_CALLS = {method.name: method for service in _SERVICES.values() for method in service.methods}


def has_body(call: MethodDescriptor) -> bool:
    """Return whether one of the call's bindings has a body."""
    return any(binding.body_field for binding in get_bindings(call))


def create_transcoder(rpc: str, number: int = 0, currency: str = "USD") -> HttpTranscoder:
    """Return the transcoder of one of an rpc's bindings."""
    return HttpTranscoder(list(get_bindings(_CALLS[rpc]))[number], currency)


def build_request(
    rpc: str,
    body: str | None = None,
    *values: str,
    query: str = "",
    headers: dict[str, str] | None = None,
    **options: Any,
) -> Any:
    """Return the request message of an rpc."""
    parsed = None if body is None else parse_json(body.encode())
    http_request = HttpRequestData(
        tuple(value.encode() for value in values), query.encode(), parsed, headers or {}
    )
    return create_transcoder(rpc, **options).build_request(http_request).request_message


def field_errors(rpc: str, *arguments: Any, **options: Any) -> dict[str, str]:
    """Return the errors of an invalid request, by field."""
    with pytest.raises(InvalidFields) as caught:
        build_request(rpc, *arguments, **options)
    return {error.field: error.error_description for error in caught.value.field_errors}


def order_json(**changes: Any) -> str:
    """Return the JSON of an order with changed members."""
    return json.dumps({**message_to_json(create_order()), **changes})


# Parsing


def test_order_of_the_specification_is_parsed() -> None:
    """It has camelCase names, words for enums, times, and a plain price."""
    body = """{"customerId": "CUST-001", "priority": "same_day", "promisedDeliveryAt": "2024-12-27T17:00:00Z",
        "items": [{"sku": "SKU-001", "quantity": 2, "unitPrice": 29.99}],
        "shippingAddress": {"street": "123 Main St", "city": "New York", "country": "US"}}"""
    expected = create_order(priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
    expected.promised_delivery_at.FromJsonString("2024-12-27T17:00:00Z")
    assert build_request("CreateOrder", body) == expected


@pytest.mark.parametrize(
    ("text", "units", "nanos"),
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
def test_plain_price_is_exact(text: str, units: int, nanos: int) -> None:
    """It never passes through a float. The currency is the default one."""
    body = f'{{"items": [{{"unitPrice": {text}}}]}}'
    price = build_request("CreateOrder", body, currency="EUR").items[0].unit_price
    assert price == Money(currency_code="EUR", units=units, nanos=nanos)


@pytest.mark.parametrize(
    "text",
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
def test_invalid_price_is_rejected_with_its_path(text: str) -> None:
    """Numbers of any size are rejected without delay."""
    body = f'{{"items": [{{}}, {{"unitPrice": {text}}}]}}'
    assert "items[1].unitPrice" in field_errors("CreateOrder", body)


@pytest.mark.parametrize("text", ["2", "2.0", '"2"', "2e0", "0.2e1", '"2.0"'])
def test_integer_is_parsed_in_every_form_of_proto_json(text: str) -> None:
    """The forms are numbers and strings, with a decimal point or an exponent."""
    assert build_request("CreateOrder", f'{{"items": [{{"quantity": {text}}}]}}').items[0].quantity == 2


@pytest.mark.parametrize(
    "text", ["2.5", '"x"', "true", "3000000000", "1e30", "9" * 50, "9" * 5000, "{}", '""', "1e-999999"]
)
def test_invalid_integer_is_rejected(text: str) -> None:
    """This includes a number beyond every integer type."""
    body = f'{{"items": [{{"quantity": {text}}}]}}'
    assert "items[0].quantity" in field_errors("CreateOrder", body)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("picking", "PICKING"),
        ("shipping", "PACKING"),
        ("ORDER_STATUS_PICKING", "PICKING"),
        ("received", "RECEIVED"),
    ],
)
def test_enum_is_parsed_by_its_word(word: str, status: str) -> None:
    """`shipping` of the specification means `packing`. Names of the contract are accepted, too."""
    request = build_request(
        "MoveToDeadLetterQueue", f'{{"failureStatus": "{word}", "failureReason": "x"}}', "ORD-1"
    )
    assert request.failure_status == order_pb2.OrderStatus.Value(f"ORDER_STATUS_{status}")


def test_error_of_an_unknown_word_lists_the_words() -> None:
    """The caller does not have to look them up."""
    errors = field_errors("CreateOrder", order_json(priority="urgent"))
    assert errors == {"priority": "must be one of same_day, next_day, standard"}


def test_error_of_an_unknown_field_has_a_suggestion() -> None:
    """Without a similar field, the error lists all fields."""
    errors = field_errors("CreateOrder", order_json(custmerId="x", zzz=1))
    assert "customerId" in errors["custmerId"]
    assert "shippingAddress" in errors["zzz"]


def test_all_errors_and_violations_are_reported_at_once() -> None:
    """Rules of unparsed values are not checked."""
    body = order_json(items=[{"sku": 5, "quantity": 0}, 7], priority="urgent", shippingAddress={"city": "X"})
    assert set(field_errors("CreateOrder", body)) == {
        "priority",
        "items[0].sku",
        "items[0].quantity",
        "items[1]",
        "shippingAddress.street",
        "shippingAddress.country",
    }


def test_number_of_reported_errors_is_limited() -> None:
    """Parsing stops after a hundred errors."""
    assert len(field_errors("CreateOrder", json.dumps({f"x{n}": 1 for n in range(1000)}))) == MAX_FIELD_ERRORS


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
def test_unparsable_value_is_reported_with_its_path(body: str, field: str) -> None:
    """The path has the names that the caller used."""
    assert field in field_errors("CreateOrder", body)


def test_each_invalid_array_element_is_reported() -> None:
    """This includes texts and words. Their replacement values cause no further errors."""
    assert set(field_errors("BatchGetOrders", '{"orderIds": ["0", 0, false, "-"]}')) == {
        "orderIds[1]",
        "orderIds[2]",
        "orderIds[3]",
    }
    assert set(field_errors("ListOrders", None, query="status=lost&status=found&status=received")) == {
        "status[0]",
        "status[1]",
    }


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
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
def test_time_is_parsed_with_nanoseconds(text: str, seconds: int, nanos: int) -> None:
    """The time may have any offset."""
    timestamp = build_request("CreateOrder", f'{{"promisedDeliveryAt": "{text}"}}').promised_delivery_at
    assert (timestamp.seconds, timestamp.nanos) == (seconds, nanos)


def test_null_means_absent() -> None:
    """This is the rule of proto JSON."""
    assert build_request("CreateOrder", '{"customerId": null, "items": null, "priority": null}') == (
        orders_pb2.CreateOrderRequest()
    )


# Sources of the fields


def test_path_variable_sets_a_field() -> None:
    """The field may be nested in a message."""
    assert build_request("GetOrder", None, "ORD-1").order_id == "ORD-1"
    request = build_request("PutLane", '{"zone": "A"}', "LANE-1")
    assert request.lane == storage_pb2.Lane(lane_id="LANE-1", zone="A")


def test_body_must_agree_with_the_path() -> None:
    """A contradiction is rejected."""
    assert build_request("CancelOrder", '{"orderId": "ORD-1"}', "ORD-1").order_id == "ORD-1"
    assert set(field_errors("CancelOrder", '{"orderId": "ORD-2"}', "ORD-1")) == {"orderId"}


def test_query_sets_the_other_fields() -> None:
    """It has repeated fields, both names of a field, times, booleans and numbers."""
    query = (
        "status=received&status=picking&priority=same_day&customer_id=C%201&pageSize=5"
        "&overdueOnly=true&createdAfter=2024-01-01T00:00:00Z"
    )
    request = build_request("ListOrders", query=query)
    assert request.statuses == [order_pb2.ORDER_STATUS_RECEIVED, order_pb2.ORDER_STATUS_PICKING]
    assert request.priorities == [order_pb2.ORDER_PRIORITY_SAME_DAY]
    assert (request.customer_id, request.page_size, request.overdue_only) == ("C 1", 5, True)
    assert request.created_after.ToJsonString() == "2024-01-01T00:00:00Z"


def test_query_sets_optional_fields_to_false_or_zero() -> None:
    """False is not the same as absent."""
    request = build_request("ListDeadLetterEntries", query="resolved=false&limit=0&olderThanHours=1.5")
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
def test_invalid_parameter_is_reported(query: str, field: str) -> None:
    """The error has the cause."""
    assert field in field_errors("ListOrders", query=query)


def test_call_with_a_full_body_accepts_no_parameters() -> None:
    """A call also accepts no parameter for its path variable or an alternative of it."""
    assert "reason" in field_errors("CancelOrder", "{}", "ORD-1", query="reason=x")
    assert "orderId" in field_errors("GetOrder", None, "ORD-1", query="orderId=ORD-2")
    assert "entryId" in field_errors("GetDeadLetterEntry", None, "ORD-1", query="entryId=E-1")


def test_query_sets_the_fields_beside_a_one_field_body() -> None:
    """A mask may have camelCase or snake_case names."""
    body = '{"priority": "same_day"}'
    request = build_request(
        "UpdateOrder", body, "ORD-1", query="updateMask=priority,shippingAddress,promised_delivery_at"
    )
    assert request.order.priority == order_pb2.ORDER_PRIORITY_SAME_DAY
    assert request.update_mask.paths == ["priority", "shipping_address", "promised_delivery_at"]


def test_error_paths_of_a_one_field_body_start_in_the_body() -> None:
    """The caller sent no `order`."""
    assert "items[0].quantity" in field_errors("UpdateOrder", '{"items": [{"quantity": "x"}]}', "ORD-1")


def test_headers_set_fields() -> None:
    """The headers are the idempotency key, with or without quotes, and the etag."""
    headers = {"idempotency-key": '"key-1"', "if-match": '"3"'}
    request = build_request("CancelOrder", "{}", "ORD-1", headers=headers)
    assert (request.request_id, request.etag) == ("key-1", '"3"')
    assert build_request("CancelOrder", None, "ORD-1", headers={"if-match": "*"}).etag == ""
    assert set(
        field_errors("CancelOrder", '{"requestId": "a"}', "ORD-1", headers={"idempotency-key": "b"})
    ) == {"requestId"}


def test_last_event_id_overrides_the_position() -> None:
    """A browser reconnects with the same query."""
    request = build_request("WatchOrders", query="position=3", headers={"last-event-id": "7"})
    assert request.position == 7


# Encoding


def test_order_has_the_form_of_the_specification() -> None:
    """It has words, times, and money with units as text. Absent values have no key."""
    order = order_pb2.Order(
        order_id="ORD-1",
        status=order_pb2.ORDER_STATUS_PICKING,
        items=[item()],
        shipping_address=address(),
    )
    order.created_at.FromJsonString("2024-01-15T08:00:00Z")
    encoded = message_to_json(order)
    assert encoded["status"] == "picking"
    assert encoded["createdAt"] == "2024-01-15T08:00:00Z"
    assert encoded["items"][0]["unitPrice"] == {"currencyCode": "USD", "units": "29", "nanos": 990_000_000}
    assert (encoded["retryCount"], encoded["overdue"], encoded["shipments"]) == (0, False, [])
    assert not {"failedStatus", "nextRetryAt", "promisedDeliveryAt"} & set(encoded)


def test_counts_are_numbers() -> None:
    """The specification has numbers, although the fields have 64 bits."""
    response = dead_letters_pb2.GetDeadLetterStatsResponse(total_entries=42, by_failure_status={"picking": 8})
    assert encode_json(message_to_json(response)) == (
        b'{"totalEntries":42,"unresolvedCount":0,"resolvedCount":0,"byFailureStatus":{"picking":8},'
        b'"byResolution":{}}'
    )


def test_response_is_the_bare_field_of_the_binding() -> None:
    """The binding names the field."""
    response = orders_pb2.GetOrderResponse(order=order_pb2.Order(order_id="ORD-1")).SerializeToString()
    assert create_transcoder("GetOrder").encode_response(response)["orderId"] == "ORD-1"


def _fill(message: Message, depth: int = 0) -> Message:
    """Set every field to a value that is not its default."""
    for field in message.DESCRIPTOR.fields:
        kind = field.message_type
        if kind is not None and (kind.full_name.startswith("google.") or depth > 3):
            continue
        field_value = getattr(message, field.name)
        if kind is not None and kind.GetOptions().map_entry:
            field_value["word"] = 3
        elif kind is not None:
            _fill(field_value.add() if field.is_repeated else field_value, depth + 1)
        else:
            value: Any = {field.CPPTYPE_STRING: "text", field.CPPTYPE_BOOL: True}.get(field.cpp_type, 1)
            if field.is_repeated:
                field_value.append(value)
            else:
                setattr(message, field.name, value)
    return message


@pytest.mark.parametrize("rpc", [name for name in _CALLS if list(get_bindings(_CALLS[name]))])
def test_every_request_round_trips(rpc: str) -> None:
    """The test covers all present and future calls of the contract."""
    kind = GetMessageClass(_CALLS[rpc].input_type)
    original, decoded = _fill(kind()), kind()
    collector = FieldErrorCollector()
    JsonDecoder("USD", collector).decode_message(
        decoded, parse_json(encode_json(message_to_json(original))), ""
    )
    assert collector.field_errors == []
    assert decoded == original


# Legal JSON that is no legal Unicode


def documents_with_unpaired_surrogates(kind: Descriptor, depth: int = 4) -> Iterator[Any]:
    """Yield documents with an unpaired surrogate as a key or a value, at every position."""
    surrogate = "\ud800"
    yield {surrogate: 1}
    yield {surrogate: {surrogate: surrogate}}
    for field in kind.fields:
        for value in (surrogate, [surrogate], {surrogate: surrogate}, [{surrogate: surrogate}]):
            yield {field.json_name: value}
        if field.message_type is not None and depth:
            for nested_document in documents_with_unpaired_surrogates(field.message_type, depth - 1):
                yield {field.json_name: [nested_document] if field.is_repeated else nested_document}


@pytest.mark.parametrize("rpc", [name for name, call in _CALLS.items() if has_body(call)])
def test_unpaired_surrogate_is_rejected_everywhere(rpc: str) -> None:
    """It may be in a key or a value. The error can be sent and shows the received text."""
    binding = next(candidate for candidate in get_bindings(_CALLS[rpc]) if candidate.body_field)
    kind = _CALLS[rpc].input_type
    if binding.body_field != "*":
        body_kind = kind.fields_by_name[binding.body_field].message_type
        assert body_kind is not None
        kind = body_kind
    values = tuple(b"X-1" for _ in binding.path_template.variable_names)
    for document in documents_with_unpaired_surrogates(kind):
        body = parse_json(json.dumps(document).encode())
        try:
            transcoded = HttpTranscoder(binding, "USD").build_request(HttpRequestData(values, b"", body, {}))
        except InvalidFields as error_response:
            errors = [error_response]
        else:
            # Batch elements are rejected one by one.
            errors = list(transcoded.errors_by_element.values())
        assert errors, document
        for error in errors:
            encode_json(status_to_json(to_status(error)))


def test_key_with_an_unpaired_surrogate_is_shown() -> None:
    """The error shows its JSON escape."""
    assert "\\ud800x" in field_errors("CreateOrder", '{"\\ud800x": 1}')
