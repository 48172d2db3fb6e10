"""Serving HTTP beside gRPC."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import structlog
import uvicorn
from starlette.types import ASGIApp

from wms_core.addresses import listen_address
from wms_server.http.protocol import BoundedProtocol
from wms_server.listening import PortTaken

_log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the server."""
        yield


@asynccontextmanager
async def serve(
    application: ASGIApp, address: str, patience: float, most: int, *, shared: bool
) -> AsyncIterator[None]:
    """Serve HTTP at an address, shared with other processes or not; nothing when it is empty.

    Headers have `patience` seconds to arrive; calls come by `most` connections at a time.
    Raises AddressError, PortTaken.
    """
    if not address:
        yield
        return
    config = uvicorn.Config(
        application,
        http=partial(BoundedProtocol, patience=patience, most=most),  # type: ignore[arg-type] # it is called only
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    with listener_at(address, shared) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        _log.info("listening_http", address=address)
        try:
            yield
        finally:
            server.should_exit = True
            await serving


def listener_at(address: str, shared: bool) -> socket.socket:
    """Listen at an address, perhaps beside other processes. Raises AddressError, PortTaken."""
    host, _, port = listen_address(address).rpartition(":")
    everywhere = host == "[::]" and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if everywhere else socket.AF_INET
    place = ("" if host == "[::]" else host, int(port))
    try:
        found = socket.create_server(place, family=family, dualstack_ipv6=everywhere, reuse_port=shared)
    except OSError as error:
        raise PortTaken("HTTP_ADDR", address, error.strerror or str(error)) from None
    # Connections inherit it. asyncio sets it only where a socket names its protocol, as this one does not.
    # Without it the body waits until the client acknowledges the head: 40 ms on a kept connection.
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found
