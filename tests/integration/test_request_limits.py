"""What one request may cost: its bytes and its elements are bounded before anything is done for each of them.

The requests are made from the contract, for every call and every list in it. Processor time is measured, as
a busy machine takes more of any other.
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
from tests.support.api import Api
from tests.support.failures import Failure, failing, failure_of
from tests.support.floods import Flood, floods
from tests.support.http import Web, open_web, read_error
from tests.support.loop_time import LONGEST_SECONDS, measured_loop
from tests.support.raw import raw_failing
from tests.support.requests import create_order
from wms.orders.v1 import orders_pb2
from wms_server.http.bindings import bindings_of
from wms_server.request_limits import max_bytes

pytestmark = pytest.mark.one_postgres

_FLOODS = [flood for method in METHODS for flood in floods(method)]
#: Processor time of all threads together while another call is made, beside that of a large request.
_OTHER_SECONDS = 0.25


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[Web]:
    """Give a server that answers over both, and has made a call of each kind."""
    async with open_web(database_url) as opened:
        await opened.api.orders.CreateOrder(create_order(order_id="ORD-1"))
        await opened.http.get("/api/v1/orders/ORD-1")
        await opened.http.post("/api/v1/orders", json={})
        yield opened


async def _call(api: Api, method: MethodDescriptor, raw: bytes) -> Failure:
    """Make a call that has to fail with a request in bytes; of a stream the first message is awaited."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    if method.client_streaming:
        stream: Any = api.channel.stream_stream(path)
        (answer,) = [orders_pb2.IngestOrdersResponse.FromString(one) async for one in stream(iter([raw]))]
        return failure_of(answer.result.status)
    if method.server_streaming:
        started: Any = api.channel.unary_stream(path)
        return await failing(anext(aiter(started(raw))))
    return await raw_failing(api, method.containing_service.full_name, method.name, raw)


async def _sent(api: Api, method: MethodDescriptor, raw: bytes) -> None:
    """Make a call, whatever it answers."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    if method.client_streaming:
        stream: Any = api.channel.stream_stream(path)
        assert [one async for one in stream(iter([raw]))]
    elif method.server_streaming:
        started: Any = api.channel.unary_stream(path)
        await anext(aiter(started(raw)))
    else:
        unary: Any = api.channel.unary_unary(path)
        await unary(raw)


async def _others_served(api: Api) -> float:
    """Make small calls until cancelled; return the most processor time that passed during one."""
    longest = 0.0
    request = orders_pb2.GetOrderRequest(order_id="ORD-1")
    try:
        while True:
            before = time.process_time()
            await api.orders.GetOrder(request)
            longest = max(longest, time.process_time() - before)
    except asyncio.CancelledError:
        return longest


async def _held_to_limits(api: Api, call: Callable[[], Awaitable[None]]) -> None:
    """Make a call, and others meanwhile, which it does not keep waiting."""
    others = asyncio.create_task(_others_served(api))
    async with measured_loop() as loop:
        await call()
    others.cancel()
    assert loop.longest_seconds < LONGEST_SECONDS
    assert await others < _OTHER_SECONDS


@pytest.mark.parametrize("flood", _FLOODS, ids=lambda flood: flood.name)
async def test_a_request_of_the_smallest_elements_is_refused_at_once(web: Web, flood: Flood) -> None:
    """At the most bytes that its call takes, whether they are bad or good; others are served meanwhile."""

    async def call() -> None:
        limit = max_bytes(flood.method)
        for raw in (flood.message(limit), flood.message_of_many(limit)):
            if raw is not None:
                assert limit * 0.9 < len(raw) <= limit
                failure = await _call(web.api, flood.method, raw)
                assert failure.reason == "INVALID_REQUEST"
                assert failure.violations

    await _held_to_limits(web.api, call)


@pytest.mark.parametrize(
    "flood", [flood for flood in _FLOODS if not flood.is_good], ids=lambda flood: flood.name
)
async def test_a_request_with_all_the_faults_there_can_be_does_not_hold_the_loop(
    web: Web, flood: Flood
) -> None:
    """Its lists are as long as they may be, so that each element is judged."""

    async def call() -> None:
        raw = flood.longest_allowed()
        assert len(raw) <= max_bytes(flood.method)
        with suppress(grpc.aio.AioRpcError):
            await _sent(web.api, flood.method, raw)

    await _held_to_limits(web.api, call)


_OVER_HTTP = [
    flood
    for flood in _FLOODS
    if any(binding.body in ("*", flood.path[0].name) for binding in bindings_of(flood.method))
]


@pytest.mark.parametrize("flood", _OVER_HTTP, ids=lambda flood: flood.name)
async def test_a_body_of_the_smallest_elements_is_refused_at_once(web: Web, flood: Flood) -> None:
    """The same as JSON, which is read beside the event loop."""
    (binding, *_) = [one for one in bindings_of(flood.method) if one.body]
    path = flood.path if binding.body == "*" else flood.path[1:]
    body = Flood(flood.method, path, flood.is_good).json(max_bytes(flood.method))
    url = binding.template.text
    for variable in binding.template.variables:
        url = url.replace(f"{{{variable}}}", "A")

    async def call() -> None:
        request = f"{binding.method} {url} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        head = f"{request}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        answer = await web.raw(head + body)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert read_error(answer.partition(b"\r\n\r\n")[2])["reason"] == "INVALID_REQUEST"

    await _held_to_limits(web.api, call)
