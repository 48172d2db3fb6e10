"""HTTP on real connections without the service: timeouts, limits, and malformed requests."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from tests.support.waiting import Stopwatch, eventually, time_limit

from wms_core.runtime import connection_limits
from wms_core.runtime.connection_limits import (
    OVERFLOW_CONNECTIONS_PER_PEER,
    ConnectionLimits,
    get_peer_address,
)
from wms_core.runtime.http_server import serve_http
from wms_core.runtime.listeners import open_listeners
from wms_dev.free_port import find_free_port

_END = b"\r\n\r\n"
#: The application responds to these requests at once and ignores their body.
_GET = b"GET /early HTTP/1.1\r\nhost: localhost\r\n\r\n"
_WITH_BODY = b"GET /early HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\n"
_CLOSING = b"GET /early HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
_UPGRADE = (
    b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
)
_LIMITS = ConnectionLimits(
    max_connections=100, max_connections_per_peer=100, request_timeout_seconds=1.0, keep_alive_seconds=2.0
)


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with method, path, headers and body of the request.

    At /early, respond without reading the body.
    """
    request = Request(scope, receive)
    if scope["path"] == "/early":
        response: Response = Response("ok")
    elif scope["path"] == "/long":
        response = Response(b"x" * 60_000)
    else:
        body = (await request.body()).decode()
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        response = JSONResponse([request.method, scope["path"], headers, body])
    await response(scope, receive, send)


async def _overflow(scope: Scope, receive: Receive, send: Send) -> None:
    await Response("no room", 429)(scope, receive, send)


