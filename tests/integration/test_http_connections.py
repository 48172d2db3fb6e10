"""How many connections HTTP takes, and what becomes of the others: gRPC and probes go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.support.http import Web, open_web, read_error
from tests.support.requests import create_order
from tests.support.waiting import eventually, time_limit
from wms_core import http_server
from wms_core.connection_limits import OVERFLOW_CONNECTIONS

pytestmark = pytest.mark.one_postgres

MOST = 8
_CALL = b"GET /api/v1/orders HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
_LINE, _END = b"\r\n", b"\r\n\r\n"


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[Web]:
    """Give a server that takes few connections and bears with silence for long."""
    async with open_web(database_url, http_max_connections=MOST, http_request_timeout="20s") as opened:
        yield opened


@asynccontextmanager
async def _silent(web: Web, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Hold connections that the server has accepted and on which nothing comes."""
    opened = [await asyncio.open_connection("127.0.0.1", web.port) for _ in range(count)]
    # The last one is answered, or closed, once all before it have been accepted.
    with suppress(ConnectionError):
        await web.raw(b"GET /health HTTP/1.0\r\n\r\n")
    try:
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.close()


def _asking(method: bytes, path: bytes, body: bytes = b"") -> bytes:
    length = b"content-length: %d\r\ncontent-type: application/json" % len(body)
    return method + b" " + path + b" HTTP/1.1\r\nhost: localhost\r\n" + length + _END + body


async def test_calls_beyond_the_limit_are_refused_and_probes_answered(web: Web) -> None:
    """With an error like any other, also in the middle of a long body; then the connection is closed."""
    async with _silent(web, MOST):
        for body in (b"", b"{}", b"x" * 500_000):
            answer = await web.raw(_asking(b"POST", b"/api/v1/orders", body))
            head, _, content = answer.partition(_END)
            assert head.startswith(b"HTTP/1.1 429 ")
            lines = head.lower().split(_LINE)
            assert lines.count(b"connection: close") == 1
            assert b"retry-after: 1" in lines
            error = read_error(content)
            assert (error["reason"], error["metadata"]) == ("OVERLOADED", {"limit": str(MOST)})
            assert "connections over HTTP" in error["message"]
        for probe in (b"/health", b"/ready", b"/metrics"):
            # Not asked to close, it is closed all the same.
            assert (await web.raw(_asking(b"GET", probe))).startswith(b"HTTP/1.1 200 ")
        order = (await web.api.orders.CreateOrder(create_order())).order
        assert order.order_id
    await eventually(lambda: _is_served(web))


async def test_those_within_the_limit_go_on(web: Web) -> None:
    """Who was there first is served as ever, while others are refused."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    try:
        async with _silent(web, MOST):
            for _ in range(3):
                writer.write(_asking(b"GET", b"/api/v1/orders"))
                assert (await reader.readuntil(_END)).startswith(b"HTTP/1.1 200 ")
                await reader.readuntil(b"}")
                assert not await _is_served(web)
    finally:
        writer.close()


async def test_silence_beyond_the_limit_is_not_borne_with_for_long(web: Web) -> None:
    """A second, whatever HTTP_REQUEST_TIMEOUT is; so that places for probes come free."""
    async with _silent(web, MOST + 5) as readers, time_limit(10):
        for reader in readers[MOST:]:
            assert await reader.read() == b""
        assert not any(reader.at_eof() for reader in readers[:MOST])


async def test_a_flood_is_closed_and_harms_nobody(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the reserve a connection ends at once; gRPC goes on, and HTTP is back when they have gone."""
    monkeypatch.setattr(http_server, "OVERFLOW_TIMEOUT_SECONDS", 20.0)
    async with _silent(web, MOST + OVERFLOW_CONNECTIONS):
        for _ in range(20):
            with suppress(ConnectionError):
                assert await web.raw(_CALL) == b""
        assert (await web.api.orders.CreateOrder(create_order())).order.order_id
    await eventually(lambda: _is_served(web))


async def _is_served(web: Web) -> bool:
    return (await web.raw(_CALL)).startswith(b"HTTP/1.1 200 ")
