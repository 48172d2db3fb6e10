"""A server of several processes, and callers who go on when one of them is gone."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc

from tests.support.api import Api
from tests.support.invariants import Sql
from tests.support.pages import metric
from tests.support.processes import Process, Processes, open_client
from tests.support.requests import create_order
from tests.support.waiting import eventually
from wms_dev.ports import free_port, is_free
from wms_dev.processes.identity import Identity, identify

# Seconds that processes may take to start or to end on a machine that is busy with other tests.
_PATIENCE = 60.0


class Several:
    """A server of two processes, if not said otherwise, with its pages."""

    def __init__(
        self, processes: Processes, database_url: str, address: str = "", **environment: str
    ) -> None:
        """Start it."""
        self.http = free_port()
        self.count = int(environment.get("server_processes", "2"))
        given = {"server_processes": str(self.count), "http_addr": f"127.0.0.1:{self.http}", **environment}
        self.supervisor: Process = processes.server(database_url, address, **given)

    @property
    def port(self) -> int:
        """The port of gRPC."""
        return int(self.supervisor.address.rpartition(":")[2])

    @property
    def started(self) -> list[int]:
        """The ids of all processes that were started, in order."""
        return [entry["started"] for entry in self.supervisor.said("process_started")]

    @property
    def replaced(self) -> list[int]:
        """Those of processes that ended by themselves."""
        return [entry["ended"] for entry in self.supervisor.said("process_ended")]

    @property
    def children(self) -> list[Identity]:
        """The processes that serve, or will."""
        return [identify(pid) for pid in self.started if pid not in self.replaced]

    async def ended(self) -> int:
        """Wait for the end of all; gives the exit code."""
        return await self.supervisor.ended(_PATIENCE)

    async def stopped(self) -> int:
        """Ask all to end and wait for that; gives the exit code."""
        return await self.supervisor.stopped(_PATIENCE)

    def newest(self, number: int) -> int:
        """Give the id of the process that was started last under a number."""
        said = self.supervisor.said("process_started")
        pids: list[int] = [entry["started"] for entry in said if entry["number"] == number]
        return pids[-1]

    def said_by(self, pid: int, event: str) -> int:
        """Count what one process has said of an event."""
        return len([entry for entry in self.supervisor.said(event) if entry["pid"] == pid])

    async def serving(self) -> None:
        """Wait until all processes serve."""
        await self.supervisor.serving(within=_PATIENCE)
        if self.count > 1:
            await eventually(self._all_ready, _PATIENCE)

    async def _all_ready(self) -> bool:
        changes = self.supervisor.said("readiness_changed")
        ready = {entry["pid"] for entry in changes if entry["ready"]}
        return len(ready & {child.pid for child in self.children}) == self.count

    async def metric(self, name: str, **labels: str) -> float | None:
        """Give a sample, as told by whichever process takes the connection."""
        return await metric(self.http, name, **labels)

    async def gone(self, children: list[Identity]) -> None:
        """Wait until these processes have ended and both ports are free."""

        async def nothing_left() -> bool:
            living = [child for child in children if child.is_alive()]
            return not living and is_free(self.port) and is_free(self.http)

        await eventually(nothing_left, _PATIENCE)

    def connections(self, child: Identity) -> int:
        """Count the connections of gRPC that a process has accepted."""
        # 01 is ESTABLISHED in the tables of the whole machine; gRPC listens by IPv6 also for IPv4.
        tables = [Path("/proc/net", name).read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
        rows = [row.split() for table in tables for row in table]
        ours = {
            f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{self.port:04X}") and row[3] == "01"
        }
        return len(ours & {os.readlink(file) for file in Path(f"/proc/{child.pid}/fd").iterdir()})  # noqa: PTH115


class Callers:
    """They place orders, each again with the same ids until it is acknowledged."""

    def __init__(self) -> None:
        """Start with nothing placed."""
        self._over = asyncio.Event()
        self.acknowledged: list[str] = []

    @asynccontextmanager
    async def calling(self, address: str, count: int) -> AsyncIterator[None]:
        """Let them call, each on a connection of its own, until the end of the block."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(count):
                tasks.create_task(self._call(address))
            try:
                yield
            finally:
                self._over.set()

    async def _call(self, address: str) -> None:
        async with open_client(address) as api:
            while not self._over.is_set():
                await self._place(api, f"ORD-{uuid.uuid4()}")

    async def _place(self, api: Api, order_id: str) -> None:
        request = create_order(order_id=order_id, request_id=order_id)
        while not self._over.is_set():
            with suppress(grpc.aio.AioRpcError):
                await api.orders.CreateOrder(request, timeout=10)
                self.acknowledged.append(order_id)
                return
            await asyncio.sleep(0.01)

    async def get_on(self, count: int = 50) -> None:
        """Wait until so many more orders are acknowledged."""
        wanted = len(self.acknowledged) + count

        async def acknowledged() -> bool:
            return len(self.acknowledged) >= wanted

        await eventually(acknowledged, _PATIENCE)

    async def lost(self, sql: Sql) -> set[str]:
        """Give the acknowledged orders that are not there."""
        rows = await sql.fetch("SELECT order_id FROM orders WHERE order_id = ANY ($1)", self.acknowledged)
        return set(self.acknowledged) - {row["order_id"] for row in rows}
