"""A TCP proxy in front of Postgres or ZooKeeper that can be cut, frozen and healed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from wms_dev.ports import free_port


class Proxy:
    """Passes bytes on, while it is open; frozen, it accepts connections and passes nothing on."""

    def __init__(self, url: str) -> None:
        """Use `open_proxy` instead."""
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._port = free_port()
        self.url = url.replace(f"{self._target[0]}:{self._target[1]}", f"127.0.0.1:{self._port}")
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._outward, self._inward = asyncio.Event(), asyncio.Event()
        self._let_flow()

    async def heal(self) -> None:
        """Pass everything on, from now on or again."""
        self._let_flow()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def cut(self) -> None:
        """Break every connection and refuse new ones."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self._let_flow()
        for writer in tuple(self._writers):
            writer.transport.abort()

    def freeze(self, *, outward: bool = True, inward: bool = True) -> None:
        """Keep every connection open and pass nothing on, or nothing one way: to the service, from it."""
        for flow, frozen in ((self._outward, outward), (self._inward, inward)):
            if frozen:
                flow.clear()

    def _let_flow(self) -> None:
        self._outward.set()
        self._inward.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._kept(writer), contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            if writer.is_closing():  # cut meanwhile
                far_writer.transport.abort()
            with self._kept(far_writer):
                await asyncio.gather(
                    self._pass(reader, far_writer, self._outward),
                    self._pass(far_reader, writer, self._inward),
                )

    @contextlib.contextmanager
    def _kept(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        """Have a connection broken by `cut`, and at the end of the block unless it is being closed."""
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            if not writer.is_closing():
                writer.transport.abort()

    async def _pass(
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
async def open_proxy(url: str) -> AsyncIterator[Proxy]:
    """Give a proxy in front of the Postgres of a URL."""
    proxy = Proxy(url)
    await proxy.heal()
    try:
        yield proxy
    finally:
        await proxy.cut()
