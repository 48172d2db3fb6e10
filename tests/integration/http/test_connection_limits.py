"""The limit of HTTP connections, and its effect on further ones: gRPC and probes are not affected."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.support.builders.requests import create_order
from tests.support.clients.http import HttpTestServer, open_http_server, parse_error_body
from tests.support.waiting import eventually, time_limit
from wms_core.runtime import http_server
from wms_core.runtime.connection_limits import OVERFLOW_CONNECTIONS

pytestmark = pytest.mark.one_postgres

MAX_CONNECTIONS = 8
_CALL = b"GET /api/v1/orders HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
_LINE, _END = b"\r\n", b"\r\n\r\n"


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[HttpTestServer]:
    """Yield a server with few HTTP connections and a long request timeout."""
    async with open_http_server(
        database_url, http_max_connections=MAX_CONNECTIONS, http_request_timeout="20s"
    ) as opened:
        yield opened


@asynccontextmanager
async def _idle_connections(web: HttpTestServer, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Keep connections open that the server has accepted and that send no byte."""
    opened = [await asyncio.open_connection("127.0.0.1", web.port) for _ in range(count)]
    # The last connection is answered or closed after all others have been accepted.
    with suppress(ConnectionError):
        await web.send_raw(b"GET /health HTTP/1.0\r\n\r\n")
    try:
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.close()


def _request(method: bytes, path: bytes, body: bytes = b"") -> bytes:
    length = b"content-length: %d\r\ncontent-type: application/json" % len(body)
    return method + b" " + path + b" HTTP/1.1\r\nhost: localhost\r\n" + length + _END + body


async def test_calls_over_the_limit_are_rejected_and_probes_served(web: HttpTestServer) -> None:
    """With an ordinary error, also within a long body. Then the connection is closed."""
    async with _idle_connections(web, MAX_CONNECTIONS):
        for body in (b"", b"{}", b"x" * 500_000):
            response = await web.send_raw(_request(b"POST", b"/api/v1/orders", body))
            head, _, content = response.partition(_END)
            assert head.startswith(b"HTTP/1.1 429 ")
            lines = head.lower().split(_LINE)
            assert lines.count(b"connection: close") == 1
            assert b"retry-after: 1" in lines
            error = parse_error_body(content)
            assert (error["reason"], error["metadata"]) == ("OVERLOADED", {"limit": str(MAX_CONNECTIONS)})
            assert "connections over HTTP" in error["message"]
        for probe in (b"/health", b"/ready", b"/metrics"):
            # It is closed although the client did not request it.
            assert (await web.send_raw(_request(b"GET", probe))).startswith(b"HTTP/1.1 200 ")
        order = (await web.api.orders.CreateOrder(create_order())).order
        assert order.order_id
    await eventually(lambda: _is_served(web))


async def test_connections_within_the_limit_are_served(web: HttpTestServer) -> None:
    """Existing connections are served as before while others are rejected."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    try:
        async with _idle_connections(web, MAX_CONNECTIONS):
            for _ in range(3):
                writer.write(_request(b"GET", b"/api/v1/orders"))
                assert (await reader.readuntil(_END)).startswith(b"HTTP/1.1 200 ")
                await reader.readuntil(b"}")
                assert not await _is_served(web)
    finally:
        writer.close()


async def test_idle_connections_over_the_limit_are_closed_soon(web: HttpTestServer) -> None:
    """After a second, with any HTTP_REQUEST_TIMEOUT, so that probes can connect."""
    async with _idle_connections(web, MAX_CONNECTIONS + 5) as readers, time_limit(10):
        for reader in readers[MAX_CONNECTIONS:]:
            assert await reader.read() == b""
        assert not any(reader.at_eof() for reader in readers[:MAX_CONNECTIONS])


async def test_a_flood_of_connections_is_closed(web: HttpTestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the reserve a connection is closed immediately. gRPC is served all the time."""
    monkeypatch.setattr(http_server, "OVERFLOW_TIMEOUT_SECONDS", 20.0)
    async with _idle_connections(web, MAX_CONNECTIONS + OVERFLOW_CONNECTIONS):
        for _ in range(20):
            with suppress(ConnectionError):
                assert await web.send_raw(_CALL) == b""
        assert (await web.api.orders.CreateOrder(create_order())).order.order_id
    await eventually(lambda: _is_served(web))


async def _is_served(web: HttpTestServer) -> bool:
    return (await web.send_raw(_CALL)).startswith(b"HTTP/1.1 200 ")
