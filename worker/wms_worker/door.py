"""One port for two protocols: the first bytes of a connection say whether it is for gRPC or for HTTP.

gRPC is HTTP/2 and begins with its preface, `PRI * HTTP/2.0`; whatever begins otherwise goes to the HTTP
server. Both listen on abstract Unix sockets, behind the door.
"""

import asyncio
import errno
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from wms_core.listeners import listen_address

_PREFACE = b"PRI "
_GUESTS = 128  # connections at a time
_FIRST_BYTES = 5.0  # seconds for a connection to say what it is
_HTTP = 30.0  # seconds for one HTTP exchange; gRPC probes may watch for as long as they answer pings
_CHUNK = 65_536


class PortTaken(Exception):
    """The address can't be listened on."""


class Door:
    """Leads connections to one of two servers."""

    def __init__(self, grpc: str, http: str) -> None:
        """Use `open_door` instead."""
        self._grpc = grpc
        self._http = http
        self._guests: set[asyncio.Task[None]] = set()

    def admit(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Let a connection in, unless there are too many."""
        if len(self._guests) >= _GUESTS:
            writer.transport.abort()
            return
        guest = asyncio.create_task(self._lead(reader, writer))
        self._guests.add(guest)
        guest.add_done_callback(self._guests.discard)

    async def close(self) -> None:
        """End all connections."""
        for guest in self._guests:
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)

    async def _lead(self, reader: StreamReader, writer: StreamWriter) -> None:
        # A guest that leaves, stays silent or stays too long is not worth a word.
        with suppress(OSError, EOFError, TimeoutError):
            try:
                async with asyncio.timeout(_FIRST_BYTES):
                    first = await reader.readexactly(len(_PREFACE))
                if first == _PREFACE:
                    await _connect(reader, writer, self._grpc, first)
                else:
                    async with asyncio.timeout(_HTTP):
                        await _connect(reader, writer, self._http, first)
            finally:
                writer.close()


async def _connect(reader: StreamReader, writer: StreamWriter, name: str, first: bytes) -> None:
    """Carry bytes both ways until the server has said its last."""
    from_server, to_server = await asyncio.open_unix_connection(f"\0{name}")
    to_server.write(first)
    asking = asyncio.create_task(_carry(reader, to_server))
    try:
        await _carry(from_server, writer)
    finally:
        asking.cancel()
        to_server.close()
        await asyncio.gather(asking, return_exceptions=True)


async def _carry(source: StreamReader, target: StreamWriter) -> None:
    try:
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
    finally:
        with suppress(OSError, RuntimeError):
            target.write_eof()


@asynccontextmanager
async def open_door(address: str, grpc: str, http: str) -> AsyncIterator[None]:
    """Listen on the address and lead what comes to the servers behind. Raises PortTaken, AddressError."""
    door = Door(grpc, http)
    server = await asyncio.start_server(door.admit, sock=_listen(address), limit=_CHUNK)
    try:
        yield
    finally:
        server.close()
        await door.close()


def _listen(address: str) -> socket.socket:
    host, _, port = listen_address(address).rpartition(":")
    try:
        if host == "[::]":
            return _listen_everywhere(int(port))
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        return socket.create_server((host.strip("[]"), int(port)), family=family)
    except OSError as error:
        raise PortTaken(f"WORKER_ADDR={address} is taken or can't be listened on") from error


def _listen_everywhere(port: int) -> socket.socket:
    try:
        return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    except OSError as error:
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        # A machine without IPv6.
        return socket.create_server(("0.0.0.0", port))  # noqa: S104 # what `:port` means
