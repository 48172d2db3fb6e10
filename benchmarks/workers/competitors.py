"""The competitors: each a program of its own, with its best concurrency."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.children import CHILD_ENDED_ADVICE, ChildProcesses
from benchmarks.connection import Connection
from benchmarks.queries import query
from benchmarks.workers.work import CompetitorTask
from wms_dev.errors import UserError
from wms_dev.free_port import find_free_port
from wms_dev.local_stack.address import Address
from wms_dev.local_stack.child_process import ChildProcess

POLL_SECONDS = 0.1
STUCK_SECONDS = 60.0
STOP_SECONDS = 5.0


class CompetitorStalled(UserError):
    """The orders of a competitor make no progress."""


@dataclass(frozen=True, slots=True)
class Competitor:
    """A competitor and its settings (benchmarks/README.md)."""

    name: str
    package: str
    module: str
    concurrency: int
    description: str

    @property
    def version(self) -> str:
        """The installed version."""
        return version(self.package)


COMPETITORS = (
    Competitor(
        "Procrastinate", "procrastinate", "by_procrastinate", 16, "four jobs an order, each defers the next"
    ),
    Competitor(
        "DBOS", "dbos", "by_dbos", 32, "a workflow an order from a queue, four datasource transactions"
    ),
    Competitor(
        "Temporal", "temporalio", "by_temporal", 64, "a workflow an order, four local activities, dev server"
    ),
)


async def measure_competitor_rate(
    competitor: Competitor, children: ChildProcesses, connection: Connection, competitor_task: CompetitorTask
) -> float:
    """Create the orders of a round. Return the orders per second of a competitor through four steps."""
    await connection.execute(query("bare.orders"), competitor_task.prefix, competitor_task.orders)
    command = [
        sys.executable,
        "-m",
        f"benchmarks.workers.{competitor.module}",
        *competitor_task.to_arguments(),
    ]
    child = children.run_program(competitor.name.lower(), command, {})
    try:
        await _wait_until_packed(connection, competitor_task, child)
    finally:
        child.stop(STOP_SECONDS)
    seconds, events = await connection.fetchrow(query("steps.competitor_span"), competitor_task.prefix) or (
        0.0,
        0,
    )
    if events != 4 * competitor_task.orders:
        raise CompetitorStalled(
            f"{competitor.name} wrote {events} events for {competitor_task.orders} orders"
        )
    await connection.execute("TRUNCATE outbox")
    return competitor_task.orders / float(seconds)


async def _wait_until_packed(
    connection: Connection, competitor_task: CompetitorTask, child: ChildProcess
) -> None:
    packed_orders, progressed_at = 0, time.monotonic()
    while packed_orders < competitor_task.orders:
        await asyncio.sleep(POLL_SECONDS)
        child.raise_if_exited(CHILD_ENDED_ADVICE)
        packed_now: int = await connection.fetchval(query("steps.packed"), competitor_task.prefix)
        if packed_now > packed_orders:
            progressed_at = time.monotonic()
        elif time.monotonic() - progressed_at > STUCK_SECONDS:
            raise CompetitorStalled(
                f"{packed_now} of {competitor_task.orders} orders are packed: {child.read_log_tail()}"
            )
        packed_orders = packed_now


@contextmanager
def run_temporal_server(children: ChildProcesses) -> Iterator[str]:
    """Run Temporal's dev server with its in-memory store during the block. Yield its address."""
    address = Address.on_free_port()
    binary = str(Path(sys.executable).with_name("temporal"))
    ports = [
        "--port",
        str(address.port),
        "--http-port",
        str(find_free_port()),
        "--metrics-port",
        str(find_free_port()),
    ]
    server = children.run_program(
        "temporal-server",
        [binary, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error", *ports],
        {"HOME": "/nonexistent"},
    )
    try:
        yield str(address)
    finally:
        server.stop(STOP_SECONDS)
