"""IngestOrders: a stream of orders, each done as a call of CreateOrder, answered in the order given."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import pytest
from google.rpc.code_pb2 import ALREADY_EXISTS, INVALID_ARGUMENT, NOT_FOUND

from tests.support.api import Api, client, open_api
from tests.support.failures import failure_of
from tests.support.invariants import Sql, breaches
from tests.support.processes import Processes, open_client
from tests.support.requests import create_order, item
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2 as pb

_COUNT = "SELECT count(*) FROM orders"


async def _sent(requests: Iterable[pb.CreateOrderRequest]) -> AsyncIterator[pb.IngestOrdersRequest]:
    for request in requests:
        yield pb.IngestOrdersRequest(request=request)


async def _results(api: Api, requests: Iterable[pb.CreateOrderRequest]) -> list[pb.CreateOrderResult]:
    return [answer.result async for answer in api.orders.IngestOrders(_sent(requests))]


async def test_each_order_of_a_stream_has_its_result_in_its_place(api: Api, sql: Sql) -> None:
    """Thousands of them, each committed, in fewer transactions than orders."""
    wanted = [create_order(order_id=f"ORD-{number}") for number in range(3000)]
    results = await _results(api, wanted)
    assert [result.order.order_id for result in results] == [one.order_id for one in wanted]
    assert await sql.fetchval(_COUNT) == 3000
    assert await sql.fetchval("SELECT count(DISTINCT xmin::text) FROM orders") < 3000
    assert await breaches(sql) == []


async def test_a_bad_order_does_not_end_the_stream(api: Api) -> None:
    """Its result is the error that CreateOrder would have answered, with its details."""
    faulty = create_order(order_id="ORD-2")
    faulty.items[0].quantity = 0
    wanted = [
        create_order(order_id="ORD-1"),
        faulty,
        create_order(order_id="ORD-1"),
        create_order(order_id="ORD-3", warehouse_id="WH-99"),
        create_order(order_id="ORD-4"),
    ]
    results = await _results(api, wanted)
    assert [result.order.order_id for result in results] == ["ORD-1", "", "", "", "ORD-4"]
    codes = [result.status.code for result in results]
    assert codes == [0, INVALID_ARGUMENT, ALREADY_EXISTS, NOT_FOUND, 0]
    assert failure_of(results[3].status).reason == "WAREHOUSE_NOT_FOUND"


async def test_what_is_no_order_does_not_end_the_stream_either(api: Api) -> None:
    """Bytes that say nothing, and an order larger than 4 MiB, have their errors in their places."""
    large = create_order(customer_id="x" * 4 * 1024 * 1024)
    orders = [create_order(order_id="ORD-1"), large, create_order(order_id="ORD-2")]
    sent = [pb.IngestOrdersRequest(request=order).SerializeToString() for order in orders]
    sent.insert(1, b"\xff\xff")

    async def raw() -> AsyncIterator[bytes]:
        for one in sent:
            yield one

    call: Any = api.channel.stream_stream("/wms.orders.v1.OrderService/IngestOrders")
    results = [pb.IngestOrdersResponse.FromString(answer).result async for answer in call(raw())]
    assert [result.order.order_id for result in results] == ["ORD-1", "", "", "ORD-2"]
    reasons = [failure_of(result.status).reason for result in results[1:3]]
    assert reasons == ["MALFORMED_MESSAGE", "MESSAGE_TOO_LARGE"]


async def test_a_server_that_ends_has_done_what_it_told(
    processes: Processes, database_url: str, sql: Sql
) -> None:
    """The stream ends as unavailable; every order that was acknowledged is there."""
    server = processes.server(database_url)
    await server.serving()
    told: list[str] = []

    async def endless() -> AsyncIterator[pb.IngestOrdersRequest]:
        while True:
            yield pb.IngestOrdersRequest(request=create_order())

    async def ingest(api: Api) -> None:
        async for answer in api.orders.IngestOrders(endless()):
            told.append(answer.result.order.order_id)  # noqa: PERF401 # seen as they come

    async with open_client(server.address) as api:
        ingesting = asyncio.create_task(ingest(api))
        await eventually(lambda: has(told, 300))
        assert await server.stopped() == 0
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await ingesting
    # The client's library may come to the write that failed before it comes to the status.
    if ended.value.details() != "Internal error from Core":
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    assert await breaches(sql, acknowledged=told) == []


async def has(told: list[str], number: int) -> bool:
    """Say whether so many were told."""
    return len(told) >= number


async def test_a_stream_that_is_sent_again_gets_the_same_answers(api: Api, sql: Sql) -> None:
    """By the request ids of its elements; CreateOrder knows them too."""
    wanted = [create_order(request_id=f"r-{number}") for number in range(50)]
    first = await _results(api, wanted)
    assert await _results(api, wanted) == first
    assert (await api.orders.CreateOrder(wanted[7])).order == first[7].order
    assert await sql.fetchval(_COUNT) == 50


async def test_an_empty_stream_has_no_results(api: Api) -> None:
    """It ends at once, without an error."""
    assert await _results(api, []) == []


async def test_results_come_while_the_stream_is_open(api: Api) -> None:
    """Each as soon as its order is committed; the client may wait for it before it sends the next."""
    call = api.orders.IngestOrders()
    for number in range(3):
        await call.write(pb.IngestOrdersRequest(request=create_order(order_id=f"ORD-{number}")))
        answer = await call.read()
        assert isinstance(answer, pb.IngestOrdersResponse)
        assert answer.result.order.order_id == f"ORD-{number}"
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_a_client_that_leaves_loses_nothing_that_it_was_told(api: Api, sql: Sql) -> None:
    """What was acknowledged is there; what was read goes on, and the server too."""
    told: list[str] = []
    wanted = [create_order(order_id=f"ORD-{number}") for number in range(2000)]
    call = api.orders.IngestOrders(_sent(wanted))
    async for answer in call:
        told.append(answer.result.order.order_id)
        if len(told) == 100:
            call.cancel()
            break
    await api.orders.CreateOrder(create_order())
    assert await breaches(sql, acknowledged=told) == []


async def test_a_client_that_does_not_read_is_held_back(
    api: Api, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its orders are done no further than a window ahead of what the connection takes."""
    monkeypatch.setattr("wms_server.ingesting.WINDOW", 20)
    long = create_order(items=[item(f"SKU-{number}") for number in range(300)])

    async def endless() -> AsyncIterator[pb.IngestOrdersRequest]:
        while True:
            yield pb.IngestOrdersRequest(request=long)

    # What the library reads ahead for a client that does not.
    options = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536))
    async with grpc.aio.insecure_channel(api.address, options=options) as channel:
        call = client(channel, api.address).orders.IngestOrders(endless())
        await call.read()

        async def at_rest() -> bool:
            before = await sql.fetchval(_COUNT)
            await asyncio.sleep(0.5)
            return bool(await sql.fetchval(_COUNT) == before)

        await eventually(at_rest)
        done = await sql.fetchval(_COUNT)
        for _ in range(40):
            await call.read()

        async def goes_on() -> bool:
            return bool(await sql.fetchval(_COUNT) > done)

        await eventually(goes_on)
        call.cancel()


async def test_a_stream_shares_the_room_of_the_process(database_url: str, sql: Sql) -> None:
    """With as many calls at work as may be it waits, instead of failing elements."""
    async with open_api(database_url, max_in_flight=3) as api:
        results = await _results(api, [create_order(order_id=f"ORD-{number}") for number in range(200)])
    assert [result.order.order_id for result in results] == [f"ORD-{number}" for number in range(200)]
