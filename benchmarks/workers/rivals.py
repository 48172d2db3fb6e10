"""The rivals: each a program of its own, with as many steps at a time as suit it best."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.children import ADVICE, Children
from benchmarks.connection import Connection
from benchmarks.queries import query
from benchmarks.workers.work import Work
from wms_dev.ports import free_port
from wms_dev.problem import Problem
from wms_dev.processes.child import Child
from wms_dev.stack.address import Address

LOOK_SECONDS = 0.1
STUCK_SECONDS = 60.0
STOP_SECONDS = 5.0


class RivalStuck(Problem):
    """A rival's orders do not get on."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A rival and its settings (benchmarks/README.md)."""

    name: str
    package: str
    module: str
    at_once: int
    how: str

    @property
    def version(self) -> str:
        """The version that is installed."""
        return version(self.package)


RIVALS = (
    Rival(
        "Procrastinate", "procrastinate", "by_procrastinate", 16, "four jobs an order, each defers the next"
    ),
    Rival("DBOS", "dbos", "by_dbos", 32, "a workflow an order from a queue, four datasource transactions"),
    Rival(
        "Temporal", "temporalio", "by_temporal", 64, "a workflow an order, four local activities, dev server"
    ),
)


async def rival_rate(rival: Rival, children: Children, connection: Connection, work: Work) -> float:
    """Place a round's orders and give how many a second a rival takes through four steps."""
    await connection.execute(query("bare.orders"), work.prefix, work.orders)
    command = [sys.executable, "-m", f"benchmarks.workers.{rival.module}", *work.arguments()]
    child = children.run(rival.name.lower(), command, {})
    try:
        await _until_packed(connection, work, child)
    finally:
        child.stop(STOP_SECONDS)
    seconds, events = await connection.fetchrow(query("steps.rival_span"), work.prefix) or (0.0, 0)
    if events != 4 * work.orders:
        raise RivalStuck(f"{rival.name} wrote {events} events for {work.orders} orders")
    await connection.execute("TRUNCATE outbox")
    return work.orders / float(seconds)


async def _until_packed(connection: Connection, work: Work, child: Child) -> None:
    packed, moved_at = 0, time.monotonic()
    while packed < work.orders:
        await asyncio.sleep(LOOK_SECONDS)
        child.check(ADVICE)
        now: int = await connection.fetchval(query("steps.packed"), work.prefix)
        if now > packed:
            moved_at = time.monotonic()
        elif time.monotonic() - moved_at > STUCK_SECONDS:
            raise RivalStuck(f"{now} of {work.orders} orders are packed: {child.tail()}")
        packed = now


@contextmanager
def temporal_server(children: Children) -> Iterator[str]:
    """Run Temporal's dev server, whose own store is in memory; gives its address."""
    address = Address.free()
    binary = str(Path(sys.executable).with_name("temporal"))
    ports = ["--port", str(address.port), "--http-port", str(free_port()), "--metrics-port", str(free_port())]
    server = children.run(
        "temporal-server",
        [binary, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error", *ports],
        {"HOME": "/nonexistent"},
    )
    try:
        yield str(address)
    finally:
        server.stop(STOP_SECONDS)
