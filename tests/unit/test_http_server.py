"""HTTP on real connections, without the service behind it: times, numbers, and what is not quite HTTP."""

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
from wms_core import connection_limits
from wms_core.connection_limits import OVERFLOW_CONNECTIONS_PER_PEER, ConnectionLimits, peer_of
from wms_core.http_server import serve_http
from wms_core.listeners import open_listeners
from wms_dev.ports import free_port

_END = b"\r\n\r\n"
#: Is answered at once, whatever follows.
_GET = b"GET /early HTTP/1.1\r\nhost: localhost\r\n\r\n"
_EARLY = b"GET /early HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\n"
_LAST = b"GET /early HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
_UPGRADE = (
    b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
)
_LIMITS = ConnectionLimits(
    max_connections=100, max_connections_per_peer=100, request_timeout_seconds=1.0, keep_alive_seconds=2.0
)


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with method, path, headers and body of the request; at /early without waiting for the body."""
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
class Http:
    """A server that listens on a port of loopback."""

    port: int

    @asynccontextmanager
    async def connection(
        self, source: str = "127.0.0.1"
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Connect, from one of loopback's addresses."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        try:
            yield reader, writer
        finally:
            writer.close()

    async def raw(self, request: bytes, source: str = "127.0.0.1") -> bytes:
        """Send these bytes and return what comes until the server closes."""
        async with self.connection(source) as (reader, writer), time_limit(10):
            writer.write(request)
            return await reader.read()

    async def serves(self) -> bool:
        """Say whether a new connection is served."""
        return (await self.raw(_LAST)).startswith(b"HTTP/1.1 200 ")


@asynccontextmanager
async def _open_http(limits: ConnectionLimits = _LIMITS, **options: int) -> AsyncIterator[Http]:
    port = free_port()
    with open_listeners("HTTP_ADDR", f"127.0.0.1:{port}") as listeners:
        for name, value in options.items():
            listeners[0].setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        async with serve_http(_application, listeners, limits, lambda _status: b"{}", _overflow):
            yield Http(port)


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    """Give a server with short times, of which that between requests is the longer one."""
    async with _open_http() as opened:
        yield opened


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(_END)
    assert await reader.readexactly(2) == b"ok"
    return head


# Time


@pytest.mark.parametrize(
    ("request_bytes", "stray"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (_GET, b"\r\n"),
        (_GET, b"\r\n\r\n\r\n"),
        (_GET, b"GET"),
        (_EARLY, b"1"),
        (_EARLY, b"1234"),
    ],
)
async def test_stray_bytes_do_not_keep_a_connection_open(
    http: Http, request_bytes: bytes, stray: bytes
) -> None:
    """Neither a line end nor a part of a body that was answered early; the connection is closed in time."""
    async with http.connection() as (reader, writer), time_limit(5):
        if request_bytes:
            writer.write(request_bytes)
            await _answer(reader)
        writer.write(stray)
        watch = Stopwatch()
        rest = await reader.read()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")
        assert watch.seconds < 1.8


async def test_stray_bytes_again_and_again_do_not_either(http: Http) -> None:
    """The time begins with the first of them."""
    async with http.connection() as (reader, writer), time_limit(5):
        writer.write(_GET)
        await _answer(reader)
        ended = asyncio.create_task(reader.read())
        while not ended.done():
            writer.write(b"\r\n")
            await asyncio.wait({ended}, timeout=0.1)


async def test_a_connection_goes_on_after_stray_bytes(http: Http) -> None:
    """Also after the rest of a body that was answered before it came."""
    async with http.connection() as (reader, writer), time_limit(5):
        for sent in (_GET, b"\r\n\r\n" + _GET, _EARLY, b"12345" + _GET, b"\r\n" + _EARLY, b"12345" + _GET):
            writer.write(sent)
            assert (await _answer(reader)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("last", [_GET, _EARLY + b"12345"])
async def test_a_connection_is_kept_for_as_long_as_the_setting_says(http: Http, last: bytes) -> None:
    """So that a load balancer that closes its idle connections earlier never meets a closed one."""
    async with http.connection() as (reader, writer), time_limit(10):
        writer.write(last)
        await _answer(reader)
        started, watch = time.monotonic(), Stopwatch()
        assert await reader.read() == b""
        assert time.monotonic() - started >= 1.9
        assert watch.seconds < 4


async def test_a_last_answer_that_nobody_reads_does_not_keep_the_connection() -> None:
    """It is aborted when the client reads nothing for as long as a request may take; else it is sent."""
    request = b"GET /long HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    async with _open_http(SO_SNDBUF=4096) as http:
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.connect(("127.0.0.1", http.port))
            lazy.sendall(request)
            await eventually(lambda: _has_socket(http.port, lazy))
            await eventually(lambda: _has_no_socket(http.port, lazy), within=8)
        answer = await http.raw(request)
        assert answer.endswith(b"x" * 60_000)


async def _has_socket(port: int, client: socket.socket) -> bool:
    """Say whether a process holds the server's end of a connection: the kernel keeps it longer."""
    ends = f":{port:04X}", f":{client.getsockname()[1]:04X}"
    table = await asyncio.to_thread(Path("/proc/net/tcp").read_text)
    lines = [line.split() for line in table.splitlines()]
    return any(line[1].endswith(ends[0]) and line[2].endswith(ends[1]) and line[9] != "0" for line in lines)


