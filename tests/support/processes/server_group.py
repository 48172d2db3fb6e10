"""A server of several processes, and callers that survive the end of one of them."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc

from tests.support.builders.requests import create_order
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection
from tests.support.processes.admin_endpoints import read_metric
from tests.support.processes.processes import Process, Processes, open_client
from tests.support.waiting import eventually
from wms_dev.free_port import find_free_port, is_port_free
from wms_dev.local_stack.process_identity import ProcessIdentity, identify_process

# Starting and ending processes takes this long on a machine that runs other tests.
_TIMEOUT_SECONDS = 60.0


class ServerGroup:
    """A started server with HTTP, by default of two processes."""

    def __init__(
        self, processes: Processes, database_url: str, address: str = "", **environment: str
    ) -> None:
        self.http_port = find_free_port()
        self.process_count = int(environment.get("server_processes", "2"))
        server_variables = {
            "server_processes": str(self.process_count),
            "http_addr": f"127.0.0.1:{self.http_port}",
            **environment,
        }
        self.supervisor: Process = processes.server(database_url, address, **server_variables)

    @property
    def grpc_port(self) -> int:
        """The gRPC port."""
        return int(self.supervisor.address.rpartition(":")[2])

    @property
    def started_pids(self) -> list[int]:
        """The ids of all started processes, in order."""
        return [entry["started"] for entry in self.supervisor.find_log_entries("process_started")]

    @property
    def ended_pids(self) -> list[int]:
        """The ids of processes that ended by themselves."""
        return [entry["ended"] for entry in self.supervisor.find_log_entries("process_ended")]

    @property
    def children(self) -> list[ProcessIdentity]:
        """The running server processes."""
        return [identify_process(pid) for pid in self.started_pids if pid not in self.ended_pids]

    async def wait_for_exit(self) -> int:
        """Wait until all processes end. Return the exit code of the supervisor."""
        return await self.supervisor.wait_for_exit(_TIMEOUT_SECONDS)

    async def terminate_and_wait(self) -> int:
        """Send SIGTERM and wait until all processes end. Return the exit code of the supervisor."""
        return await self.supervisor.terminate_and_wait(_TIMEOUT_SECONDS)

    def find_newest_pid(self, number: int) -> int:
        """Return the id of the last started process with a number."""
        start_entries = self.supervisor.find_log_entries("process_started")
        pids: list[int] = [entry["started"] for entry in start_entries if entry["number"] == number]
        return pids[-1]

    def count_log_entries(self, pid: int, event: str) -> int:
        """Return the number of log entries of a process for an event."""
        return len([entry for entry in self.supervisor.find_log_entries(event) if entry["pid"] == pid])

    async def wait_until_serving(self) -> None:
        """Wait until all processes are ready."""
        await self.supervisor.wait_until_serving(within=_TIMEOUT_SECONDS)
        if self.process_count > 1:
            await eventually(self._all_ready, _TIMEOUT_SECONDS)

    async def _all_ready(self) -> bool:
        changes = self.supervisor.find_log_entries("readiness_changed")
        ready = {entry["pid"] for entry in changes if entry["ready"]}
        return len(ready & {child.pid for child in self.children}) == self.process_count

    async def read_metric(self, name: str, **labels: str) -> float | None:
        """Return a metric sample from the process that accepts the connection."""
        return await read_metric(self.http_port, name, **labels)

    async def wait_until_gone(self, children: list[ProcessIdentity]) -> None:
        """Wait until these processes have ended and both ports are free."""

        async def is_nothing_left() -> bool:
            living_children = [child for child in children if child.is_alive()]
            return not living_children and is_port_free(self.grpc_port) and is_port_free(self.http_port)

        await eventually(is_nothing_left, _TIMEOUT_SECONDS)

    def count_connections(self, child: ProcessIdentity) -> int:
        """Return the number of gRPC connections that a process has accepted."""
        # 01 means ESTABLISHED. The tables have all sockets of the machine; gRPC accepts IPv4 on IPv6 sockets.
        tables = [Path("/proc/net", name).read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
        rows = [row.split() for table in tables for row in table]
        own_sockets = {
            f"socket:[{row[9]}]"
            for row in rows
            if row[1].endswith(f":{self.grpc_port:04X}") and row[3] == "01"
        }
        return len(own_sockets & {os.readlink(file) for file in Path(f"/proc/{child.pid}/fd").iterdir()})  # noqa: PTH115


class ConcurrentCallers:
    """Callers that place orders, and retry each with the same ids until it is acknowledged."""

    def __init__(self) -> None:
        self._is_over = asyncio.Event()
        self.acknowledged_ids: list[str] = []

    @asynccontextmanager
    async def place_orders_concurrently(self, address: str, count: int) -> AsyncIterator[None]:
        """Run `count` callers during the block, each on its own connection."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(count):
                tasks.create_task(self._call(address))
            try:
                yield
            finally:
                self._is_over.set()

    async def _call(self, address: str) -> None:
        async with open_client(address) as api:
            while not self._is_over.is_set():
                await self._place(api, f"ORD-{uuid.uuid4()}")

    async def _place(self, api: Api, order_id: str) -> None:
        request = create_order(order_id=order_id, request_id=order_id)
        while not self._is_over.is_set():
            with suppress(grpc.aio.AioRpcError):
                await api.orders.CreateOrder(request, timeout=10)
                self.acknowledged_ids.append(order_id)
                return
            await asyncio.sleep(0.01)

    async def wait_for_progress(self, count: int = 50) -> None:
        """Wait until `count` more orders are acknowledged."""
        target_count = len(self.acknowledged_ids) + count

        async def is_count_reached() -> bool:
            return len(self.acknowledged_ids) >= target_count

        await eventually(is_count_reached, _TIMEOUT_SECONDS)

    async def find_lost_orders(self, sql: SqlConnection) -> set[str]:
        """Return the acknowledged orders that do not exist."""
        rows = await sql.fetch("SELECT order_id FROM orders WHERE order_id = ANY ($1)", self.acknowledged_ids)
        return set(self.acknowledged_ids) - {row["order_id"] for row in rows}
