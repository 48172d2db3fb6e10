"""HTTP/1.1 server on uvicorn with limits on time, size and number of connections, for server and worker.

uvicorn itself has no timeout for an incomplete head, for the rest of a body that was answered early, or for a
client that does not read, and it has no limit of connections.
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

from wms_core.runtime.connection_limits import (
    ConnectionAdmission,
    ConnectionLimiter,
    ConnectionLimits,
    get_peer_address,
)

MAX_HEAD_BYTES = 64 * 1024  # the request line and the headers
#: Time in which a connection beyond the limit must complete its one request.
OVERFLOW_TIMEOUT_SECONDS = 1.0
_HTTP_VERSIONS = ("1.0", "1.1")
_REASON_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    505: "HTTP Version Not Supported",
}
#: Headers of a protocol upgrade, which have no other meaning.
_UPGRADE_HEADERS = (b"upgrade", b"http2-settings")

#: Returns the JSON error body for a status.
ErrorBody = Callable[[int], bytes]
#: Called with the change of the number of bytes that clients have not read.
CountUnread = Callable[[int], None]


class HttpConnection(HttpToolsProtocol):
    """Reads the requests of one connection and writes the responses.

    Answers 408 to an incomplete head after the timeout, 431 to a head that is too large, 400 to malformed
    HTTP or any number of Host headers but one, and 505 to other versions. A connection always has a request
    in progress or a timer that closes it.
    """

    parser: "RequestParser"  # type: ignore[assignment] # it has all that uvicorn uses

    def __init__(
        self,
        *uvicorn_arguments: Any,
        connection_limiter: ConnectionLimiter,
        overflow_app: ASGIApp,
        error_body: ErrorBody,
        count_unread: CountUnread,
        **uvicorn_options: Any,
    ) -> None:
        """Take the arguments of uvicorn, and those of `serve_http`."""
        super().__init__(*uvicorn_arguments, **uvicorn_options)
        self.parser = RequestParser(self)
        self._connection_limiter = connection_limiter
        self._overflow_app = overflow_app
        self._error_body = error_body
        self._count_unread = count_unread
        self._unread_bytes = 0
        self._timeout_seconds = connection_limiter.connection_limits.request_timeout_seconds
        self._connection_admission = ConnectionAdmission.OVER_ALL_LIMITS
        self._peer_address = ""
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = True
        self._error_status = 400
        self._running_cycle: RequestResponseCycle | None = None

    @property
    def peer_address(self) -> str:
        """The network address of the client, as connections are counted by it."""
        return self._peer_address

    @property
    def _is_idle(self) -> bool:
        """True while no request is in progress."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, if the limits admit the connection."""
        super().connection_made(transport)
        self._peer_address = get_peer_address(self.client)
        self._connection_admission = self._connection_limiter.admit_connection(self._peer_address)
        if self._connection_admission is ConnectionAdmission.OVER_ALL_LIMITS:
            transport.abort()
            return
        if self._connection_admission is ConnectionAdmission.IN_OVERFLOW:
            self._timeout_seconds = min(self._timeout_seconds, OVERFLOW_TIMEOUT_SECONDS)
            self.app = self._overflow_app
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers and release the connection's place in the limits."""
        self._stop_head_timer()
        self._stop_write_timer()
        self._unset_keepalive_if_required()
        self._connection_limiter.release_connection(self._peer_address, self._connection_admission)
        self._set_unread(0)
        # With pipelined requests uvicorn disconnects only the last one, so the running one would go on
        # writing.
        self.pipeline.clear()
        if self._running_cycle is not None and not self._running_cycle.response_complete:
            self._running_cycle.disconnected = True
            self._running_cycle.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running_cycle = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Read received bytes, unless the head is too large."""
        if self._in_head:
            self._head_bytes += len(data)
            # The chunks before this one did not complete the head. This one may contain a part of the body.
            if self._head_bytes > MAX_HEAD_BYTES + len(data):
                self._reject_request(431)
                return
        super().data_received(data)
        if self._is_idle and self._head_timer is None and self.timeout_keep_alive_task is None:
            # Bytes outside of a request: a stray CRLF, or the rest of a body that was answered early.
            self._start_head_timer()

    def _unset_keepalive_if_required(self) -> None:
        super()._unset_keepalive_if_required()
        self._connection_limiter.mark_busy(self)

    def on_message_begin(self) -> None:
        """Start to read a head."""
        super().on_message_begin()
        self._unset_keepalive_if_required()
        if not self._in_head:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Start the request. Raises BadRequest, which the parser turns into its own error."""
        if self.parser.should_upgrade():
            # `RequestParser` reads the head again, without its upgrade.
            return
        self._check_head()
        self._in_head = False
        self._stop_head_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Handle the end of a request."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        if self._is_idle:
            # The request was answered before it was complete; the wait for the next one starts only now.
            self.cycle.more_body = False
            self._stop_head_timer()
            self._keep_alive()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to read the last response."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch_writing()
        elif self.timeout_keep_alive_task is not None:
            self._connection_limiter.mark_idle(self)

    def _keep_alive(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        self._connection_limiter.mark_idle(self)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection without a further request."""
        self.close()

    def close(self) -> None:
        """Close the connection after the client has read all written bytes; abort it if it does not read."""
        if not self.transport.is_closing():
            self.transport.close()
            self._watch_writing()

    def pause_writing(self) -> None:
        """Start the timeout for a client that reads too slowly."""
        super().pause_writing()
        self._set_unread(self.transport.get_write_buffer_size())
        self._watch_writing()

    def resume_writing(self) -> None:
        """Stop the timeout, unless the connection is closing."""
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
            unread_bytes = self.transport.get_write_buffer_size()
            self._write_timer = self.loop.call_later(self._timeout_seconds, self._check_writing, unread_bytes)

    def _check_writing(self, unread_bytes_before: int) -> None:
        """Abort the connection of a client that has read no byte during the timeout."""
        self._write_timer = None
        if self.transport.get_write_buffer_size() < unread_bytes_before:
            self._watch_writing()
        else:
            self.transport.abort()

    def _check_head(self) -> None:
        """Raise BadRequest for an unknown version, or unless there is exactly one Host (RFC 9112 3.2)."""
        version = self.parser.get_http_version()
        if version not in _HTTP_VERSIONS:
            self._error_status = 505
            raise BadRequest
        host_count = sum(name == b"host" for name, _ in self.headers)
        if host_count > 1 or (host_count == 0 and version == "1.1"):
            raise BadRequest

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 # uvicorn's parameter
        """Answer a malformed request."""
        self._reject_request(self._error_status)

    def _expect_head(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        self._start_head_timer()

    def _start_head_timer(self) -> None:
        self._stop_head_timer()
        self._head_timer = self.loop.call_later(self._timeout_seconds, self._end_head)

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
            self._reject_request(408)
        else:
            self.close()

    def _reject_request(self, status: int) -> None:
        """Send an error and close; send nothing if the response of the request has already begun."""
        self._stop_head_timer()
        is_answered = self.cycle is not None and self.cycle.response_started
        if not is_answered or (self.cycle.response_complete and not self.cycle.more_body):
            body = self._error_body(status)
            response_head = (
                f"HTTP/1.1 {status} {_REASON_PHRASES[status]}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(response_head.encode() + body)
        self.close()


class BadRequest(Exception):
    """A request head that HTTP does not allow."""


class RequestParser:
    """Parser of httptools for a server without upgrades: it ignores them (RFC 9110 7.8).

    httptools treats all bytes after the head of such a request as the other protocol, which loses its body.
    This class parses the head again without the upgrade, and then the body.
    """

    def __init__(self, connection: HttpConnection) -> None:
        self._connection = connection
        self._reset_parser()

    def _reset_parser(self) -> None:
        self._http_parser = httptools.HttpRequestParser(self._connection)
        # As in uvicorn: a request after `Connection: close` is dropped instead of rejected.
        self._http_parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.get_http_version = self._http_parser.get_http_version
        self.get_method = self._http_parser.get_method
        self.should_keep_alive = self._http_parser.should_keep_alive
        self.should_upgrade = self._http_parser.should_upgrade

    def feed_data(self, received_bytes: bytes) -> None:
        """Parse received bytes. Raises HttpParserError."""
        while received_bytes:
            try:
                self._http_parser.feed_data(received_bytes)
            except httptools.HttpParserUpgrade as upgrade:
                received_bytes = self._build_head_without_upgrade() + received_bytes[upgrade.args[0] :]
                self._reset_parser()
            else:
                return

    def _build_head_without_upgrade(self) -> bytes:
        method, version = self.get_method(), self.get_http_version()
        if method == b"CONNECT":
            raise httptools.HttpParserError("CONNECT is not supported")
        lines = [b"%s %s HTTP/%s" % (method, self._connection.url, version.encode())]
        for name, value in self._connection.headers:
            if name == b"connection":
                lines.append(b"connection: " + b", ".join(_drop_upgrade_options(value)))
            elif name not in _UPGRADE_HEADERS:
                lines.append(b"%s: %s" % (name, value))
        return b"\r\n".join([*lines, b"", b""])


def _close_after_response(asgi_app: ASGIApp) -> ASGIApp:
    """Return the application with responses that close the connection."""

    async def respond_and_close(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_close(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await asgi_app(scope, receive, send_and_close)

    return respond_and_close


def _drop_upgrade_options(connection_header: bytes) -> Iterator[bytes]:
    options = (connection_option.strip() for connection_option in connection_header.split(b","))
    return (
        connection_option
        for connection_option in options
        if connection_option.lower() not in _UPGRADE_HEADERS
    )


class _SignalFreeServer(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


@asynccontextmanager
async def serve_http(
    asgi_app: ASGIApp,
    listening_sockets: Sequence[socket],
    connection_limits: ConnectionLimits,
    error_body: ErrorBody,
    overflow_app: ASGIApp | None = None,
    count_unread: CountUnread = lambda _bytes: None,
) -> AsyncIterator[None]:
    """Serve an application on listening sockets until the context ends.

    `overflow_app` answers the single request of a connection beyond the limits; None selects the application.
    """
    http_protocol = partial(
        HttpConnection,
        connection_limiter=ConnectionLimiter(connection_limits),
        overflow_app=_close_after_response(overflow_app or asgi_app),
        error_body=error_body,
        count_unread=count_unread,
    )
    uvicorn_config = uvicorn.Config(
        asgi_app,
        http=http_protocol,  # type: ignore[arg-type] # a factory is enough
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        # The client address from a proxy's headers is not used.
        proxy_headers=False,
        timeout_keep_alive=connection_limits.keep_alive_seconds,  # type: ignore[arg-type] # a float works as well
        timeout_graceful_shutdown=1,
    )
    server = _SignalFreeServer(uvicorn_config)
    serve_task = asyncio.create_task(server.serve(sockets=list(listening_sockets)))
    try:
        yield
    finally:
        server.should_exit = True
        await serve_task
