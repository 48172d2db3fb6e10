"""The cost of one request is limited: its bytes and elements are checked before any is processed.

The requests are built from the contract, for every call and every list in it. The tests measure processor
time because the elapsed time depends on the load of the machine.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor

from tests.contract.test_protos import METHODS
from tests.support.builders.requests import create_order
from tests.support.clients.errors import CallFailure, expect_failure, parse_failure
from tests.support.clients.grpc_api import Api
from tests.support.clients.http import HttpTestServer, open_http_server, parse_error_body
from tests.support.clients.raw_calls import expect_raw_failure
from tests.support.faults.floods import FloodRequest, build_floods
from tests.support.pytest_plugins.loop_time import MAX_LOOP_SECONDS, measure_loop_time
from wms.orders.v1 import orders_pb2
from wms_server.http.bindings import get_bindings
from wms_server.limits.request_limits import get_max_bytes

pytestmark = pytest.mark.one_postgres

_FLOODS = [flood for method in METHODS for flood in build_floods(method)]
#: Limit for the processor time of all threads during another call, next to a large request.
_MAX_OTHER_CALL_SECONDS = 0.25


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[HttpTestServer]:
    """Yield a server for gRPC and HTTP that has processed a call of each kind."""
    async with open_http_server(database_url) as server:
        await server.api.orders.CreateOrder(create_order(order_id="ORD-1"))
        await server.http_client.get("/api/v1/orders/ORD-1")
        await server.http_client.post("/api/v1/orders", json={})
        yield server


async def _expect_rejection(api: Api, method: MethodDescriptor, raw: bytes) -> CallFailure:
    """Make a call with an encoded request that must fail. A stream fails with its first message."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    if method.client_streaming:
        stream: Any = api.channel.stream_stream(path)
        (response,) = [
            orders_pb2.IngestOrdersResponse.FromString(message) async for message in stream(iter([raw]))
        ]
        return parse_failure(response.result.status)
    if method.server_streaming:
        started: Any = api.channel.unary_stream(path)
        return await expect_failure(anext(aiter(started(raw))))
    return await expect_raw_failure(api, method.containing_service.full_name, method.name, raw)


async def _send(api: Api, method: MethodDescriptor, raw: bytes) -> None:
    """Make a call and ignore its response."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    if method.client_streaming:
        stream: Any = api.channel.stream_stream(path)
        assert [response async for response in stream(iter([raw]))]
    elif method.server_streaming:
        started: Any = api.channel.unary_stream(path)
        await anext(aiter(started(raw)))
    else:
        unary: Any = api.channel.unary_unary(path)
        await unary(raw)


async def _measure_other_calls(api: Api) -> float:
    """Make small calls until cancelled.

    Return the longest processor time in seconds that passed during one.
    """
    longest = 0.0
    request = orders_pb2.GetOrderRequest(order_id="ORD-1")
    try:
        while True:
            before = time.process_time()
            await api.orders.GetOrder(request)
            longest = max(longest, time.process_time() - before)
    except asyncio.CancelledError:
        return longest


async def _expect_no_delay_of_other_calls(api: Api, call: Callable[[], Awaitable[None]]) -> None:
    """Make a call and assert that concurrent calls are not delayed."""
    other_calls = asyncio.create_task(_measure_other_calls(api))
    async with measure_loop_time() as loop_time:
        await call()
    other_calls.cancel()
    assert loop_time.max_seconds < MAX_LOOP_SECONDS
    assert await other_calls < _MAX_OTHER_CALL_SECONDS


@pytest.mark.parametrize("flood", _FLOODS, ids=lambda flood: flood.name)
async def test_request_with_too_many_small_elements_is_rejected_quickly(
    server: HttpTestServer, flood: FloodRequest
) -> None:
    """With the maximum of bytes, valid or invalid, while other calls are served."""

    async def call() -> None:
        limit = get_max_bytes(flood.method)
        for raw in (flood.build_message(limit), flood.build_nested_message(limit)):
            if raw is not None:
                assert limit * 0.9 < len(raw) <= limit
                failure = await _expect_rejection(server.api, flood.method, raw)
                assert failure.reason == "INVALID_REQUEST"
                assert failure.violations_by_field

    await _expect_no_delay_of_other_calls(server.api, call)


@pytest.mark.parametrize(
    "flood", [flood for flood in _FLOODS if not flood.has_valid_elements], ids=lambda flood: flood.name
)
async def test_request_with_the_most_field_errors_does_not_block_the_loop(
    server: HttpTestServer, flood: FloodRequest
) -> None:
    """Its lists have the maximum length, so that each element is validated."""

    async def call() -> None:
        raw = flood.build_longest_allowed()
        assert len(raw) <= get_max_bytes(flood.method)
        with suppress(grpc.aio.AioRpcError):
            await _send(server.api, flood.method, raw)

    await _expect_no_delay_of_other_calls(server.api, call)


_HTTP_FLOODS = [
    flood
    for flood in _FLOODS
    if any(binding.body_field in ("*", flood.list_path[0].name) for binding in get_bindings(flood.method))
]


@pytest.mark.parametrize("flood", _HTTP_FLOODS, ids=lambda flood: flood.name)
async def test_body_with_too_many_small_elements_is_rejected_quickly(
    server: HttpTestServer, flood: FloodRequest
) -> None:
    """The same as JSON, which is parsed outside the event loop."""
    (binding, *_) = [candidate for candidate in get_bindings(flood.method) if candidate.body_field]
    path = flood.list_path if binding.body_field == "*" else flood.list_path[1:]
    body = FloodRequest(flood.method, path, flood.has_valid_elements).build_json(get_max_bytes(flood.method))
    url = binding.path_template.text
    for variable in binding.path_template.variable_names:
        url = url.replace(f"{{{variable}}}", "A")

    async def call() -> None:
        request = (
            f"{binding.http_method} {url} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        )
        headers = f"{request}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        response = await server.send_raw(headers + body)
        assert response.startswith(b"HTTP/1.1 400 ")
        assert parse_error_body(response.partition(b"\r\n\r\n")[2])["reason"] == "INVALID_REQUEST"

    await _expect_no_delay_of_other_calls(server.api, call)
