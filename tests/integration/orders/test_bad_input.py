"""Bad input over gRPC: all field errors at once, both sides of each limit, and no partial writes."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import (
    dead_letter_order,
    domain_status_of,
    place_order,
    read_order,
    receive_stock,
)
from tests.support.builders.requests import address, create_order, item, receive
from tests.support.clients.errors import expect_failure, parse_failure
from tests.support.clients.grpc_api import Api
from tests.support.clients.raw_calls import ORDERS, call_raw, encode_field, expect_raw_failure, pad_message
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.tables import count_table_rows
from wms.orders.v1 import dead_letters_pb2, order_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_core.domain.orders.status import OrderStatus
from wms_server.limits.request_limits import MAX_REQUEST_BYTES

Request = orders_pb2.CreateOrderRequest


@pytest.fixture
async def unchanged_rows(sql: SqlConnection) -> AsyncIterator[None]:
    """Assert that a test with only bad input leaves the number of rows unchanged."""
    before = await count_table_rows(sql)
    yield
    assert await count_table_rows(sql) == before


async def expect_field_errors(call: Any) -> dict[str, str]:
    """Make a call that must fail on its fields. Return the errors by field."""
    failure = await expect_failure(call)
    assert (failure.status_code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert all(failure.violations_by_field.values())
    return failure.violations_by_field


# One field error at a time, by the path of the field

_LONG_TEXT = "x" * 10_000
_REQUESTS_BY_TEXT_FIELD: dict[str, Callable[[str], Request]] = {
    "customer_id": lambda text: create_order(customer_id=text),
    "items[0].sku": lambda text: create_order(items=[item(text)]),
    "shipping_address.street": lambda text: create_order(shipping_address=address(street=text)),
    "shipping_address.city": lambda text: create_order(shipping_address=address(city=text)),
    "shipping_address.state": lambda text: create_order(shipping_address=address(state=text)),
    "shipping_address.zip_code": lambda text: create_order(shipping_address=address(zip_code=text)),
    "shipping_address.recipient_name": lambda text: create_order(
        shipping_address=address(recipient_name=text)
    ),
    "shipping_address.phone": lambda text: create_order(shipping_address=address(phone=text)),
}
_REQUIRED_TEXT_FIELDS = ("customer_id", "items[0].sku", "shipping_address.street", "shipping_address.city")


@pytest.mark.usefixtures("unchanged_rows")
async def test_text_with_control_characters_or_over_256_characters_is_invalid(api: Api) -> None:
    """NUL, tab, line feed, escape, DEL and C1 controls; 257 and 10,000 characters."""
    for path, build_request in _REQUESTS_BY_TEXT_FIELD.items():
        for text in ("a\0b", "a\tb", "a\nb", "\x1b[31m", "\x7f", "a\x85b", "x" * 257, _LONG_TEXT, "é" * 257):
            assert list(await expect_field_errors(api.orders.CreateOrder(build_request(text)))) == [path], (
                repr(text[:20])
            )


@pytest.mark.usefixtures("unchanged_rows")
async def test_required_text_must_not_be_blank(api: Api) -> None:
    """Empty text and white space of any kind are invalid."""
    for path in _REQUIRED_TEXT_FIELDS:
        for text in ("", " ", "\u00a0\u2003"):
            assert list(
                await expect_field_errors(api.orders.CreateOrder(_REQUESTS_BY_TEXT_FIELD[path](text)))
            ) == [path], repr(text)


async def test_texts_of_256_characters_of_any_script_are_accepted(api: Api) -> None:
    """Characters are counted, not bytes, and the text is stored unchanged."""
    for path, build_request in _REQUESTS_BY_TEXT_FIELD.items():
        for text in ("x" * 256, "😀" * 256, "a\u202eb \u200d", "'; DROP TABLE orders; --", "\\u0000 \ufffd"):
            new_order = build_request(text)
            order = (await api.orders.CreateOrder(new_order)).order
            stored = await read_order(api, order.order_id)
            assert stored.customer_id == new_order.customer_id, path
            assert stored.shipping_address == new_order.shipping_address, path
            assert stored.items[0].sku == new_order.items[0].sku, path


_INVALID_REQUESTS: dict[str, list[Request]] = {
    "priority": [create_order(priority=number) for number in (0, 4, 99, -1, 2**31 - 1)],
    "items": [create_order(items=[]), create_order(items=[item() for _ in range(501)])],
    "items[0].quantity": [create_order(items=[item(quantity=q)]) for q in (0, -1, 1_000_001, -(2**31))],
    "items[0].unit_price": [
        create_order(items=[item(unit_price=price)])
        for price in (
            Money(currency_code="USD", units=-1),
            Money(currency_code="USD", nanos=-1),
            Money(currency_code="USD", units=1, nanos=1_000_000_000),
            Money(currency_code="XYZ", units=1),
            Money(currency_code="usd", units=1),
            Money(currency_code="", units=1),
            Money(currency_code="DEM", units=1),
        )
    ],
    "shipping_address": [
        Request(customer_id="C", priority=order_pb2.ORDER_PRIORITY_STANDARD, items=[item()])
    ],
    "shipping_address.country": [
        create_order(shipping_address=address(country=code)) for code in ("", "us", "USA", "XX", "UK", "U\n")
    ],
    "promised_delivery_at": [
        create_order(promised_delivery_at=Timestamp(seconds=seconds, nanos=nanos))
        for seconds, nanos in (
            (-62135596801, 0),
            (253402300800, 0),
            (2**62, 0),
            (0, -1),
            (0, 1_000_000_000),
        )
    ],
    "order_id": [create_order(order_id=name) for name in ("-a", ".a", "a b", "a/b", "é", "a" * 129, "a\n")],
    "warehouse_id": [create_order(warehouse_id=name) for name in ("_a", "a b", "a" * 129)],
    "request_id": [create_order(request_id=name) for name in (" ", "a b", "é", "a" * 129, "\n")],
}


@pytest.mark.usefixtures("unchanged_rows")
async def test_invalid_value_is_an_error_of_its_field(api: Api) -> None:
    """The error names the path in the request and no other field."""
    for path in sorted(_INVALID_REQUESTS):
        for request in _INVALID_REQUESTS[path]:
            assert set(await expect_field_errors(api.orders.CreateOrder(request))) == {path}, request


async def test_values_at_the_limits_are_accepted(api: Api) -> None:
    """The first and the last value of each range are stored unchanged."""
    for request in (
        create_order(items=[item(quantity=1), item(quantity=1_000_000)]),
        create_order(items=[item(unit_price=Money(currency_code="EUR"))]),
        create_order(items=[item(unit_price=Money(currency_code="XXX", units=2**63 - 1, nanos=999_999_999))]),
        create_order(promised_delivery_at=Timestamp(seconds=-62135596800)),
        create_order(promised_delivery_at=Timestamp(seconds=253402300799, nanos=999_999_000)),
        create_order(order_id="a"),
        create_order(order_id="9" + "._-" * 42 + "Z"),
    ):
        order = await read_order(api, (await api.orders.CreateOrder(request)).order.order_id)
        assert [(line.quantity, line.unit_price) for line in order.items] == [
            (line.quantity, line.unit_price) for line in request.items
        ]
        assert order.promised_delivery_at == request.promised_delivery_at
        assert request.order_id in ("", order.order_id)


@pytest.mark.parametrize("seconds", [-62135596800, 253402300799], ids=["first", "last"])
async def test_first_and_last_moment_of_the_calendar_are_processed(
    api: Api, fulfillment: Fulfillment, seconds: int, sql: SqlConnection
) -> None:
    """An accepted time can be read, listed and fulfilled, and other orders are not affected."""
    edge = Timestamp(seconds=seconds, nanos=0 if seconds < 0 else 999_999_000)
    await receive_stock(api)
    times: dict[str, Any] = {"produced_at": edge, "received_at": edge}
    received = await api.storage.ReceiveCarriers(receive(("C-EDGE", "B", 1), **times))
    assert received.carriers[0].produced_at == edge
    assert (await api.storage.ListCarriers(storage_pb2.ListCarriersRequest(sku="B"))).carriers
    order = await place_order(api, promised_delivery_at=edge, order_id="EDGE")
    assert order.overdue is (seconds < 0)
    other = await place_order(api)
    assert len((await api.orders.ListOrders(orders_pb2.ListOrdersRequest())).orders) == 2
    await fulfillment.deliver_all(api)
    for order_id in ("EDGE", other.order_id):
        assert domain_status_of(await read_order(api, order_id)) is OrderStatus.PACKING
    assert (await read_order(api, "EDGE")).promised_delivery_at == edge
    if seconds > 0:
        return
    await api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id="EDGE", carrier_code="U", tracking_number="1")
    )
    completed = await api.orders.CompleteOrder(
        orders_pb2.CompleteOrderRequest(order_id="EDGE", delivered_at=edge)
    )
    assert completed.order.delivered_at == edge == (await read_order(api, "EDGE")).delivered_at
    failure = reprocessing_pb2.IncrementRetryCountRequest(
        order_id=other.order_id, failure_reason="x", failed_at=edge
    )
    retry = (await api.reprocessing.IncrementRetryCount(failure)).retry
    assert retry.last_failed_at == retry.attempts[0].failed_at == edge
    assert (await read_order(api, other.order_id)).last_failed_at == edge
    await dead_letter_order(api, other.order_id)
    request = dead_letters_pb2.GetDeadLetterEntryRequest(order_id=other.order_id)
    entry = (await api.dead_letters.GetDeadLetterEntry(request)).entry
    assert entry.attempts[0].failed_at == entry.order_snapshot.last_failed_at == edge
    assert await sql.fetchval("SELECT count(*) FROM orders") == 2


async def test_order_has_at_most_five_hundred_items(api: Api, sql: SqlConnection) -> None:
    """At the limit all lines are stored. Above it the request writes nothing."""
    lines = [item(f"SKU-{number}", number) for number in range(1, 501)]
    order = (await api.orders.CreateOrder(create_order(items=lines))).order
    stored = await read_order(api, order.order_id)
    assert [(line.sku, line.quantity) for line in stored.items] == [
        (line.sku, line.quantity) for line in lines
    ]
    before = await count_table_rows(sql)
    assert list(await expect_field_errors(api.orders.CreateOrder(create_order(items=[*lines, item()])))) == [
        "items"
    ]
    update = orders_pb2.UpdateOrderRequest(order_id=order.order_id)
    update.order.items.extend([*lines, item()])
    assert list(await expect_field_errors(api.orders.UpdateOrder(update))) == ["order.items"]
    assert await count_table_rows(sql) == before


async def test_error_that_protovalidate_misses_fails_only_its_element(api: Api) -> None:
    """A time of minus one nanosecond is an error of one element, not of the batch."""
    invalid = create_order(promised_delivery_at=Timestamp(seconds=5, nanos=-1))
    response = await api.orders.BatchCreateOrders(
        orders_pb2.BatchCreateOrdersRequest(requests=[invalid, create_order()])
    )
    assert set(parse_failure(response.results[0].status).violations_by_field) == {"promised_delivery_at"}
    assert response.results[1].HasField("order")


# All field errors at once


@pytest.mark.usefixtures("unchanged_rows")
async def test_all_field_errors_of_a_request_are_returned_at_once(api: Api) -> None:
    """Each by its field: errors of every line, and errors that the rules of the protos miss."""
    request = create_order(
        customer_id="a\nb",
        priority=77,
        items=[item(quantity=0), item(), item("", -1, unit_price=Money(currency_code="XYZ", units=-1))],
        shipping_address=address(street="", country="xx", phone=_LONG_TEXT),
        promised_delivery_at=Timestamp(nanos=-5),
        order_id="-",
        warehouse_id="a b",
        request_id="a b",
    )
    assert set(await expect_field_errors(api.orders.CreateOrder(request))) == {
        "customer_id",
        "priority",
        "items[0].quantity",
        "items[2].sku",
        "items[2].quantity",
        "items[2].unit_price",
        "shipping_address.street",
        "shipping_address.country",
        "shipping_address.phone",
        "promised_delivery_at",
        "order_id",
        "warehouse_id",
        "request_id",
    }


@pytest.mark.usefixtures("unchanged_rows")
async def test_empty_request_names_every_required_field(api: Api) -> None:
    """An order has four of them."""
    assert set(await expect_field_errors(api.orders.CreateOrder(Request()))) == {
        "customer_id",
        "priority",
        "items",
        "shipping_address",
    }


@pytest.mark.usefixtures("unchanged_rows")
async def test_field_errors_beyond_the_trailer_size_are_counted(api: Api) -> None:
    """The trailer has as many errors as fit and the number of the others, so the error always arrives."""
    request = create_order(items=[item("\n" * 300, -1) for _ in range(500)])
    failure = await expect_failure(api.orders.CreateOrder(request))
    assert len(failure.violations_by_field) > 20
    assert "more errors" in failure.violations_by_field[""]
    assert len(failure.message) <= 1_000


# Requests that the Python classes refuse to encode


@pytest.mark.usefixtures("unchanged_rows")
async def test_quantity_beyond_32_bits_is_invalid(api: Api) -> None:
    """Protobuf decodes 2^31 on the wire as a negative number, which is rejected."""
    for quantity in [2**31, -(2**31) - 1, -1, 0]:
        line = encode_field(1, b"SKU-001") + encode_field(2, quantity)
        request = create_order(items=[]).SerializeToString() + encode_field(3, line)
        failure = await expect_raw_failure(api, ORDERS, "CreateOrder", request)
        assert list(failure.violations_by_field) == ["items[0].quantity"]


@pytest.mark.usefixtures("unchanged_rows")
async def test_undecodable_request_fails_with_malformed_message(api: Api) -> None:
    """The connection remains usable."""
    for garbage in [
        b"\xff",
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x0a\x05abc",
        b"\x0b" * 200,
        bytes(range(256)),
        encode_field(1, b"\xff\xfe not UTF-8"),
        encode_field(3, encode_field(1, b"\xc3\x28")),
        b"\x00\x00",
    ]:
        failure = await expect_raw_failure(api, ORDERS, "CreateOrder", garbage)
        assert (failure.status_code, failure.reason) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "MALFORMED_MESSAGE",
        )
        assert (
            await expect_failure(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="x")))
        ).reason == ("ORDER_NOT_FOUND")


async def test_unknown_fields_are_ignored(api: Api) -> None:
    """The known fields of a newer client's request are used."""
    request = create_order().SerializeToString() + encode_field(99, b"later") + encode_field(98, 7)
    response = orders_pb2.CreateOrderResponse.FromString(await call_raw(api, ORDERS, "CreateOrder", request))
    assert response.order.customer_id == "CUST-001"


