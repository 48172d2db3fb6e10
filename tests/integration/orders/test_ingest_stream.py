"""IngestOrders: each order of a stream is created like by CreateOrder, with results in stream order."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import pytest
from google.rpc.code_pb2 import ALREADY_EXISTS, INVALID_ARGUMENT, NOT_FOUND

from tests.support.builders.requests import create_order, item
from tests.support.clients.errors import parse_failure
from tests.support.clients.grpc_api import Api, client, open_api
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.processes.processes import Processes, open_client
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2 as pb

_COUNT = "SELECT count(*) FROM orders"


async def _stream_requests(
    requests: Iterable[pb.CreateOrderRequest],
) -> AsyncIterator[pb.IngestOrdersRequest]:
    for request in requests:
        yield pb.IngestOrdersRequest(request=request)


async def _ingest(api: Api, requests: Iterable[pb.CreateOrderRequest]) -> list[pb.CreateOrderResult]:
    return [response.result async for response in api.orders.IngestOrders(_stream_requests(requests))]


async def test_results_have_the_order_of_the_stream(api: Api, sql: SqlConnection) -> None:
    """Thousands of orders are committed in fewer transactions than orders."""
    requests = [create_order(order_id=f"ORD-{number}") for number in range(3000)]
    results = await _ingest(api, requests)
    assert [result.order.order_id for result in results] == [request.order_id for request in requests]
    assert await sql.fetchval(_COUNT) == 3000
    assert await sql.fetchval("SELECT count(DISTINCT xmin::text) FROM orders") < 3000
    assert await find_violations(sql) == []


async def test_invalid_order_does_not_end_the_stream(api: Api) -> None:
    """Its result is the error that CreateOrder would return, with its details."""
    invalid_request = create_order(order_id="ORD-2")
    invalid_request.items[0].quantity = 0
    requests = [
        create_order(order_id="ORD-1"),
        invalid_request,
        create_order(order_id="ORD-1"),
        create_order(order_id="ORD-3", warehouse_id="WH-99"),
        create_order(order_id="ORD-4"),
    ]
    results = await _ingest(api, requests)
    assert [result.order.order_id for result in results] == ["ORD-1", "", "", "", "ORD-4"]
    codes = [result.status.code for result in results]
    assert codes == [0, INVALID_ARGUMENT, ALREADY_EXISTS, NOT_FOUND, 0]
    assert parse_failure(results[3].status).reason == "WAREHOUSE_NOT_FOUND"


async def test_undecodable_or_oversized_order_does_not_end_the_stream(api: Api) -> None:
    """Malformed bytes and an order larger than 4 MiB have errors as their results."""
    large_order = create_order(customer_id="x" * 4 * 1024 * 1024)
    orders = [create_order(order_id="ORD-1"), large_order, create_order(order_id="ORD-2")]
    messages = [pb.IngestOrdersRequest(request=order).SerializeToString() for order in orders]
    messages.insert(1, b"\xff\xff")

    async def stream_messages() -> AsyncIterator[bytes]:
        for message in messages:
            yield message

    call: Any = api.channel.stream_stream("/wms.orders.v1.OrderService/IngestOrders")
    results = [
        pb.IngestOrdersResponse.FromString(response).result async for response in call(stream_messages())
    ]
    assert [result.order.order_id for result in results] == ["ORD-1", "", "", "ORD-2"]
    reasons = [parse_failure(result.status).reason for result in results[1:3]]
    assert reasons == ["MALFORMED_MESSAGE", "MESSAGE_TOO_LARGE"]


async def test_orders_acknowledged_before_a_shutdown_are_stored(
    processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """The stream ends as unavailable, and every acknowledged order is stored."""
    server = processes.server(database_url)
    await server.wait_until_serving()
    acknowledged_ids: list[str] = []

    async def stream_endlessly() -> AsyncIterator[pb.IngestOrdersRequest]:
        while True:
            yield pb.IngestOrdersRequest(request=create_order())

    async def ingest(api: Api) -> None:
        async for response in api.orders.IngestOrders(stream_endlessly()):
            acknowledged_ids.append(response.result.order.order_id)  # noqa: PERF401 # grows during the stream

    async with open_client(server.address) as api:
        ingesting = asyncio.create_task(ingest(api))
        await eventually(lambda: has_at_least(acknowledged_ids, 300))
        assert await server.terminate_and_wait() == 0
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await ingesting
    # The client library may see the failed write before the status.
    if error.value.details() != "Internal error from Core":
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert await find_violations(sql, acknowledged_ids=acknowledged_ids) == []


async def has_at_least(acknowledged_ids: list[str], number: int) -> bool:
    """Return whether at least `number` orders are acknowledged."""
    return len(acknowledged_ids) >= number


async def test_repeated_stream_gets_the_same_responses(api: Api, sql: SqlConnection) -> None:
    """The request ids of the elements identify them, also for CreateOrder."""
    requests = [create_order(request_id=f"r-{number}") for number in range(50)]
    first = await _ingest(api, requests)
    assert await _ingest(api, requests) == first
    assert (await api.orders.CreateOrder(requests[7])).order == first[7].order
    assert await sql.fetchval(_COUNT) == 50


async def test_empty_stream_has_no_results(api: Api) -> None:
    """It ends at once, without an error."""
    assert await _ingest(api, []) == []


async def test_results_come_while_the_stream_is_open(api: Api) -> None:
    """Each comes when its order is committed. The client may wait for it before it sends the next one."""
    call = api.orders.IngestOrders()
    for number in range(3):
        await call.write(pb.IngestOrdersRequest(request=create_order(order_id=f"ORD-{number}")))
        response = await call.read()
        assert isinstance(response, pb.IngestOrdersResponse)
        assert response.result.order.order_id == f"ORD-{number}"
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_orders_acknowledged_before_a_cancellation_are_stored(api: Api, sql: SqlConnection) -> None:
    """The server finishes the orders that it has read, and continues to serve calls."""
    acknowledged_ids: list[str] = []
    requests = [create_order(order_id=f"ORD-{number}") for number in range(2000)]
    call = api.orders.IngestOrders(_stream_requests(requests))
    async for response in call:
        acknowledged_ids.append(response.result.order.order_id)
        if len(acknowledged_ids) == 100:
            call.cancel()
            break
    await api.orders.CreateOrder(create_order())
    assert await find_violations(sql, acknowledged_ids=acknowledged_ids) == []


async def test_client_that_does_not_read_gets_backpressure(
    api: Api, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server processes at most a window of orders ahead of the results that the connection accepts."""
    monkeypatch.setattr("wms_server.calls.streaming.MAX_PENDING_REQUESTS", 20)
    long_order = create_order(items=[item(f"SKU-{number}") for number in range(300)])

    async def stream_endlessly() -> AsyncIterator[pb.IngestOrdersRequest]:
        while True:
            yield pb.IngestOrdersRequest(request=long_order)

    # Limits the bytes that the library reads ahead for a client that does not read.
    options = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536))
    async with grpc.aio.insecure_channel(api.address, options=options) as channel:
        call = client(channel, api.address).orders.IngestOrders(stream_endlessly())
        await call.read()

        async def has_stopped() -> bool:
            before = await sql.fetchval(_COUNT)
            await asyncio.sleep(0.5)
            return bool(await sql.fetchval(_COUNT) == before)

        await eventually(has_stopped)
        stored_orders = await sql.fetchval(_COUNT)
        for _ in range(40):
            await call.read()

        async def has_continued() -> bool:
            return bool(await sql.fetchval(_COUNT) > stored_orders)

        await eventually(has_continued)
        call.cancel()


async def test_stream_waits_at_the_in_flight_limit(database_url: str, sql: SqlConnection) -> None:
    """At the limit it waits instead of failing elements."""
    async with open_api(database_url, max_in_flight=3) as api:
        results = await _ingest(api, [create_order(order_id=f"ORD-{number}") for number in range(200)])
    assert [result.order.order_id for result in results] == [f"ORD-{number}" for number in range(200)]
