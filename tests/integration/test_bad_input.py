"""Bad input over gRPC: every fault at once and by field, both sides of each limit, nothing half-written."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from tests.support.api import Api
from tests.support.failures import failing, failure_of
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql
from tests.support.orders import created, dead_letter, read, status_of, stocked
from tests.support.raw import ORDERS, field, padded, raw_call, raw_failing
from tests.support.requests import address, create_order, item, receive
from tests.support.tables import counts
from wms.orders.v1 import dead_letters_pb2, order_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_core.domain.order_status import OrderStatus
from wms_server.request_limits import MAX_REQUEST_BYTES

Request = orders_pb2.CreateOrderRequest


@pytest.fixture
async def untouched(sql: Sql) -> AsyncIterator[None]:
    """Hold a test that only sends bad input to its promise: not a row more than before."""
    before = await counts(sql)
    yield
    assert await counts(sql) == before


async def faults(call: Any) -> dict[str, str]:
    """Make a call that has to fail for its fields, and give the faults by field."""
    failure = await failing(call)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert all(failure.violations.values())
    return failure.violations


# One fault at a time: the path of the field, and where it is

_NAME = "x" * 10_000
_TEXTS: dict[str, Callable[[str], Request]] = {
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
_REQUIRED_TEXTS = ("customer_id", "items[0].sku", "shipping_address.street", "shipping_address.city")


@pytest.mark.usefixtures("untouched")
async def test_a_text_has_no_control_characters_and_256_characters_at_most(api: Api) -> None:
    """NUL, tab, line feed, escape, DEL and the second block; 257 and 10,000 characters."""
    for path, request in _TEXTS.items():
        for text in ("a\0b", "a\tb", "a\nb", "\x1b[31m", "\x7f", "a\x85b", "x" * 257, _NAME, "é" * 257):
            assert list(await faults(api.orders.CreateOrder(request(text)))) == [path], repr(text[:20])


@pytest.mark.usefixtures("untouched")
async def test_a_text_that_is_required_is_not_blank(api: Api) -> None:
    """Neither empty nor only white space of any kind."""
    for path in _REQUIRED_TEXTS:
        for text in ("", " ", "\u00a0\u2003"):
            assert list(await faults(api.orders.CreateOrder(_TEXTS[path](text)))) == [path], repr(text)


async def test_texts_of_256_characters_of_any_script_are_taken(api: Api) -> None:
    """Counted in characters, not bytes; they come back as they were."""
    for path, request in _TEXTS.items():
        for text in ("x" * 256, "😀" * 256, "a\u202eb \u200d", "'; DROP TABLE orders; --", "\\u0000 \ufffd"):
            asked = request(text)
            order = (await api.orders.CreateOrder(asked)).order
            stored = await read(api, order.order_id)
            assert stored.customer_id == asked.customer_id, path
            assert stored.shipping_address == asked.shipping_address, path
            assert stored.items[0].sku == asked.items[0].sku, path


_BAD: dict[str, list[Request]] = {
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


@pytest.mark.usefixtures("untouched")
async def test_a_bad_value_is_a_fault_of_its_field(api: Api) -> None:
    """By its path in the request, and only that."""
    for path in sorted(_BAD):
        for request in _BAD[path]:
            assert set(await faults(api.orders.CreateOrder(request))) == {path}, request


async def test_the_values_at_the_edges_are_taken(api: Api) -> None:
    """The first and the last of each range come back as they went in."""
    for request in (
        create_order(items=[item(quantity=1), item(quantity=1_000_000)]),
        create_order(items=[item(unit_price=Money(currency_code="EUR"))]),
        create_order(items=[item(unit_price=Money(currency_code="XXX", units=2**63 - 1, nanos=999_999_999))]),
        create_order(promised_delivery_at=Timestamp(seconds=-62135596800)),
        create_order(promised_delivery_at=Timestamp(seconds=253402300799, nanos=999_999_000)),
        create_order(order_id="a"),
        create_order(order_id="9" + "._-" * 42 + "Z"),
    ):
        order = await read(api, (await api.orders.CreateOrder(request)).order.order_id)
        assert [(line.quantity, line.unit_price) for line in order.items] == [
            (line.quantity, line.unit_price) for line in request.items
        ]
        assert order.promised_delivery_at == request.promised_delivery_at
        assert request.order_id in ("", order.order_id)


@pytest.mark.parametrize("seconds", [-62135596800, 253402300799], ids=["first", "last"])
async def test_the_first_and_the_last_moment_of_the_calendar_break_nothing(
    api: Api, fulfillment: Fulfillment, seconds: int, sql: Sql
) -> None:
    """Whatever time is accepted can be read, listed and worked with; the others are served as ever."""
    edge = Timestamp(seconds=seconds, nanos=0 if seconds < 0 else 999_999_000)
    await stocked(api)
    times: dict[str, Any] = {"produced_at": edge, "received_at": edge}
    received = await api.storage.ReceiveCarriers(receive(("C-EDGE", "B", 1), **times))
    assert received.carriers[0].produced_at == edge
    assert (await api.storage.ListCarriers(storage_pb2.ListCarriersRequest(sku="B"))).carriers
    order = await created(api, promised_delivery_at=edge, order_id="EDGE")
    assert order.overdue is (seconds < 0)
    other = await created(api)
    assert len((await api.orders.ListOrders(orders_pb2.ListOrdersRequest())).orders) == 2
    await fulfillment.deliver(api)
    for name in ("EDGE", other.order_id):
        assert status_of(await read(api, name)) is OrderStatus.PACKING
    assert (await read(api, "EDGE")).promised_delivery_at == edge
    if seconds > 0:
        return
    await api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id="EDGE", carrier_code="U", tracking_number="1")
    )
    done = await api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id="EDGE", delivered_at=edge))
    assert done.order.delivered_at == edge == (await read(api, "EDGE")).delivered_at
    failure = reprocessing_pb2.IncrementRetryCountRequest(
        order_id=other.order_id, failure_reason="x", failed_at=edge
    )
    retry = (await api.reprocessing.IncrementRetryCount(failure)).retry
    assert retry.last_failed_at == retry.attempts[0].failed_at == edge
    assert (await read(api, other.order_id)).last_failed_at == edge
    await dead_letter(api, other.order_id)
    request = dead_letters_pb2.GetDeadLetterEntryRequest(order_id=other.order_id)
    entry = (await api.dead_letters.GetDeadLetterEntry(request)).entry
    assert entry.attempts[0].failed_at == entry.order_snapshot.last_failed_at == edge
    assert await sql.fetchval("SELECT count(*) FROM orders") == 2


async def test_an_order_has_five_hundred_items_and_no_more(api: Api, sql: Sql) -> None:
    """At the limit all of them are stored; one more and none is."""
    lines = [item(f"SKU-{number}", number) for number in range(1, 501)]
    order = (await api.orders.CreateOrder(create_order(items=lines))).order
    stored = await read(api, order.order_id)
    assert [(line.sku, line.quantity) for line in stored.items] == [(one.sku, one.quantity) for one in lines]
    before = await counts(sql)
    assert list(await faults(api.orders.CreateOrder(create_order(items=[*lines, item()])))) == ["items"]
    update = orders_pb2.UpdateOrderRequest(order_id=order.order_id)
    update.order.items.extend([*lines, item()])
    assert list(await faults(api.orders.UpdateOrder(update))) == ["order.items"]
    assert await counts(sql) == before


async def test_a_fault_that_no_rule_of_the_protos_sees_hurts_only_its_element(api: Api) -> None:
    """A time of minus one nanosecond is one element's fault, not the batch's."""
    broken = create_order(promised_delivery_at=Timestamp(seconds=5, nanos=-1))
    answer = await api.orders.BatchCreateOrders(
        orders_pb2.BatchCreateOrdersRequest(requests=[broken, create_order()])
    )
    assert set(failure_of(answer.results[0].status).violations) == {"promised_delivery_at"}
    assert answer.results[1].HasField("order")


# All faults at once


@pytest.mark.usefixtures("untouched")
async def test_all_faults_of_a_request_are_told_at_once(api: Api) -> None:
    """Each by its field, those of every line and those that no rule of the protos sees."""
    request = create_order(
        customer_id="a\nb",
        priority=77,
        items=[item(quantity=0), item(), item("", -1, unit_price=Money(currency_code="XYZ", units=-1))],
        shipping_address=address(street="", country="xx", phone=_NAME),
        promised_delivery_at=Timestamp(nanos=-5),
        order_id="-",
        warehouse_id="a b",
        request_id="a b",
    )
    assert set(await faults(api.orders.CreateOrder(request))) == {
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


@pytest.mark.usefixtures("untouched")
async def test_an_empty_request_names_every_field_that_is_required(api: Api) -> None:
    """Four of an order; each by name."""
    assert set(await faults(api.orders.CreateOrder(Request()))) == {
        "customer_id",
        "priority",
        "items",
        "shipping_address",
    }


@pytest.mark.usefixtures("untouched")
async def test_more_faults_than_a_trailer_holds_are_counted(api: Api) -> None:
    """As many as there is room for, and how many are missing: the answer itself always arrives."""
    request = create_order(items=[item("\n" * 300, -1) for _ in range(500)])
    failure = await failing(api.orders.CreateOrder(request))
    assert len(failure.violations) > 20
    assert "more faults" in failure.violations[""]
    assert len(failure.message) <= 1_000


# What the Python classes refuse to write


@pytest.mark.usefixtures("untouched")
async def test_a_quantity_beyond_32_bits_is_no_quantity(api: Api) -> None:
    """2^31 on the wire is read as a negative number, as protobuf says, and refused as one."""
    for quantity in [2**31, -(2**31) - 1, -1, 0]:
        line = field(1, b"SKU-001") + field(2, quantity)
        request = create_order(items=[]).SerializeToString() + field(3, line)
        failure = await raw_failing(api, ORDERS, "CreateOrder", request)
        assert list(failure.violations) == ["items[0].quantity"]


@pytest.mark.usefixtures("untouched")
async def test_bytes_that_are_no_request_are_told_so(api: Api) -> None:
    """MALFORMED_MESSAGE, and the connection goes on working."""
    for garbage in [
        b"\xff",
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x0a\x05abc",
        b"\x0b" * 200,
        bytes(range(256)),
        field(1, b"\xff\xfe not UTF-8"),
        field(3, field(1, b"\xc3\x28")),
        b"\x00\x00",
    ]:
        failure = await raw_failing(api, ORDERS, "CreateOrder", garbage)
        assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
        assert (await failing(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="x")))).reason == (
            "ORDER_NOT_FOUND"
        )


async def test_fields_of_a_later_contract_are_passed_over(api: Api) -> None:
    """A newer client's request is read as far as it is known."""
    request = create_order().SerializeToString() + field(99, b"later") + field(98, 7)
    answer = orders_pb2.CreateOrderResponse.FromString(await raw_call(api, ORDERS, "CreateOrder", request))
    assert answer.order.customer_id == "CUST-001"