async def test_request_has_at_most_four_mebibytes(api: Api, sql: SqlConnection) -> None:
    """At the limit it is accepted. One more byte is rejected with the limit, and nothing is written."""
    request = create_order()
    await call_raw(api, ORDERS, "CreateOrder", pad_message(request, MAX_REQUEST_BYTES))
    before = await count_table_rows(sql)
    for size in (MAX_REQUEST_BYTES + 1, MAX_REQUEST_BYTES + 60_000):
        failure = await expect_raw_failure(api, ORDERS, "CreateOrder", pad_message(request, size))
        assert (failure.status_code, failure.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "MESSAGE_TOO_LARGE",
        )
        assert failure.metadata == {"limit": "4194304"}
    assert await count_table_rows(sql) == before


@pytest.mark.usefixtures("unchanged_rows")
async def test_request_far_beyond_the_limit_is_rejected_by_the_transport(api: Api) -> None:
    """It is not read. The code is the same, and the connection remains usable."""
    call = call_raw(api, ORDERS, "CreateOrder", b"\0" * (2 * MAX_REQUEST_BYTES + 1))
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not (await api.orders.ListOrders(orders_pb2.ListOrdersRequest())).orders


# Batches


@pytest.mark.usefixtures("unchanged_rows")
async def test_batch_has_one_to_five_hundred_elements(api: Api) -> None:
    """Empty batches and batches of 501 are field errors, for every batch call."""
    orders, storage = api.orders, api.storage
    ids = [f"N-{number}" for number in range(501)]
    carriers = [storage_pb2.NewCarrier(carrier_id=n, sku="A", quantity=1, lane_id="L") for n in ids]
    batches: list[tuple[Any, Any, str, list[Any], dict[str, str]]] = [
        (
            orders.BatchCreateOrders,
            orders_pb2.BatchCreateOrdersRequest,
            "requests",
            [create_order() for _ in ids],
            {},
        ),
        (orders.BatchGetOrders, orders_pb2.BatchGetOrdersRequest, "order_ids", ids, {}),
        (
            orders.AssignOrdersToWave,
            orders_pb2.AssignOrdersToWaveRequest,
            "order_ids",
            ids,
            {"destination_id": "P"},
        ),
        (storage.BatchCompleteMoves, storage_pb2.BatchCompleteMovesRequest, "move_ids", ids, {}),
        (
            storage.ReceiveCarriers,
            storage_pb2.ReceiveCarriersRequest,
            "carriers",
            carriers,
            {"warehouse_id": "W"},
        ),
    ]
    for call, request_type, path, elements, fields in batches:
        for content in ([], elements):
            assert list(await expect_field_errors(call(request_type(**{path: content}, **fields)))) == [path]


