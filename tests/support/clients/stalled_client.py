"""A gRPC client on bare HTTP/2 that opens calls and does not read: its flow control windows stay closed.

A probe whose machine has died behaves like this, and a client whose code leaks a stream.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.settings import SettingCodes, Settings
from tests.support.waiting import eventually, time_limit

#: The streaming method of health probes.
HEALTH_WATCH = "/grpc.health.v1.Health/Watch"
#: Service names of the health service; a process knows some of them.
_WATCHED_SERVICES = ("", "liveness", "wms.orders.worker.fulfillment", "wms.orders.worker.relay")


class StalledClient:
    """One connection, created by `open_stalled_client`; it answers pings and settings, so it seems alive."""

    def __init__(self, address: str, window_bytes: int) -> None:
        self._address = address
        self._h2 = H2Connection(H2Configuration())
        settings = {SettingCodes.INITIAL_WINDOW_SIZE: window_bytes, SettingCodes.ENABLE_PUSH: 0}
        self._h2.local_settings = Settings(client=True, initial_values=settings)
        self._h2.local_settings.initial_window_size = window_bytes
        #: The streams whose response has begun.
        self.started_streams: set[int] = set()
        #: How streams ended: the gRPC status, "RESET" and the error code, or "CLOSED" with the connection.
        self.endings_by_stream: dict[int, str] = {}
        self._opened_streams: set[int] = set()
        self.is_closed = False
        self._data_received = asyncio.Event()

    @property
    def max_streams(self) -> int:
        """The maximum number of concurrent streams that the server allows."""
        return int(self._h2.remote_settings.max_concurrent_streams)

    async def run(self, connected: asyncio.Event) -> None:
        """Serve the connection until the server closes it."""
        host, _, port = self._address.rpartition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        self._h2.initiate_connection()
        self._flush()
        connected.set()
        try:
            with suppress(OSError):
                while data := await self._reader.read(65_536):
                    for event in self._h2.receive_data(data):
                        self._record_event(event)
                    self._flush()
                    self._data_received.set()
        finally:
            self.is_closed = True
            for stream in self._opened_streams:
                self.endings_by_stream.setdefault(stream, "CLOSED")
            self._data_received.set()
            self._writer.transport.abort()

    def call(
        self, method: str, *requests: Message | bytes, is_unfinished: bool = False, encoding: str = ""
    ) -> int:
        """Start a call whose requests fit into the server's window. Return the id of its stream."""
        stream = self._h2.get_next_available_stream_id()
        headers = {":method": "POST", ":scheme": "http", ":authority": self._address, ":path": method}
        headers |= {"te": "trailers", "content-type": "application/grpc"}
        headers |= {"grpc-encoding": encoding} if encoding else {}
        self._h2.send_headers(stream, list(headers.items()))
        self._opened_streams.add(stream)
        for request in requests:
            self.send(stream, request)
        if not is_unfinished:
            self._h2.end_stream(stream)
        self._flush()
        return stream

    def send(self, stream: int, request: Message | bytes) -> None:
        """Send another request in a call that was started with `is_unfinished`."""
        body = request if isinstance(request, bytes) else request.SerializeToString()
        self._h2.send_data(stream, struct.pack(">BI", 0, len(body)) + body)
        self._flush()

    async def upload(
        self, stream: int, announced_bytes: int, part: bytes, *, is_compressed: bool = False
    ) -> None:
        """Send the first part of a message, as fast as the server's windows allow.

        Ends the call if the part is the complete message. Returns early if the server ends the stream.
        """
        # No copy of `part`: many calls share it.
        for piece in (struct.pack(">BI", is_compressed, announced_bytes), part):
            await self._send_piece(stream, memoryview(piece))
        if announced_bytes == len(part) and self._is_open(stream):
            self._h2.end_stream(stream)
            self._flush()

    async def _send_piece(self, stream: int, data: memoryview) -> None:
        while data and self._is_open(stream):
            window = self._h2.local_flow_control_window(stream)
            size = min(window, self._h2.max_outbound_frame_size, len(data))
            if size:
                self._h2.send_data(stream, data[:size].tobytes())
                data = data[size:]
                self._flush()
                await self._writer.drain()
            else:
                self._data_received.clear()
                await self._data_received.wait()

    def _is_open(self, stream: int) -> bool:
        return stream not in self.endings_by_stream and not self.is_closed

    def widen_window(self, stream: int, window_bytes: int) -> None:
        """Enlarge the window of a stream by `window_bytes`."""
        self._h2.increment_flow_control_window(window_bytes, stream)
        self._flush()

    def reset(self, stream: int) -> None:
        """Cancel a call."""
        self._h2.reset_stream(stream, 8)
        self._flush()

    def abort_connection(self) -> None:
        """Reset the connection, as the kernel of a killed process does."""
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    async def wait_until_stalled(self, *streams: int) -> None:
        """Wait until the responses of these streams have begun; their first message waits at the server."""

        async def have_started() -> bool:
            return self.started_streams.issuperset(streams)

        await eventually(have_started, within=10)

    async def wait_for_end(self, stream: int, within: float = 20.0) -> str:
        """Wait until the server has ended a stream. Return its value of `endings_by_stream`."""

        async def find_ending() -> str:
            return self.endings_by_stream.get(stream, "")

        return await eventually(find_ending, within)

    def _record_event(self, event: object) -> None:
        match event:
            case ResponseReceived(stream_id=stream, headers=headers):
                self.started_streams.add(stream)
                self._record_status(stream, headers)
            case TrailersReceived(stream_id=stream, headers=headers):
                self._record_status(stream, headers)
            case StreamReset(stream_id=stream, error_code=code):
                self.endings_by_stream.setdefault(stream, f"RESET {code}")
            case StreamEnded(stream_id=stream):
                self.endings_by_stream.setdefault(stream, "ENDED")
            case ConnectionTerminated():
                pass

    def _record_status(self, stream: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        status = dict(headers).get(b"grpc-status")
        if status is not None:
            self.endings_by_stream.setdefault(stream, status.decode())

    def _flush(self) -> None:
        if data := self._h2.data_to_send():
            self._writer.write(data)


@asynccontextmanager
async def open_stalled_client(address: str, window_bytes: int = 0) -> AsyncIterator[StalledClient]:
    """Connect a client whose streams have a window of this size until `widen_window`."""
    client, connected = StalledClient(address, window_bytes), asyncio.Event()
    task = asyncio.create_task(client.run(connected))
    try:
        async with time_limit(10):
            await connected.wait()
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def open_stalled_health_watches(*addresses: str) -> AsyncIterator[None]:
    """Open health watches on processes, and read none of their messages during the block."""
    async with AsyncExitStack() as stack:
        for address in addresses:
            client = await stack.enter_async_context(open_stalled_client(address))
            requests = (health_pb2.HealthCheckRequest(service=name) for name in _WATCHED_SERVICES)
            await client.wait_until_stalled(*(client.call(HEALTH_WATCH, request) for request in requests))
        yield
