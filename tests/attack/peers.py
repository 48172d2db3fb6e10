"""Clients that send what client libraries do not: raw bytes, raw HTTP/2 frames, handwritten HTTP/1.1.

They connect from other loopback addresses than the well-behaved caller, like a hostile client.
"""

import asyncio
import os
import struct
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import grpc

from tests.support.clients.stalled_client import StalledClient, open_stalled_client

HOSTILE_HOST = "127.0.0.2"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#: Frame types of RFC 9113.
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
ORDERS = "/wms.orders.v1.OrderService"
#: Streams per connection. Servers may limit them to 100.
STREAMS_PER_CONNECTION = 100


class Peer:
    """One connection. Received data is discarded or counted, unless the connection reads nothing."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.received = bytearray()

    async def send(self, data: bytes) -> bool:
        """Send these bytes. Return False if the server has closed the connection."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError:
            return False
        return not self.writer.is_closing()

    async def read_all(self, seconds: float) -> bytes:
        """Return the data that arrives within these seconds, or until the server closes the connection."""
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(seconds):
                while data := await self.reader.read(65_536):
                    self.received += data
        return bytes(self.received)

    async def discard(self) -> None:
        """Read and discard data until the server closes the connection."""
        with suppress(OSError):
            while await self.reader.read(65_536):
                pass

    def close(self) -> None:
        """Abort the connection."""
        self.writer.transport.abort()


async def open_peer(port: int, *, host: str = HOSTILE_HOST, reads: bool = True) -> Peer:
    """Connect from another loopback address. With `reads` False, received data stays in the kernel."""
    limit = 65_536 if reads else 1024
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0), limit=limit)
    if not reads:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
    return Peer(reader, writer)


@asynccontextmanager
async def open_peers(
    port: int, count: int, *, hosts: int = 1, reads: bool = True
) -> AsyncIterator[list[Peer]]:
    """Open this many connections from this many hostile addresses. Leave out refused connections."""
    peers: list[Peer] = []
    try:
        for number in range(count):
            with suppress(OSError):
                peers.append(await open_peer(port, host=f"127.0.0.{2 + number % hosts}", reads=reads))
        yield peers
    finally:
        for peer in peers:
            peer.close()


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return one HTTP/2 frame."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def header_block(path: str) -> bytes:
    """Return the headers of a gRPC call, each as a literal without indexing."""
    headers = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost"}
    headers |= {"te": "trailers", "content-type": "application/grpc"}
    return b"".join(literal(name.encode(), value.encode()) for name, value in headers.items())


def literal(name: bytes, value: bytes, *, indexed: bool = False) -> bytes:
    """Return a header in HPACK without Huffman coding. `indexed` adds it to the server's table."""
    return (b"\x40" if indexed else b"\x00") + _encode_text(name) + _encode_text(value)


def _encode_text(value: bytes) -> bytes:
    if len(value) < 127:
        return bytes([len(value)]) + value
    remaining, encoded = len(value) - 127, bytearray([127])
    while remaining > 127:
        encoded.append(remaining & 127 | 128)
        remaining >>= 7
    return bytes([*encoded, remaining]) + value


@asynccontextmanager
async def open_http2(port: int, count: int = 1) -> AsyncIterator[list[Peer]]:
    """Open HTTP/2 connections whose responses are discarded."""
    async with open_peers(port, count) as peers:
        readers = [asyncio.create_task(peer.discard()) for peer in peers]
        try:
            for peer in peers:
                await peer.send(PREFACE + frame(SETTINGS, 0, 0))
            yield peers
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)


async def send_batches(peer: Peer, frames: Iterable[bytes], batch: int = 200) -> Counter[str]:
    """Send frames in batches until the server closes the connection. Return how many were accepted."""
    counts: Counter[str] = Counter()
    batch_frames: list[bytes] = []
    for frame_bytes in frames:
        batch_frames.append(frame_bytes)
        if len(batch_frames) == batch:
            if not await peer.send(b"".join(batch_frames)):
                counts["connections closed"] += 1
                return counts
            counts["sent"] += len(batch_frames)
            batch_frames.clear()
            # Let other tasks read the server's responses.
            await asyncio.sleep(0)
    if batch_frames and await peer.send(b"".join(batch_frames)):
        counts["sent"] += len(batch_frames)
    return counts


def grpc_message(body: bytes) -> bytes:
    """Return a message with the length prefix of gRPC."""
    return struct.pack(">BI", 0, len(body)) + body


@asynccontextmanager
async def open_stalled_clients(
    address: str, count: int, window_bytes: int = 0
) -> AsyncIterator[list[StalledClient]]:
    """Open HTTP/2 clients that answer pings and never open a window."""
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(count):
            with suppress(OSError, TimeoutError):
                clients.append(await stack.enter_async_context(open_stalled_client(address, window_bytes)))
        yield clients


def endings(clients: Iterable[StalledClient]) -> Counter[str]:
    """Count the endings of the streams of these clients."""
    endings_by_status = Counter(status for client in clients for status in client.endings_by_stream.values())
    endings_by_status["connections closed"] = sum(client.is_closed for client in clients)
    return +endings_by_status


async def call_status(channel: grpc.aio.Channel, method: str, message: bytes, timeout_seconds: float) -> str:
    """Make a call with these bytes through a client library. Return the name of its status."""
    call: Any = channel.unary_unary(method)
    try:
        await call(message, timeout=timeout_seconds)
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


#: Options of a channel with a connection of its own, for messages of any size.
OWN_CONNECTION = (("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1))


async def http_request(peer: Peer, head: str, body: bytes = b"", seconds: float = 10.0) -> str:
    """Send a request over HTTP/1.1. Return its status, or "closed" or "silent"."""
    peer.received.clear()
    if not await peer.send(head.encode("latin-1") + body):
        return "closed"
    try:
        async with asyncio.timeout(seconds):
            line = await peer.reader.readuntil(b"\r\n")
    except TimeoutError:
        return "silent"
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return "closed"
    return line[9:12].decode("latin-1")


async def concurrently(calls: Iterable[Coroutine[Any, Any, str]], limit: int = 20) -> Counter[str]:
    """Make calls, at most `limit` at a time, and count their results."""
    counts: Counter[str] = Counter()
    pending = iter(calls)

    async def run_calls() -> None:
        for call in pending:
            counts[await call] += 1

    await asyncio.gather(*(run_calls() for _ in range(limit)))
    return counts


def head_of(method: str, path: str, *headers: str, length: int | None = None) -> str:
    """Return the head of a request. With `length`, it announces a JSON body of this many bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if length is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    return "\r\n".join(lines) + "\r\n\r\n"


def random_bytes(count: int) -> bytes:
    """Return random bytes."""
    return os.urandom(count)
