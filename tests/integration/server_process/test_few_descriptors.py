"""A server with a low limit of open files: a flood of connections is limited, and probes are answered."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.builders.requests import create_order
from tests.support.processes.admin_endpoints import get_page, read_metric
from tests.support.processes.processes import open_client
from tests.support.waiting import eventually
from wms_core.runtime.file_descriptors import raise_descriptor_limit
from wms_core.runtime.parent_death import with_parent_death_signal
from wms_dev.free_port import find_free_port

pytestmark = [pytest.mark.one_postgres, pytest.mark.slow]
_LIMIT = 256
_FLOOD = 400
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"


class LimitedServer:
    """A server process with a limit of open files."""

    def __init__(self, database_url: str, log: Path) -> None:
        self.grpc_port, self.http_port = find_free_port(), find_free_port()
        self._log = log
        variables = {
            "DATABASE_URL": database_url,
            "SERVER_ADDR": f"127.0.0.1:{self.grpc_port}",
            "HTTP_ADDR": f"127.0.0.1:{self.http_port}",
            "SERVER_PROCESSES": "1",
            "TRACING_ENABLED": "false",
        }
        command = f"ulimit -n {_LIMIT} && exec {sys.executable} -m wms_core.cli server"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                with_parent_death_signal(["/bin/sh", "-c", command]),
                env={**os.environ, **variables},
                stdout=output,
                stderr=output,
            )

    @property
    def text(self) -> str:
        """Return its log."""
        return self._log.read_text(encoding="utf-8")

    async def is_ready(self) -> bool:
        """Return whether the health probe succeeds."""
        with suppress(OSError):
            return (await get_page(self.http_port, "/ready"))[0] == 200
        return False


@pytest.fixture
def limited_server(database_url: str, tmp_path: Path) -> Iterator[LimitedServer]:
    """Yield a server with a low limit of open files."""
    started = LimitedServer(database_url, tmp_path / "server.log")
    yield started
    started.process.kill()
    started.process.wait(10)


async def test_a_flood_of_connections_leaves_descriptors_for_probes(limited_server: LimitedServer) -> None:
    """The log has the connection limit. The process does not spin, and orders are accepted."""
    raise_descriptor_limit()
    await eventually(limited_server.is_ready, 40)
    assert "file_descriptor_limit_low" in limited_server.text

    ports = (limited_server.grpc_port, limited_server.http_port)
    opened = await asyncio.gather(*(_connect(port) for port in ports for _ in range(_FLOOD)))
    try:
        for _, writer in opened[:_FLOOD]:
            writer.write(_PREFACE)
        used = await read_metric(limited_server.http_port, "process_cpu_seconds_total")
        await asyncio.sleep(2)
        for path in ("/health", "/ready"):
            assert (await get_page(limited_server.http_port, path))[0] == 200
        now = await read_metric(limited_server.http_port, "process_cpu_seconds_total")
        assert (now or 0) - (used or 0) < 1
        assert "Too many open files" not in limited_server.text
    finally:
        for _, writer in opened:
            writer.close()
    async with open_client(f"127.0.0.1:{limited_server.grpc_port}") as client:

        async def are_orders_accepted() -> bool:
            with suppress(Exception):
                return bool((await client.orders.CreateOrder(create_order(), timeout=2)).order.order_id)
            return False

        await eventually(are_orders_accepted)


async def _connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
