"""Answers on their way out over gRPC: held until they are written.

gRPC keeps an answer that its client does not read until the client leaves, and lets a server end no such
call. When there is no room for others, the connections are closed whose answers have waited for long.
"""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import structlog

from wms_server.memory_budget import RESPONSE_FACTOR, ROOM_SECONDS, SMALL_BYTES, MemoryBudget
from wms_server.streams import SEND_PATIENCE

_log = structlog.get_logger("wms_server.calls")


class OutgoingResponses:
    """The answers, and messages of streams, that one process has handed to gRPC and that are not written."""

    def __init__(self, memory: MemoryBudget) -> None:
        """Hold them in the memory, and free it when there is no room."""
        self._memory = memory
        memory.free = self.close_stalled
        #: The oldest first.
        self._held: dict[int, _Held] = {}
        self._numbers = count()
        self._streamed_bytes = 0

    def hold(self, context: Any, size: int) -> None:
        """Hold an answer of so many bytes until its call is over."""
        context.add_done_callback(partial(self._release, self._add(context, size)))

    def sender(self, context: Any) -> Callable[[bytes], Awaitable[None]]:
        """Return what writes the messages of a stream, each once there is room for it.

        One that is stuck is held until the call is over.
        """
        waiting: set[int] = set()

        def release(_context: object) -> None:
            for number in waiting:
                self._release(number)

        async def send(message: bytes) -> None:
            await self._wait_for_room(len(message))
            number = self._add(context, len(message), is_streamed=True)
            waiting.add(number)
            await context.write(message)
            waiting.discard(number)
            self._release(number)

        context.add_done_callback(release)
        return send

    @asynccontextmanager
    async def sending(self, size: int) -> AsyncIterator[None]:
        """Hold a message of a stream over HTTP until the end of the block, which waits while it is unread."""
        await self._wait_for_room(size)
        number = self._add(None, size, is_streamed=True)
        try:
            yield
        finally:
            self._release(number)

    def close_stalled(self) -> None:
        """Close the connections of clients that have not read for long what is held for them."""
        before = asyncio.get_running_loop().time() - SEND_PATIENCE
        stalled = {
            held.context.peer() for held in self._held.values() if held.context and held.since < before
        }
        if stalled:
            _log.warning("stalled_connections_closed", peers=sorted(stalled))
            close_connections(stalled)

    async def _wait_for_room(self, size: int) -> None:
        """Wait while the messages of streams hold their share: a half of the memory, large ones a quarter."""
        share = self._memory.max_bytes // (4 if size > SMALL_BYTES else 2)
        while self._streamed_bytes and self._streamed_bytes + RESPONSE_FACTOR * size > share:
            self.close_stalled()
            await asyncio.sleep(ROOM_SECONDS)

    def _add(self, context: Any, size: int, *, is_streamed: bool = False) -> int:
        number = next(self._numbers)
        self._held[number] = _Held(context, size, asyncio.get_running_loop().time(), is_streamed)
        self._count(RESPONSE_FACTOR * size, is_streamed=is_streamed)
        return number

    def _release(self, number: int, _context: object = None) -> None:
        if held := self._held.pop(number, None):
            self._count(-RESPONSE_FACTOR * held.size, is_streamed=held.is_streamed)

    def _count(self, size: int, *, is_streamed: bool) -> None:
        self._memory.add(size)
        if is_streamed:
            self._streamed_bytes += size


class _Held(NamedTuple):
    context: Any
    size: int
    since: float
    is_streamed: bool


def close_connections(peers: Iterable[str]) -> None:
    """Close the connections to these peers, as gRPC names them (`ipv4:127.0.0.1:5000`).

    gRPC has no way to do that. It notices the end of a connection as if the client had closed it.
    """
    addresses = {_address(peer) for peer in peers}
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError), _duplicate(int(descriptor.name)) as connection:
            host, port, *_ = connection.getpeername()
            if (ip_address(host.removeprefix("::ffff:")), port) in addresses:
                connection.shutdown(socket.SHUT_RDWR)


def _duplicate(number: int) -> socket.socket:
    """Return a socket of ours for a file descriptor. Raises OSError when it is no internet socket."""
    duplicate = os.dup(number)
    try:
        connection = socket.socket(fileno=duplicate)
    except OSError:
        os.close(duplicate)
        raise
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        connection.close()
        raise OSError(errno.EAFNOSUPPORT, "no internet socket")
    return connection


def _address(peer: str) -> tuple[IPv4Address | IPv6Address, int]:
    host, _, port = unquote(peer).partition(":")[2].rpartition(":")
    return ip_address(host.strip("[]").removeprefix("::ffff:")), int(port)
