"""A way to a server on which connections tear, as on a bad line or behind a restarted balancer."""

import asyncio
import contextlib
from typing import Self

from wms_dev.ports import free_port

_CHUNK = 65_536


class TornConnections:
    """Passes bytes on, while entered; ends each connection before it has brought back more than `budget`."""

    def __init__(self, target: str, budget: int) -> None:
        host, _, port = target.rpartition(":")
        self._far = (host, int(port))
        self._budget = budget
        self._port = free_port()
        self._serving: set[asyncio.Task[None]] = set()
        self.target = f"127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in tuple(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._far)
        there = asyncio.create_task(_pass(reader, far_writer))
        try:
            await _pass(far_reader, writer, self._budget)
        finally:
            there.cancel()
            writer.transport.abort()
            far_writer.transport.abort()


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: int | None = None
) -> None:
    """Until one side ends, or a piece would take more than the budget; that one is lost as a whole."""
    passed = 0
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            passed += len(data)
            if budget is not None and passed > budget:
                return
            writer.write(data)
            await writer.drain()
