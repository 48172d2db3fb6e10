"""A server that may open few files: a flood takes no more than it is given, and probes are answered."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.pages import get, metric
from tests.support.processes import open_client
from tests.support.requests import create_order
from tests.support.waiting import eventually
from wms_core.file_descriptors import raise_descriptor_limit
from wms_core.tether import tethered
from wms_dev.ports import free_port

pytestmark = [pytest.mark.one_postgres, pytest.mark.slow]
_LIMIT = 256
_FLOOD = 400
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"


class Limited:
    """A server process that may open so many files."""

    def __init__(self, database_url: str, log: Path) -> None:
        """Start it."""
        self.grpc_port, self.http_port = free_port(), free_port()
        self._log = log
        variables = {
            "DATABASE_URL": database_url,
            "SERVER_ADDR": f"127.0.0.1:{self.grpc_port}",
            "HTTP_ADDR": f"127.0.0.1:{self.http_port}",
            "SERVER_PROCESSES": "1",
            "TRACING_ENABLED": "false",
        }
        command = f"ulimit -n {_LIMIT} && exec {sys.executable} -m wms_core.command server"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                tethered(["/bin/sh", "-c", command]),
                env={**os.environ, **variables},
                stdout=output,
                stderr=output,
            )

    @property
    def text(self) -> str:
        """What it has logged."""
        return self._log.read_text(encoding="utf-8")

    async def is_ready(self) -> bool:
        """Ask it as a probe does."""
        with suppress(OSError):
            return (await get(self.http_port, "/ready"))[0] == 200
        return False


@pytest.fixture
def limited(database_url: str, tmp_path: Path) -> Iterator[Limited]:
    """Give such a server."""
    started = Limited(database_url, tmp_path / "server.log")
    yield started
    started.process.kill()
    started.process.wait(10)


async def test_a_flood_of_connections_leaves_descriptors_for_probes_and_others(limited: Limited) -> None:
    """It is said at the start what the limit allows; the process does not spin, and orders go on."""
    raise_descriptor_limit()
    await eventually(limited.is_ready, 40)
    assert "file_descriptor_limit_low" in limited.text

    ports = (limited.grpc_port, limited.http_port)
    opened = await asyncio.gather(*(_connected(port) for port in ports for _ in range(_FLOOD)))
    try:
        for _, writer in opened[:_FLOOD]:
            writer.write(_PREFACE)
        used = await metric(limited.http_port, "process_cpu_seconds_total")
        await asyncio.sleep(2)
        for path in ("/health", "/ready"):
            assert (await get(limited.http_port, path))[0] == 200
        now = await metric(limited.http_port, "process_cpu_seconds_total")
        assert (now or 0) - (used or 0) < 1
        assert "Too many open files" not in limited.text
    finally:
        for _, writer in opened:
            writer.close()
    async with open_client(f"127.0.0.1:{limited.grpc_port}") as client:

        async def orders_go_on() -> bool:
            with suppress(Exception):
                return bool((await client.orders.CreateOrder(create_order(), timeout=2)).order.order_id)
            return False

        await eventually(orders_go_on)


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
