"""Serving HTTP beside gRPC."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.types import ASGIApp

from wms_core.connection_limits import ConnectionLimits
from wms_core.domain.errors import MalformedMessage, MessageTooLarge, WmsError
from wms_core.http_server import MAX_HEAD_BYTES, serve_http
from wms_core.listeners import open_listeners
from wms_server.errors import status_of
from wms_server.http.crowding import reject_over_limit
from wms_server.http.json_writing import status_json, to_bytes
from wms_server.http.refusals import RequestTooSlow
from wms_server.memory_budget import MemoryBudget

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def serve(
    application: ASGIApp, address: str, limits: ConnectionLimits, memory: MemoryBudget, *, shared: bool
) -> AsyncIterator[None]:
    """Serve HTTP at an address, shared with other processes or not; nothing when it is empty.

    The memory holds what clients have not read yet. Raises AddressError, PortInUse.
    """
    if not address:
        yield
        return

    def error_body(status: int) -> bytes:
        return to_bytes(status_json(status_of(_error_of(status, limits))))

    overflow = reject_over_limit(application, limits.max_connections)
    with open_listeners("HTTP_ADDR", address, shared=shared) as listeners:
        async with serve_http(application, listeners, limits, error_body, overflow, memory.add):
            _log.info("listening_http", address=address)
            yield


def _error_of(status: int, limits: ConnectionLimits) -> WmsError:
    """Return the error of a request that could not be read."""
    if status == 408:
        return RequestTooSlow(seconds=f"{limits.request_timeout_seconds:g}")
    return MessageTooLarge(limit=MAX_HEAD_BYTES) if status == 431 else MalformedMessage()
