"""A TCP proxy in front of Postgres or ZooKeeper that can be cut, frozen and healed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from wms_dev.free_port import find_free_port


class TcpProxy:
    """Forwards bytes; if frozen, it accepts connections and forwards nothing. Created by `open_proxy`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._port = find_free_port()
        self.url = url.replace(f"{self._target[0]}:{self._target[1]}", f"127.0.0.1:{self._port}")
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._outward_flow, self._inward_flow = asyncio.Event(), asyncio.Event()
        self._resume_flow()

    async def heal(self) -> None:
        """Accept connections and forward all bytes."""
        self._resume_flow()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def cut(self) -> None:
        """Abort all connections and refuse new ones."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self._resume_flow()
        for writer in tuple(self._writers):
            writer.transport.abort()

    def freeze(self, *, outward: bool = True, inward: bool = True) -> None:
        """Keep all connections open and forward nothing, in both directions or in one of them."""
        for flow, is_frozen in ((self._outward_flow, outward), (self._inward_flow, inward)):
            if is_frozen:
                flow.clear()

    def _resume_flow(self) -> None:
        self._outward_flow.set()
        self._inward_flow.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._track_writer(writer), contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            if writer.is_closing():  # `cut` was called meanwhile
                far_writer.transport.abort()
            with self._track_writer(far_writer):
                await asyncio.gather(
                    self._forward_bytes(reader, far_writer, self._outward_flow),
                    self._forward_bytes(far_reader, writer, self._inward_flow),
                )

    @contextlib.contextmanager
    def _track_writer(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        """Abort a connection on `cut`, and at the end of the block unless it is being closed."""
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            if not writer.is_closing():
                writer.transport.abort()

    async def _forward_bytes(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await flow.wait()
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()


@asynccontextmanager
async def open_proxy(url: str) -> AsyncIterator[TcpProxy]:
    """Run a proxy in front of the host of a URL during the block."""
    proxy = TcpProxy(url)
    await proxy.heal()
    try:
        yield proxy
    finally:
        await proxy.cut()
