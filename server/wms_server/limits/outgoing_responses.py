"""Outgoing responses over gRPC: counted in the memory budget until they are written.

gRPC keeps a response that its client does not read until the client disconnects, and lets the server end no
such call. When the memory budget is exhausted, the server closes connections whose responses have waited too
long.
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

from wms_server.calls.streaming import SEND_TIMEOUT_SECONDS
from wms_server.limits.memory_budget import (
    CAPACITY_POLL_SECONDS,
    MAX_SMALL_BYTES,
    RESPONSE_FACTOR,
    MemoryBudget,
)

_log = structlog.get_logger("wms_server.calls.call")


class OutgoingResponses:
    """Responses and stream messages of one process that gRPC has not written yet."""

    def __init__(self, memory_budget: MemoryBudget) -> None:
        self._memory_budget = memory_budget
        memory_budget.free_memory = self.close_stalled
        #: Oldest first.
        self._held_by_number: dict[int, _HeldResponse] = {}
        self._hold_numbers = count()
        self._streamed_bytes = 0

    def hold_response(self, rpc_context: Any, size_bytes: int) -> None:
        """Count a response of `size_bytes` until its call is over."""
        rpc_context.add_done_callback(
            partial(self._release_response, self._add_response(rpc_context, size_bytes))
        )

    def create_sender(self, rpc_context: Any) -> Callable[[bytes], Awaitable[None]]:
        """Return a function that sends messages of a stream, each once the memory budget allows it.

        A message that is never read counts until the call is over.
        """
        waiting_numbers: set[int] = set()

        def release_waiting(_rpc_context: object) -> None:
            for number in waiting_numbers:
                self._release_response(number)

        async def send_message(message: bytes) -> None:
            await self._wait_for_capacity(len(message))
            number = self._add_response(rpc_context, len(message), is_streamed=True)
            waiting_numbers.add(number)
            await rpc_context.write(message)
            waiting_numbers.discard(number)
            self._release_response(number)

        rpc_context.add_done_callback(release_waiting)
        return send_message

    @asynccontextmanager
    async def hold_message(self, size_bytes: int) -> AsyncIterator[None]:
        """Count a message of an HTTP stream until the end of the block, which blocks while it is unread."""
        await self._wait_for_capacity(size_bytes)
        number = self._add_response(None, size_bytes, is_streamed=True)
        try:
            yield
        finally:
            self._release_response(number)

    def close_stalled(self) -> None:
        """Close the connections of clients that have not read their responses for a long time."""
        stalled_before = asyncio.get_running_loop().time() - SEND_TIMEOUT_SECONDS
        stalled_peers = {
            held_response.rpc_context.peer()
            for held_response in self._held_by_number.values()
            if held_response.rpc_context and held_response.held_since < stalled_before
        }
        if stalled_peers:
            _log.warning("stalled_connections_closed", peers=sorted(stalled_peers))
            close_connections(stalled_peers)

    async def _wait_for_capacity(self, size_bytes: int) -> None:
        """Wait while stream messages exceed their share: half of the memory, for large ones a quarter."""
        share_bytes = self._memory_budget.max_bytes // (4 if size_bytes > MAX_SMALL_BYTES else 2)
        while self._streamed_bytes and self._streamed_bytes + RESPONSE_FACTOR * size_bytes > share_bytes:
            self.close_stalled()
            await asyncio.sleep(CAPACITY_POLL_SECONDS)

    def _add_response(self, rpc_context: Any, size_bytes: int, *, is_streamed: bool = False) -> int:
        number = next(self._hold_numbers)
        self._held_by_number[number] = _HeldResponse(
            rpc_context, size_bytes, asyncio.get_running_loop().time(), is_streamed
        )
        self._count_bytes(RESPONSE_FACTOR * size_bytes, is_streamed=is_streamed)
        return number

    def _release_response(self, number: int, _rpc_context: object = None) -> None:
        if held_response := self._held_by_number.pop(number, None):
            self._count_bytes(
                -RESPONSE_FACTOR * held_response.size_bytes, is_streamed=held_response.is_streamed
            )

    def _count_bytes(self, size_bytes: int, *, is_streamed: bool) -> None:
        self._memory_budget.add(size_bytes)
        if is_streamed:
            self._streamed_bytes += size_bytes


class _HeldResponse(NamedTuple):
    rpc_context: Any
    size_bytes: int
    held_since: float
    is_streamed: bool


def close_connections(peer_names: Iterable[str]) -> None:
    """Close the connections to these peers, in gRPC's notation (`ipv4:127.0.0.1:5000`).

    gRPC has no function for that. It treats the end of a connection as a disconnect of the client.
    """
    addresses = {_parse_peer_address(peer_name) for peer_name in peer_names}
    for descriptor_path in Path("/proc/self/fd").iterdir():
        with suppress(OSError), _duplicate_socket(int(descriptor_path.name)) as connection:
            host, port, *_ = connection.getpeername()
            if (ip_address(host.removeprefix("::ffff:")), port) in addresses:
                connection.shutdown(socket.SHUT_RDWR)


def _duplicate_socket(descriptor_number: int) -> socket.socket:
    """Return a duplicate of an internet socket by its file descriptor. Raise `OSError` for other files."""
    duplicate_number = os.dup(descriptor_number)
    try:
        connection = socket.socket(fileno=duplicate_number)
    except OSError:
        os.close(duplicate_number)
        raise
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        connection.close()
        raise OSError(errno.EAFNOSUPPORT, "not an internet socket")
    return connection


def _parse_peer_address(peer_name: str) -> tuple[IPv4Address | IPv6Address, int]:
    host, _, port = unquote(peer_name).partition(":")[2].rpartition(":")
    return ip_address(host.strip("[]").removeprefix("::ffff:")), int(port)