async def test_a_request_has_four_mebibytes_and_no_more(api: Api, sql: Sql) -> None:
    """At the limit it is read; one byte more is refused, with the limit, and nothing is written."""
    request = create_order()
    await raw_call(api, ORDERS, "CreateOrder", padded(request, MAX_REQUEST_BYTES))
    before = await counts(sql)
    for size in (MAX_REQUEST_BYTES + 1, MAX_REQUEST_BYTES + 60_000):
        failure = await raw_failing(api, ORDERS, "CreateOrder", padded(request, size))
        assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
        assert failure.metadata == {"limit": "4194304"}
    assert await counts(sql) == before


@pytest.mark.usefixtures("untouched")
async def test_a_request_far_beyond_the_limit_is_refused_by_the_transport(api: Api) -> None:
    """Without being read: the code is the same, and the connection goes on working."""
    call = raw_call(api, ORDERS, "CreateOrder", b"\0" * (2 * MAX_REQUEST_BYTES + 1))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not (await api.orders.ListOrders(orders_pb2.ListOrdersRequest())).orders


# Batches


@pytest.mark.usefixtures("untouched")
async def test_a_batch_has_one_to_five_hundred_elements(api: Api) -> None:
    """Empty and 501: a fault of the batch, for every batch there is."""
    orders, storage = api.orders, api.storage
    names = [f"N-{number}" for number in range(501)]
    carriers = [storage_pb2.NewCarrier(carrier_id=n, sku="A", quantity=1, lane_id="L") for n in names]
    batches: list[tuple[Any, Any, str, list[Any], dict[str, str]]] = [
        (
            orders.BatchCreateOrders,
            orders_pb2.BatchCreateOrdersRequest,
            "requests",
            [create_order() for _ in names],
            {},
        ),
        (orders.BatchGetOrders, orders_pb2.BatchGetOrdersRequest, "order_ids", names, {}),
        (
            orders.AssignOrdersToWave,
            orders_pb2.AssignOrdersToWaveRequest,
            "order_ids",
            names,
            {"destination_id": "P"},
        ),
        (storage.BatchCompleteMoves, storage_pb2.BatchCompleteMovesRequest, "move_ids", names, {}),
        (
            storage.ReceiveCarriers,
            storage_pb2.ReceiveCarriersRequest,
            "carriers",
            carriers,
            {"warehouse_id": "W"},
        ),
    ]
    for call, kind, path, elements, fields in batches:
        for content in ([], elements):
            assert list(await faults(call(kind(**{path: content}, **fields)))) == [path]