@pytest.mark.usefixtures("unchanged_rows")
async def test_batch_rejects_duplicate_and_empty_ids(api: Api) -> None:
    """Duplicates are errors for changing calls. The error of an empty id has its index."""
    duplicate_ids = orders_pb2.AssignOrdersToWaveRequest(order_ids=["a", "a"], destination_id="P")
    assert list(await expect_field_errors(api.orders.AssignOrdersToWave(duplicate_ids))) == ["order_ids"]
    invalid_ids = orders_pb2.BatchGetOrdersRequest(order_ids=["a", "", "b c"])
    assert set(await expect_field_errors(api.orders.BatchGetOrders(invalid_ids))) == {
        "order_ids[1]",
        "order_ids[2]",
    }


async def test_each_invalid_order_of_a_batch_has_its_own_field_errors(api: Api) -> None:
    """The call itself succeeds, and its response has the field errors of every element."""
    invalid_requests = [
        request
        for requests in _INVALID_REQUESTS.values()
        for request in requests
        if len(request.items) <= 500
    ]
    response = await api.orders.BatchCreateOrders(
        orders_pb2.BatchCreateOrdersRequest(requests=invalid_requests)
    )
    assert len(response.results) == len(invalid_requests)
    for result in response.results:
        assert parse_failure(result.status).violations_by_field


