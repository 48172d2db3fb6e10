"""A gRPC client on bare HTTP/2 that opens calls and then does not read: the window of its streams is closed.

A probe whose machine died behaves like that, and so does a client whose code forgets a stream.
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

#: The method that health probes stay at.
HEALTH_WATCH = "/grpc.health.v1.Health/Watch"
#: What they watch: a process knows some of these services.
_WATCHED = ("", "liveness", "wms.orders.worker.fulfillment", "wms.orders.worker.relay")


class StalledClient:
    """One connection. It answers pings and settings, so that the server takes it for alive."""

    def __init__(self, address: str, window_bytes: int) -> None:
        """Use `open_stalled_client` instead."""
        self._address = address
        self._h2 = H2Connection(H2Configuration())
        settings = {SettingCodes.INITIAL_WINDOW_SIZE: window_bytes, SettingCodes.ENABLE_PUSH: 0}
        self._h2.local_settings = Settings(client=True, initial_values=settings)
        self._h2.local_settings.initial_window_size = window_bytes
        #: The streams whose answer has begun.
        self.begun: set[int] = set()
        #: How streams ended: the gRPC status, "RESET" and the error code, or "CLOSED" with the connection.
        self.ended: dict[int, str] = {}
        self._opened: set[int] = set()
        self.is_closed = False
        self._heard = asyncio.Event()

    @property
    def max_streams(self) -> int:
        """How many streams at a time the server allows."""
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
                        self._note(event)
                    self._flush()
                    self._heard.set()
        finally:
            self.is_closed = True
            for stream in self._opened:
                self.ended.setdefault(stream, "CLOSED")
            self._heard.set()
            self._writer.transport.abort()

    def call(self, method: str, *requests: Message | bytes, more: bool = False, encoding: str = "") -> int:
        """Begin a call; the requests fit into the window of the server. Return the id of its stream."""
        stream = self._h2.get_next_available_stream_id()
        headers = {":method": "POST", ":scheme": "http", ":authority": self._address, ":path": method}
        headers |= {"te": "trailers", "content-type": "application/grpc"}
        headers |= {"grpc-encoding": encoding} if encoding else {}
        self._h2.send_headers(stream, list(headers.items()))
        self._opened.add(stream)
        for request in requests:
            self.send(stream, request)
        if not more:
            self._h2.end_stream(stream)
        self._flush()
        return stream

    def send(self, stream: int, request: Message | bytes) -> None:
        """Send one more request in a call that was begun with `more`."""
        body = request if isinstance(request, bytes) else request.SerializeToString()
        self._h2.send_data(stream, struct.pack(">BI", 0, len(body)) + body)
        self._flush()

    async def upload(
        self, stream: int, announced_bytes: int, part: bytes, *, is_compressed: bool = False
    ) -> None:
        """Send the first part of a message, as the windows of the server let it through.

        Ends the call if it is the whole message. Returns early when the server ends the stream.
        """
        # Many calls share the part.
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
                self._heard.clear()
                await self._heard.wait()

    def _is_open(self, stream: int) -> bool:
        return stream not in self.ended and not self.is_closed

    def read_on(self, stream: int, window_bytes: int) -> None:
        """Open the window of a stream a little."""
        self._h2.increment_flow_control_window(window_bytes, stream)
        self._flush()

    def reset(self, stream: int) -> None:
        """Cancel a call."""
        self._h2.reset_stream(stream, 8)
        self._flush()

    def leave(self) -> None:
        """Break the connection without a word, as a process that is killed does."""
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    async def stalled(self, *streams: int) -> None:
        """Wait until the answers of these streams have begun; their first message waits at the server."""

        async def begun() -> bool:
            return self.begun.issuperset(streams)

        await eventually(begun, within=10)

    async def end_of(self, stream: int, within: float = 20.0) -> str:
        """Wait until the server has ended a stream. Return how, as `ended` has it."""

        async def ended() -> str:
            return self.ended.get(stream, "")

        return await eventually(ended, within)

    def _note(self, event: object) -> None:
        match event:
            case ResponseReceived(stream_id=stream, headers=headers):
                self.begun.add(stream)
                self._note_status(stream, headers)
            case TrailersReceived(stream_id=stream, headers=headers):
                self._note_status(stream, headers)
            case StreamReset(stream_id=stream, error_code=code):
                self.ended.setdefault(stream, f"RESET {code}")
            case StreamEnded(stream_id=stream):
                self.ended.setdefault(stream, "ENDED")
            case ConnectionTerminated():
                pass

    def _note_status(self, stream: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        status = dict(headers).get(b"grpc-status")
        if status is not None:
            self.ended.setdefault(stream, status.decode())

    def _flush(self) -> None:
        if data := self._h2.data_to_send():
            self._writer.write(data)


@asynccontextmanager
async def open_stalled_client(address: str, window_bytes: int = 0) -> AsyncIterator[StalledClient]:
    """Connect a client whose streams have this window, and no larger one unless it says so."""
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
async def stalled_health_watches(*addresses: str) -> AsyncIterator[None]:
    """Open health watches on processes and read nothing of them until the end of the block."""
    async with AsyncExitStack() as stack:
        for address in addresses:
            client = await stack.enter_async_context(open_stalled_client(address))
            requests = (health_pb2.HealthCheckRequest(service=name) for name in _WATCHED)
            await client.stalled(*(client.call(HEALTH_WATCH, request) for request in requests))
        yield
