"""HTTP/1.1 by uvicorn, with bounds on the time, size and number of what clients open; for server and worker.

uvicorn itself waits for ever for the end of a head, for the rest of a body that was answered early and for a
client that does not read, and it accepts any number of connections.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from socket import socket
from typing import Any

import httptools
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from wms_core.connection_limits import Admission, ConnectionLimiter, ConnectionLimits, peer_of

MAX_HEAD_BYTES = 64 * 1024  # the request line and the headers
#: How long a connection beyond the limit may take for its one request.
OVERFLOW_TIMEOUT_SECONDS = 1.0
_VERSIONS = ("1.0", "1.1")
_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    505: "HTTP Version Not Supported",
}
#: Headers that ask to change the protocol, and mean nothing without that.
_UPGRADE_HEADERS = (b"upgrade", b"http2-settings")

#: Returns the JSON of the error that a status stands for.
ErrorBody = Callable[[int], bytes]
#: Told how many bytes more wait to be read by clients, or fewer.
CountUnread = Callable[[int], None]


class HttpConnection(HttpToolsProtocol):
    """Reads the requests of one connection and writes the responses.

    Answers 408 to a head that is not complete in time, 431 to one that is too large, 400 to what is not HTTP
    or has not exactly one Host, 505 to other versions. A connection always has a request in progress or a
    timer that closes it.
    """

    parser: "RequestParser"  # type: ignore[assignment] # it has what uvicorn uses

    def __init__(
        self,
        *arguments: Any,
        limiter: ConnectionLimiter,
        overflow: ASGIApp,
        error_body: ErrorBody,
        count_unread: CountUnread,
        **named: Any,
    ) -> None:
        """Take the arguments of uvicorn, and those of `serve_http`."""
        super().__init__(*arguments, **named)
        self.parser = RequestParser(self)
        self._limiter = limiter
        self._overflow = overflow
        self._error_body = error_body
        self._count_unread = count_unread
        self._unread_bytes = 0
        self._timeout = limiter.limits.request_timeout_seconds
        self._admission = Admission.REFUSED
        self._peer = ""
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = True
        self._status = 400
        self._running_cycle: RequestResponseCycle | None = None

    @property
    def peer(self) -> str:
        """The network address of the client, as connections are counted by it."""
        return self._peer

    @property
    def _is_idle(self) -> bool:
        """Whether no request is in progress."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, if there is room for the connection."""
        super().connection_made(transport)
        self._peer = peer_of(self.client)
        self._admission = self._limiter.admit(self._peer)
        if self._admission is Admission.REFUSED:
            transport.abort()
            return
        if self._admission is Admission.OVERFLOW:
            self._timeout = min(self._timeout, OVERFLOW_TIMEOUT_SECONDS)
            self.app = self._overflow
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers and leave the place to others."""
        self._stop_head_timer()
        self._stop_write_timer()
        self._unset_keepalive_if_required()
        self._limiter.release(self._peer, self._admission)
        self._set_unread(0)
        # With pipelined requests uvicorn tells only the last of them, and the one that runs goes on writing.
        self.pipeline.clear()
        if self._running_cycle is not None and not self._running_cycle.response_complete:
            self._running_cycle.disconnected = True
            self._running_cycle.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running_cycle = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Read what has arrived, unless it is too much."""
        if self._in_head:
            self._head_bytes += len(data)
            # The chunks before this one did not complete the head; this one may hold a part of the body.
            if self._head_bytes > MAX_HEAD_BYTES + len(data):
                self._reject(431)
                return
        super().data_received(data)
        if self._is_idle and self._head_timer is None and self.timeout_keep_alive_task is None:
            # Bytes that begin no request: a stray CRLF, or the rest of a body that was answered early.
            self._start_head_timer()

    def _unset_keepalive_if_required(self) -> None:
        super()._unset_keepalive_if_required()
        self._limiter.busy(self)

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._unset_keepalive_if_required()
        if not self._in_head:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Hand the request over. Raises BadRequest, which the parser turns into its own error."""
        if self.parser.should_upgrade():
            # The parser reads the head again, without its upgrade.
            return
        self._check_head()
        self._in_head = False
        self._stop_head_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        if self._is_idle:
            # It was answered before it was complete; only from now on is the next one waited for.
            self.cycle.more_body = False
            self._stop_head_timer()
            self._keep_alive()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to read the last response."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch_writing()
        elif self.timeout_keep_alive_task is not None:
            self._limiter.idle(self)

    def _keep_alive(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        self._limiter.idle(self)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which no further request came."""
        self.close()

    def close(self) -> None:
        """Close the connection once the client has read what was written; abort it if the client does not."""
        if not self.transport.is_closing():
            self.transport.close()
            self._watch_writing()

    def pause_writing(self) -> None:
        """Begin to watch a client that reads more slowly than it is answered."""
        super().pause_writing()
        self._set_unread(self.transport.get_write_buffer_size())
        self._watch_writing()

    def resume_writing(self) -> None:
        """Stop watching, unless the connection is about to be closed."""
        self._stop_write_timer()
        self._set_unread(0)
        if self.transport.is_closing():
            self._watch_writing()
        super().resume_writing()

    def _set_unread(self, size: int) -> None:
        self._count_unread(size - self._unread_bytes)
        self._unread_bytes = size

    def _watch_writing(self) -> None:
        if self._write_timer is None:
            unread = self.transport.get_write_buffer_size()
            self._write_timer = self.loop.call_later(self._timeout, self._check_writing, unread)

    def _check_writing(self, before: int) -> None:
        """Abort the connection of a client that has read nothing at all for so long."""
        self._write_timer = None
        if self.transport.get_write_buffer_size() < before:
            self._watch_writing()
        else:
            self.transport.abort()

    def _check_head(self) -> None:
        """Raise BadRequest for another version, and unless there is exactly one Host (RFC 9112 3.2)."""
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            self._status = 505
            raise BadRequest
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise BadRequest

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 # uvicorn's words
        """Answer what could not be read."""
        self._reject(self._status)

    def _expect_head(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        self._start_head_timer()

    def _start_head_timer(self) -> None:
        self._stop_head_timer()
        self._head_timer = self.loop.call_later(self._timeout, self._end_head)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _end_head(self) -> None:
        self._head_timer = None
        if self._in_head and self._head_bytes and self._is_idle:
            self._reject(408)
        else:
            self.close()

    def _reject(self, status: int) -> None:
        """Answer with an error and close; without an answer to a request whose response has begun."""
        self._stop_head_timer()
        is_answered = self.cycle is not None and self.cycle.response_started
        if not is_answered or (self.cycle.response_complete and not self.cycle.more_body):
            body = self._error_body(status)
            head = (
                f"HTTP/1.1 {status} {_PHRASES[status]}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.close()


class BadRequest(Exception):
    """A head that HTTP does not allow."""


class RequestParser:
    """httptools' parser for a server that changes no protocol: it ignores upgrades (RFC 9110 7.8).

    httptools takes what follows the head of such a request for the other protocol, so that its body is lost.
    Here the head is read a second time without the upgrade, and the body after it.
    """

    def __init__(self, connection: HttpConnection) -> None:
        """Report to a connection."""
        self._connection = connection
        self._renew()

    def _renew(self) -> None:
        self._parser = httptools.HttpRequestParser(self._connection)
        # As uvicorn has it: a request that follows `Connection: close` is dropped, not refused.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.get_http_version = self._parser.get_http_version
        self.get_method = self._parser.get_method
        self.should_keep_alive = self._parser.should_keep_alive
        self.should_upgrade = self._parser.should_upgrade

    def feed_data(self, data: bytes) -> None:
        """Read what has arrived. Raises HttpParserError."""
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
                self._renew()
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        method, version = self.get_method(), self.get_http_version()
        if method == b"CONNECT":
            raise httptools.HttpParserError("a tunnel is not served")
        lines = [b"%s %s HTTP/%s" % (method, self._connection.url, version.encode())]
        for name, value in self._connection.headers:
            if name == b"connection":
                lines.append(b"connection: " + b", ".join(_other_options(value)))
            elif name not in _UPGRADE_HEADERS:
                lines.append(b"%s: %s" % (name, value))
        return b"\r\n".join([*lines, b"", b""])


def _last_response(application: ASGIApp) -> ASGIApp:
    """Return the application with responses after which the connection is closed."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def last(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await application(scope, receive, last)

    return answer


def _other_options(connection: bytes) -> Iterator[bytes]:
    options = (option.strip() for option in connection.split(b","))
    return (option for option in options if option.lower() not in _UPGRADE_HEADERS)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


@asynccontextmanager
async def serve_http(
    application: ASGIApp,
    listeners: Sequence[socket],
    limits: ConnectionLimits,
    error_body: ErrorBody,
    overflow: ASGIApp | None = None,
    count_unread: CountUnread = lambda _bytes: None,
) -> AsyncIterator[None]:
    """Serve an application on sockets that listen, until the end.

    `overflow` answers the one request of a connection beyond the limits; None: the application does.
    """
    protocol = partial(
        HttpConnection,
        limiter=ConnectionLimiter(limits),
        overflow=_last_response(overflow or application),
        error_body=error_body,
        count_unread=count_unread,
    )
    config = uvicorn.Config(
        application,
        http=protocol,  # type: ignore[arg-type] # it is called only
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        # Nothing depends on the client's address as a proxy tells it.
        proxy_headers=False,
        timeout_keep_alive=limits.keep_alive_seconds,  # type: ignore[arg-type] # a float is as good
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=list(listeners)))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