# The other services


def _other_requests(api: Api) -> list[tuple[Any, Any, set[str]]]:
    reprocessing, dead_letters, storage = api.reprocessing, api.dead_letters, api.storage
    long_text = "x" * 2_001
    return [
        (
            reprocessing.IncrementRetryCount,
            reprocessing_pb2.IncrementRetryCountRequest(
                order_id="a b", failure_reason=long_text, failed_at=Timestamp(nanos=-1), workflow_id="x" * 257
            ),
            {"order_id", "failure_reason", "failed_at", "workflow_id"},
        ),
        (
            reprocessing.IncrementRetryCount,
            reprocessing_pb2.IncrementRetryCountRequest(failure_reason=" "),
            {"order_id", "failure_reason"},
        ),
        (
            reprocessing.MoveToDeadLetterQueue,
            reprocessing_pb2.MoveToDeadLetterQueueRequest(
                order_id="a", failure_status=order_pb2.ORDER_STATUS_SHIPPED, failure_reason="\n"
            ),
            {"failure_status", "failure_reason"},
        ),
        (
            reprocessing.MoveToDeadLetterQueue,
            reprocessing_pb2.MoveToDeadLetterQueueRequest(
                order_id="a",
                failure_status=77,  # type: ignore[arg-type]
                failure_reason="x",
            ),
            {"failure_status"},
        ),
        (
            reprocessing.ListEligibleOrders,
            reprocessing_pb2.ListEligibleOrdersRequest(
                limit=-1,
                max_retries=-1,
                statuses=[0, 99],  # type: ignore[list-item]
            ),
            {"limit", "max_retries", "statuses[0]", "statuses[1]"},
        ),
        (
            reprocessing.ListEligibleOrders,
            reprocessing_pb2.ListEligibleOrdersRequest(limit=10_001),
            {"limit"},
        ),
        (
            dead_letters.ResolveDeadLetterEntry,
            dead_letters_pb2.ResolveDeadLetterEntryRequest(
                order_id="a",
                resolution=9,  # type: ignore[arg-type]
                notes=long_text,
                resolved_by=" ",
            ),
            {"resolution", "notes", "resolved_by"},
        ),
        (
            dead_letters.ResolveDeadLetterEntry,
            dead_letters_pb2.ResolveDeadLetterEntryRequest(),
            {"order_id", "resolution", "resolved_by"},
        ),
        (
            dead_letters.ListDeadLetterEntries,
            dead_letters_pb2.ListDeadLetterEntriesRequest(
                failure_status=order_pb2.ORDER_STATUS_CANCELLED,
                older_than_hours=float("nan"),
                limit=10_001,
                offset=-1,
            ),
            {"failure_status", "older_than_hours", "limit", "offset"},
        ),
        (dead_letters.GetDeadLetterEntry, dead_letters_pb2.GetDeadLetterEntryRequest(), {"name"}),
        (
            storage.PutLane,
            storage_pb2.PutLaneRequest(
                lane=storage_pb2.Lane(
                    lane_id="a b",
                    zone="é",
                    capacity=10_001,
                    status=9,  # type: ignore[arg-type]
                )
            ),
            {"lane.lane_id", "lane.warehouse_id", "lane.zone", "lane.capacity", "lane.status"},
        ),
        (storage.PutLane, storage_pb2.PutLaneRequest(), {"lane"}),
        (
            storage.PutDestination,
            storage_pb2.PutDestinationRequest(
                destination=storage_pb2.Destination(
                    destination_id="P", warehouse_id="W", queue_capacity=0, zones=["A", "A", ""]
                )
            ),
            {"destination.queue_capacity", "destination.zones", "destination.zones[2]"},
        ),
        (
            storage.ReceiveCarriers,
            storage_pb2.ReceiveCarriersRequest(
                warehouse_id="W",
                carriers=[storage_pb2.NewCarrier(sku="a\n", received_at=Timestamp(nanos=-1))],
            ),
            {
                "carriers[0].carrier_id",
                "carriers[0].sku",
                "carriers[0].quantity",
                "carriers[0].lane_id",
                "carriers[0].received_at",
            },
        ),
        (storage.SetLaneStatus, storage_pb2.SetLaneStatusRequest(lane_id="L"), {"status"}),
        (
            storage.SetCarrierStatus,
            storage_pb2.SetCarrierStatusRequest(
                carrier_id="C",
                status=9,  # type: ignore[arg-type]
                reason=long_text,
            ),
            {"status", "reason"},
        ),
        (
            storage.ClaimMoves,
            storage_pb2.ClaimMovesRequest(warehouse_id="W", max=501),
            {"max", "claimed_by"},
        ),
        (storage.FailMove, storage_pb2.FailMoveRequest(move_id="M"), {"reason"}),
        (
            api.orders.ShipOrder,
            orders_pb2.ShipOrderRequest(order_id="O", carrier_code="\x00", tracking_number=_LONG_TEXT),
            {"carrier_code", "tracking_number"},
        ),
        (
            api.orders.CancelOrder,
            orders_pb2.CancelOrderRequest(order_id="O", reason=long_text, etag="x" * 129),
            {"reason", "etag"},
        ),
        (
            api.orders.ListOrders,
            orders_pb2.ListOrdersRequest(
                statuses=[0, 11],  # type: ignore[list-item]
                priorities=[4],  # type: ignore[list-item]
                wave_id="WAVE-1",
                created_after=Timestamp(seconds=2**60),
            ),
            {"statuses[0]", "statuses[1]", "priorities[0]", "wave_id", "created_after"},
        ),
    ]