@dataclass(frozen=True, slots=True)
class HttpEndpoint:
    """A server that listens on a loopback port."""

    port: int

    @asynccontextmanager
    async def connection(
        self, source: str = "127.0.0.1"
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Connect from a loopback address."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        try:
            yield reader, writer
        finally:
            writer.close()

    async def send_raw(self, request: bytes, source: str = "127.0.0.1") -> bytes:
        """Send these bytes and return the data until the server closes the connection."""
        async with self.connection(source) as (reader, writer), time_limit(10):
            writer.write(request)
            return await reader.read()

    async def is_serving(self) -> bool:
        """Return whether a new connection is served."""
        return (await self.send_raw(_CLOSING)).startswith(b"HTTP/1.1 200 ")


@asynccontextmanager
async def _open_http(limits: ConnectionLimits = _LIMITS, **options: int) -> AsyncIterator[HttpEndpoint]:
    port = find_free_port()
    with open_listeners("HTTP_ADDR", f"127.0.0.1:{port}") as listeners:
        for name, value in options.items():
            listeners[0].setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        async with serve_http(_application, listeners, limits, lambda _status: b"{}", _overflow):
            yield HttpEndpoint(port)


@pytest.fixture
async def http() -> AsyncIterator[HttpEndpoint]:
    """Yield a server with short timeouts. The keep-alive timeout is the longer one."""
    async with _open_http() as endpoint:
        yield endpoint


async def _read_response_head(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(_END)
    assert await reader.readexactly(2) == b"ok"
    return head


# Timeouts


@pytest.mark.parametrize(
    ("request_bytes", "extra_bytes"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (_GET, b"\r\n"),
        (_GET, b"\r\n\r\n\r\n"),
        (_GET, b"GET"),
        (_WITH_BODY, b"1"),
        (_WITH_BODY, b"1234"),
    ],
)
async def test_extra_bytes_do_not_keep_a_connection_open(
    http: HttpEndpoint, request_bytes: bytes, extra_bytes: bytes
) -> None:
    """Extra bytes are a line end, or a part of a body after an early response. The timeout still applies."""
    async with http.connection() as (reader, writer), time_limit(5):
        if request_bytes:
            writer.write(request_bytes)
            await _read_response_head(reader)
        writer.write(extra_bytes)
        stopwatch = Stopwatch()
        remaining = await reader.read()
        assert remaining == b"" or remaining.startswith(b"HTTP/1.1 408 ")
        assert stopwatch.seconds < 1.8


async def test_repeated_extra_bytes_do_not_keep_a_connection_open(http: HttpEndpoint) -> None:
    """The timeout starts with the first of them."""
    async with http.connection() as (reader, writer), time_limit(5):
        writer.write(_GET)
        await _read_response_head(reader)
        read_task = asyncio.create_task(reader.read())
        while not read_task.done():
            writer.write(b"\r\n")
            await asyncio.wait({read_task}, timeout=0.1)


async def test_connection_is_usable_after_extra_bytes(http: HttpEndpoint) -> None:
    """This holds even after the rest of a body whose response was sent early."""
    async with http.connection() as (reader, writer), time_limit(5):
        for data in (
            _GET,
            b"\r\n\r\n" + _GET,
            _WITH_BODY,
            b"12345" + _GET,
            b"\r\n" + _WITH_BODY,
            b"12345" + _GET,
        ):
            writer.write(data)
            assert (await _read_response_head(reader)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("last_request", [_GET, _WITH_BODY + b"12345"])
async def test_connection_is_kept_for_the_keep_alive_time(http: HttpEndpoint, last_request: bytes) -> None:
    """A load balancer that closes idle connections earlier therefore never uses a closed one."""
    async with http.connection() as (reader, writer), time_limit(10):
        writer.write(last_request)
        await _read_response_head(reader)
        started, stopwatch = time.monotonic(), Stopwatch()
        assert await reader.read() == b""
        assert time.monotonic() - started >= 1.9
        assert stopwatch.seconds < 4


async def test_unread_last_response_does_not_keep_the_connection() -> None:
    """The connection is aborted if the client reads nothing within the request timeout."""
    request = b"GET /long HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    async with _open_http(SO_SNDBUF=4096) as http:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", http.port))
            client.sendall(request)
            await eventually(lambda: _server_holds_socket(http.port, client))
            await eventually(lambda: _server_has_closed_socket(http.port, client), within=8)
        response = await http.send_raw(request)
        assert response.endswith(b"x" * 60_000)


async def _server_holds_socket(port: int, client: socket.socket) -> bool:
    """Return whether a process holds the server's end of a connection. The kernel keeps its entry longer."""
    port_suffixes = f":{port:04X}", f":{client.getsockname()[1]:04X}"
    table = await asyncio.to_thread(Path("/proc/net/tcp").read_text)
    lines = [line.split() for line in table.splitlines()]
    return any(
        line[1].endswith(port_suffixes[0]) and line[2].endswith(port_suffixes[1]) and line[9] != "0"
        for line in lines
    )


async def _server_has_closed_socket(port: int, client: socket.socket) -> bool:
    return not await _server_holds_socket(port, client)


# Limits


async def test_idle_connection_is_closed_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server closes the longest idle connection, and no recently used one."""
    async with (
        _open_http(replace(_LIMITS, max_connections=2, keep_alive_seconds=60)) as http,
        http.connection() as older,
        http.connection() as newer,
        time_limit(10),
    ):
        for reader, writer in (older, newer):
            writer.write(_GET)
            await _read_response_head(reader)
        assert (await http.send_raw(_GET)).startswith(b"HTTP/1.1 429 ")
        monkeypatch.setattr(connection_limits, "IDLE_SECONDS", 0.0)
        assert await http.is_serving()
        assert await older[0].read() == b""
        newer[1].write(_GET)
        assert (await _read_response_head(newer[0])).startswith(b"HTTP/1.1 200 ")


async def test_one_address_cannot_use_all_connections() -> None:
    """Its excess connections are rejected. Other addresses are served meanwhile."""
    async with _open_http(replace(_LIMITS, max_connections=8, max_connections_per_peer=3)) as http:
        async with AsyncExitStack() as connections:
            for _ in range(3 + OVERFLOW_CONNECTIONS_PER_PEER):
                await connections.enter_async_context(http.connection())
            assert (await http.send_raw(_CLOSING, "127.0.0.2")).startswith(b"HTTP/1.1 200 ")
        await eventually(http.is_serving)
        async with http.connection(), http.connection(), http.connection():
            assert (await http.send_raw(_CLOSING, "127.0.0.2")).startswith(b"HTTP/1.1 200 ")
            rejected = await http.send_raw(_GET)
            assert rejected.startswith(b"HTTP/1.1 429 ")
            assert rejected.lower().count(b"connection: close") == 1
        await eventually(http.is_serving)


@pytest.mark.parametrize(
    ("host", "peer"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_addresses_of_a_network_are_one_peer(host: str, peer: str) -> None:
    """An IPv6 host has an entire /64 network."""
    assert get_peer_address((host, 12345)) == peer


# Malformed and unusual requests


@pytest.mark.parametrize("split", [1000, 1, 7])
@pytest.mark.parametrize(
    ("head", "headers", "body"),
    [
        (b"content-length: 4\r\n", {"content-length": "4"}, b"body"),
        (b"transfer-encoding: chunked\r\n", {"transfer-encoding": "chunked"}, b"4\r\nbody\r\n0\r\n\r\n"),
        (b"x-more: 1\r\n", {"x-more": "1"}, b""),
    ],
)
async def test_unsupported_upgrade_is_ignored(
    http: HttpEndpoint, split: int, head: bytes, headers: dict[str, str], body: bytes
) -> None:
    """The request is served with its body, and the connection stays usable (RFC 9110, section 7.8)."""
    request = b"PUT /a%20path?q=1 HTTP/1.1\r\nhost: localhost\r\n" + _UPGRADE + head + b"\r\n" + body
    async with http.connection() as (reader, writer), time_limit(10):
        data = request + request + _CLOSING
        for start in range(0, len(data), split):
            writer.write(data[start : start + split])
            await asyncio.sleep(0)
        for _ in range(2):
            await reader.readuntil(_END)
            method, path, received_headers, content = json.loads(await reader.readuntil(b"]"))
            assert (method, path, content) == ("PUT", "/a path", "body" if body else "")
            assert {
                name: value for name, value in received_headers.items() if name != "connection"
            } == headers
        assert (await _read_response_head(reader)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("protocol", [b"websocket", b"TLS/1.0", b"foo/2, h2c"])
async def test_any_upgrade_protocol_is_ignored(http: HttpEndpoint, protocol: bytes) -> None:
    """Other options of the header `Connection` still apply."""
    request = (
        b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close, upgrade\r\nupgrade: " + protocol + _END
    )
    head, _, content = (await http.send_raw(request)).partition(_END)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(content) == ["GET", "/", {"connection": "close"}, ""]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /early HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /early HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", b"400"),
        (b"GET /early HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", b"400"),
        (b"GET /early HTTP/2.0\r\nhost: a\r\n\r\n", b"505"),
        (b"CONNECT localhost:80 HTTP/1.1\r\nhost: a\r\n\r\n", b"400"),
        (b"GET /early HTTP/1.0\r\n\r\n", b"200"),
    ],
)
async def test_request_needs_one_host_header(http: HttpEndpoint, request_bytes: bytes, status: bytes) -> None:
    """HTTP/1.0 requests may omit it. An unsupported HTTP version is rejected."""
    assert (await http.send_raw(request_bytes)).startswith(b"HTTP/1.1 %s " % status)


async def test_malformed_body_causes_no_second_response(http: HttpEndpoint) -> None:
    """The early response is the only one."""
    chunked = b"GET /early HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    async with http.connection() as (reader, writer), time_limit(5):
        writer.write(chunked)
        await _read_response_head(reader)
        writer.write(b"no chunk\r\n")
        assert await reader.read() == b""