@pytest.mark.usefixtures("untouched")
async def test_an_id_of_a_batch_is_named_once_and_not_empty(api: Api) -> None:
    """For calls that change what they name; the fault has the element's place."""
    twice = orders_pb2.AssignOrdersToWaveRequest(order_ids=["a", "a"], destination_id="P")
    assert list(await faults(api.orders.AssignOrdersToWave(twice))) == ["order_ids"]
    empty = orders_pb2.BatchGetOrdersRequest(order_ids=["a", "", "b c"])
    assert set(await faults(api.orders.BatchGetOrders(empty))) == {"order_ids[1]", "order_ids[2]"}


async def test_in_a_batch_of_bad_orders_each_has_its_own_faults(api: Api) -> None:
    """The call itself succeeds; every fault of every element is there."""
    bad = [request for requests in _BAD.values() for request in requests if len(request.items) <= 500]
    answer = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=bad))
    assert len(answer.results) == len(bad)
    for result in answer.results:
        assert failure_of(result.status).violations


# The other services


def _other_requests(api: Api) -> list[tuple[Any, Any, set[str]]]:
    again, queue, storage = api.reprocessing, api.dead_letters, api.storage
    long = "x" * 2_001
    return [
        (
            again.IncrementRetryCount,
            reprocessing_pb2.IncrementRetryCountRequest(
                order_id="a b", failure_reason=long, failed_at=Timestamp(nanos=-1), workflow_id="x" * 257
            ),
            {"order_id", "failure_reason", "failed_at", "workflow_id"},
        ),
        (
            again.IncrementRetryCount,
            reprocessing_pb2.IncrementRetryCountRequest(failure_reason=" "),
            {"order_id", "failure_reason"},
        ),
        (
            again.MoveToDeadLetterQueue,
            reprocessing_pb2.MoveToDeadLetterQueueRequest(
                order_id="a", failure_status=order_pb2.ORDER_STATUS_SHIPPED, failure_reason="\n"
            ),
            {"failure_status", "failure_reason"},
        ),
        (
            again.MoveToDeadLetterQueue,
            reprocessing_pb2.MoveToDeadLetterQueueRequest(
                order_id="a",
                failure_status=77,  # type: ignore[arg-type]
                failure_reason="x",
            ),
            {"failure_status"},
        ),
        (
            again.ListEligibleOrders,
            reprocessing_pb2.ListEligibleOrdersRequest(
                limit=-1,
                max_retries=-1,
                statuses=[0, 99],  # type: ignore[list-item]
            ),
            {"limit", "max_retries", "statuses[0]", "statuses[1]"},
        ),
        (
            again.ListEligibleOrders,
            reprocessing_pb2.ListEligibleOrdersRequest(limit=10_001),
            {"limit"},
        ),
        (
            queue.ResolveDeadLetterEntry,
            dead_letters_pb2.ResolveDeadLetterEntryRequest(
                order_id="a",
                resolution=9,  # type: ignore[arg-type]
                notes=long,
                resolved_by=" ",
            ),
            {"resolution", "notes", "resolved_by"},
        ),
        (
            queue.ResolveDeadLetterEntry,
            dead_letters_pb2.ResolveDeadLetterEntryRequest(),
            {"order_id", "resolution", "resolved_by"},
        ),
        (
            queue.ListDeadLetterEntries,
            dead_letters_pb2.ListDeadLetterEntriesRequest(
                failure_status=order_pb2.ORDER_STATUS_CANCELLED,
                older_than_hours=float("nan"),
                limit=10_001,
                offset=-1,
            ),
            {"failure_status", "older_than_hours", "limit", "offset"},
        ),
        (queue.GetDeadLetterEntry, dead_letters_pb2.GetDeadLetterEntryRequest(), {"name"}),
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
                reason=long,
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
            orders_pb2.ShipOrderRequest(order_id="O", carrier_code="\x00", tracking_number=_NAME),
            {"carrier_code", "tracking_number"},
        ),
        (
            api.orders.CancelOrder,
            orders_pb2.CancelOrderRequest(order_id="O", reason=long, etag="x" * 129),
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


@pytest.mark.usefixtures("untouched")
async def test_the_other_calls_tell_their_faults_alike(api: Api) -> None:
    """Every service: all at once, by field."""
    for call, request, paths in _other_requests(api):
        assert set(await faults(call(request))) == paths, request


async def test_reasons_have_two_thousand_characters(api: Api) -> None:
    """At the limit they are taken, in any script, and come back."""
    text = "😀" * 2_000
    order = await created(api)
    request = orders_pb2.CancelOrderRequest(order_id=order.order_id, reason=text)
    assert (await api.orders.CancelOrder(request)).order.cancel_reason == text
    failed = await created(api)
    failure = reprocessing_pb2.IncrementRetryCountRequest(order_id=failed.order_id, failure_reason=text)
    assert (await api.reprocessing.IncrementRetryCount(failure)).retry.last_failure_reason == text


async def test_a_filter_of_every_age_is_answered(api: Api) -> None:
    """Times at the edge of what can be stored are filters like any other."""
    order = await created(api)
    first, last = Timestamp(seconds=-62135596800), Timestamp(seconds=253402300799)
    request = orders_pb2.ListOrdersRequest(created_after=first, created_before=last)
    assert [one.order_id for one in (await api.orders.ListOrders(request)).orders] == [order.order_id]