async def _has_no_socket(port: int, client: socket.socket) -> bool:
    return not await _has_socket(port, client)


# Numbers


async def test_an_idle_connection_gives_way_to_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has been idle for longest; none that has just been used."""
    async with (
        _open_http(replace(_LIMITS, max_connections=2, keep_alive_seconds=60)) as http,
        http.connection() as older,
        http.connection() as newer,
        time_limit(10),
    ):
        for reader, writer in (older, newer):
            writer.write(_GET)
            await _answer(reader)
        assert (await http.raw(_GET)).startswith(b"HTTP/1.1 429 ")
        monkeypatch.setattr(connection_limits, "IDLE_SECONDS", 0.0)
        assert await http.serves()
        assert await older[0].read() == b""
        newer[1].write(_GET)
        assert (await _answer(newer[0])).startswith(b"HTTP/1.1 200 ")


async def test_one_address_cannot_have_all_connections() -> None:
    """What it has too many is refused; others are served, also while it holds as many as it can."""
    async with _open_http(replace(_LIMITS, max_connections=8, max_connections_per_peer=3)) as http:
        async with AsyncExitStack() as held:
            for _ in range(3 + OVERFLOW_CONNECTIONS_PER_PEER):
                await held.enter_async_context(http.connection())
            assert (await http.raw(_LAST, "127.0.0.2")).startswith(b"HTTP/1.1 200 ")
        await eventually(http.serves)
        async with http.connection(), http.connection(), http.connection():
            assert (await http.raw(_LAST, "127.0.0.2")).startswith(b"HTTP/1.1 200 ")
            refused = await http.raw(_GET)
            assert refused.startswith(b"HTTP/1.1 429 ")
            assert refused.lower().count(b"connection: close") == 1
        await eventually(http.serves)


@pytest.mark.parametrize(
    ("host", "peer"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_a_host_is_one_peer_whatever_address_of_its_network_it_takes(host: str, peer: str) -> None:
    """A host has a whole /64 of IPv6."""
    assert peer_of((host, 12345)) == peer


# Not quite HTTP


@pytest.mark.parametrize("split", [1000, 1, 7])
@pytest.mark.parametrize(
    ("head", "headers", "body"),
    [
        (b"content-length: 4\r\n", {"content-length": "4"}, b"body"),
        (b"transfer-encoding: chunked\r\n", {"transfer-encoding": "chunked"}, b"4\r\nbody\r\n0\r\n\r\n"),
        (b"x-more: 1\r\n", {"x-more": "1"}, b""),
    ],
)
async def test_an_upgrade_that_is_not_served_is_ignored(
    http: Http, split: int, head: bytes, headers: dict[str, str], body: bytes
) -> None:
    """The request is served as it is, with its body, and the connection goes on (RFC 9110 7.8)."""
    request = b"PUT /a%20path?q=1 HTTP/1.1\r\nhost: localhost\r\n" + _UPGRADE + head + b"\r\n" + body
    async with http.connection() as (reader, writer), time_limit(10):
        sent = request + request + _LAST
        for start in range(0, len(sent), split):
            writer.write(sent[start : start + split])
            await asyncio.sleep(0)
        for _ in range(2):
            await reader.readuntil(_END)
            method, path, seen, content = json.loads(await reader.readuntil(b"]"))
            assert (method, path, content) == ("PUT", "/a path", "body" if body else "")
            assert {name: value for name, value in seen.items() if name != "connection"} == headers
        assert (await _answer(reader)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("protocol", [b"websocket", b"TLS/1.0", b"foo/2, h2c"])
async def test_any_upgrade_is_ignored(http: Http, protocol: bytes) -> None:
    """Whatever the protocol is called; what else the header `Connection` says holds."""
    request = (
        b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close, upgrade\r\nupgrade: " + protocol + _END
    )
    head, _, content = (await http.raw(request)).partition(_END)
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
async def test_a_request_says_for_whom_it_is(http: Http, request_bytes: bytes, status: bytes) -> None:
    """Exactly once, but for HTTP/1.0, which knows no Host; and in a version that is served."""
    assert (await http.raw(request_bytes)).startswith(b"HTTP/1.1 %s " % status)


async def test_a_broken_body_does_not_write_into_an_answer(http: Http) -> None:
    """What follows an answer that was given early is no answer of its own."""
    chunked = b"GET /early HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    async with http.connection() as (reader, writer), time_limit(5):
        writer.write(chunked)
        await _answer(reader)
        writer.write(b"no chunk\r\n")
        assert await reader.read() == b""
