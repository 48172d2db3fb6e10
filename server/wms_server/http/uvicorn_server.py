"""The HTTP server: uvicorn with connection limits, and the response to connections over the limit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from wms_core.domain.errors import MalformedMessage, MessageTooLarge, WmsError
from wms_core.runtime.connection_limits import ConnectionLimits
from wms_core.runtime.http_server import MAX_HEAD_BYTES, OVERFLOW_TIMEOUT_SECONDS, serve_http
from wms_core.runtime.listeners import open_listeners
from wms_server.calls.error_status import to_status
from wms_server.http.app import send_error_response
from wms_server.http.json_encoding import encode_json, status_to_json
from wms_server.http.responses import RequestTooSlow, TooManyConnections
from wms_server.limits.memory_budget import MemoryBudget

#: Probes are served even on connections over the limit.
PROBE_PATHS = frozenset({"/health", "/ready", "/metrics"})


def reject_over_limit(asgi_app: ASGIApp, max_connections: int) -> ASGIApp:
    """Return the application for a connection over the limit: it serves probes and rejects calls."""

    async def respond_over_limit(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in PROBE_PATHS:
            await asgi_app(scope, receive, send)
            return
        error = TooManyConnections(limit=max_connections)
        await send_error_response(scope, receive, send, error, OVERFLOW_TIMEOUT_SECONDS)

    return respond_over_limit


_log = structlog.get_logger(__name__)


@asynccontextmanager
async def serve(
    asgi_app: ASGIApp,
    address: str,
    connection_limits: ConnectionLimits,
    memory_budget: MemoryBudget,
    *,
    is_shared: bool,
) -> AsyncIterator[None]:
    """Serve HTTP at an address until the end of the block; do nothing if the address is empty.

    With `is_shared`, other processes listen at the same address. The memory budget counts response bytes that
    clients have not read yet.

    Raises:
        AddressError: the address is invalid.
        PortInUse: another process listens at the address.
    """
    if not address:
        yield
        return

    def error_body(status: int) -> bytes:
        return encode_json(status_to_json(to_status(_build_read_error(status, connection_limits))))

    overflow_app = reject_over_limit(asgi_app, connection_limits.max_connections)
    with open_listeners("HTTP_ADDR", address, is_shared=is_shared) as listening_sockets:
        async with serve_http(
            asgi_app, listening_sockets, connection_limits, error_body, overflow_app, memory_budget.add
        ):
            _log.info("listening_http", address=address)
            yield


def _build_read_error(status: int, connection_limits: ConnectionLimits) -> WmsError:
    """Return the error of a request that the HTTP parser rejected."""
    if status == 408:
        return RequestTooSlow(seconds=f"{connection_limits.request_timeout_seconds:g}")
    return MessageTooLarge(limit=MAX_HEAD_BYTES) if status == 431 else MalformedMessage()
