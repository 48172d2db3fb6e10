"""A TCP proxy whose connections break, like a bad network or a restarted load balancer."""

import asyncio
import contextlib
from typing import Self

from wms_dev.free_port import find_free_port

_CHUNK_BYTES = 65_536


class TornConnections:
    """Forwards bytes, as a context manager.

    Aborts each connection before it has returned more than `max_bytes`.
    """

    def __init__(self, target: str, max_bytes: int) -> None:
        host, _, port = target.rpartition(":")
        self._server_address = (host, int(port))
        self._max_bytes = max_bytes
        self._port = find_free_port()
        self._connection_tasks: set[asyncio.Task[None]] = set()
        self.target = f"127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in tuple(self._connection_tasks):
            task.cancel()
        await asyncio.gather(*self._connection_tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connection_tasks.add(task)
        task.add_done_callback(self._connection_tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._server_address)
        upstream_task = asyncio.create_task(_forward_bytes(reader, server_writer))
        try:
            await _forward_bytes(server_reader, writer, self._max_bytes)
        finally:
            upstream_task.cancel()
            writer.transport.abort()
            server_writer.transport.abort()


async def _forward_bytes(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, max_bytes: int | None = None
) -> None:
    """Forward until one side closes, or a chunk would exceed `max_bytes`; this chunk is dropped."""
    forwarded_bytes = 0
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            forwarded_bytes += len(data)
            if max_bytes is not None and forwarded_bytes > max_bytes:
                return
            writer.write(data)
            await writer.drain()