@pytest.mark.usefixtures("unchanged_rows")
async def test_all_services_return_all_field_errors_at_once(api: Api) -> None:
    """Each error is named by its field."""
    for call, request, paths in _other_requests(api):
        assert set(await expect_field_errors(call(request))) == paths, request


async def test_reason_has_at_most_two_thousand_characters(api: Api) -> None:
    """At the limit it is accepted in any script and stored unchanged."""
    text = "😀" * 2_000
    order = await place_order(api)
    request = orders_pb2.CancelOrderRequest(order_id=order.order_id, reason=text)
    assert (await api.orders.CancelOrder(request)).order.cancel_reason == text
    failed = await place_order(api)
    failure = reprocessing_pb2.IncrementRetryCountRequest(order_id=failed.order_id, failure_reason=text)
    assert (await api.reprocessing.IncrementRetryCount(failure)).retry.last_failure_reason == text


async def test_filter_accepts_times_at_the_limits_of_storage(api: Api) -> None:
    """They filter like any other time."""
    order = await place_order(api)
    first, last = Timestamp(seconds=-62135596800), Timestamp(seconds=253402300799)
    request = orders_pb2.ListOrdersRequest(created_after=first, created_before=last)
    assert [listed.order_id for listed in (await api.orders.ListOrders(request)).orders] == [order.order_id]
