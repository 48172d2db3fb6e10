"""Databases that reject logins or writes for a while: processes continue and recover quickly."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest

from tests.support.builders.requests import create_order
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.faults.refusals import READ_ONLY, REFUSALS, IsolatedDatabase, open_isolated_database
from tests.support.processes.admin_endpoints import get_page
from tests.support.processes.processes import FULFILLMENT_HEALTH, Process, Processes, open_client
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import orders_pb2
from wms_dev.free_port import find_free_port

pytestmark = pytest.mark.one_postgres

#: The limit in seconds for the recovery.
_RECOVERY_SECONDS = 2.0
#: The limit in seconds for the start of a process on a machine that also runs other tests.
_START_SECONDS = 60.0
_QUICK_REFUSALS = ("another password",)


@pytest.fixture
async def isolated_database(postgres: str) -> AsyncIterator[IsolatedDatabase]:
    """Yield a database with its own role."""
    async with open_isolated_database(postgres) as database:
        yield database


@dataclass(frozen=True, slots=True)
class _Service:
    """A server, a worker and the ports of their HTTP pages."""

    server: Process
    server_port: int
    worker: Process
    worker_port: int
    api: Api

    @property
    def warehouse(self) -> WarehouseDriver:
        return WarehouseDriver(self.api)

    async def is_healthy(self) -> bool:
        """Return whether both are ready, an order is accepted, and the worker starts its picking."""
        statuses = [(await get_page(port, "/ready"))[0] for port in (self.server_port, self.worker_port)]
        if statuses != [200, 200]:
            return False
        try:
            order_id = await self.warehouse.place_order()
            await eventually(lambda: self._is_picking(order_id), within=_RECOVERY_SECONDS)
        except (grpc.aio.AioRpcError, AssertionError):
            return False
        return True

    async def _is_picking(self, order_id: str) -> bool:
        return await self.warehouse.read_status(order_id) == "PICKING"

    async def is_unready(self) -> bool:
        """Return whether both report to probes that they are not ready."""
        statuses = [(await get_page(port, "/ready"))[0] for port in (self.server_port, self.worker_port)]
        return statuses == [503, 503] and not await self.server.is_serving()


async def _start_processes(processes: Processes, url: str) -> tuple[Process, int, Process, int]:
    server_port, worker_port = find_free_port(), find_free_port()
    server = processes.server(url, http_addr=f"127.0.0.1:{server_port}", readiness_interval="200ms")
    worker = processes.worker(url, worker_http_addr=f"127.0.0.1:{worker_port}")
    await server.wait_until_serving(within=_START_SECONDS)
    await worker.wait_until_serving(FULFILLMENT_HEALTH, within=_START_SECONDS)
    return server, server_port, worker, worker_port


@pytest.mark.parametrize("host_count", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "refusal",
    [pytest.param(name, marks=[] if name in _QUICK_REFUSALS else [pytest.mark.slow]) for name in REFUSALS],
)
async def test_processes_recover_after_rejected_logins(
    processes: Processes, isolated_database: IsolatedDatabase, refusal: str, host_count: int
) -> None:
    """Calls fail as unavailable and probes as unready. Both succeed soon after the end."""
    started = await _start_processes(processes, isolated_database.url(host_count))
    server, worker = started[0], started[2]
    async with open_client(server.address) as api:
        service = _Service(*started, api)
        await service.warehouse.open()
        await service.warehouse.receive_carriers(("CAR-1", "SKU-001", 1000))
        await eventually(service.is_healthy, within=_START_SECONDS)
        await isolated_database.refuse_access(REFUSALS[refusal])
        await eventually(service.is_unready, within=_START_SECONDS)
        failure = await expect_failure(api.orders.CreateOrder(create_order()))
        assert (failure.status_code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
        read_failure = await expect_failure(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="ORD-1")))
        assert read_failure.reason == "DATABASE_UNAVAILABLE"
        await isolated_database.allow_access(REFUSALS[refusal])
        await eventually(service.is_healthy, within=_RECOVERY_SECONDS)
    for process in (server, worker):
        assert "Traceback" not in process.output_text
        assert isolated_database.password not in process.output_text
        assert await process.terminate_and_wait() == 0


@pytest.mark.parametrize("command", ["server", "worker"])
@pytest.mark.parametrize("refusal", ["another password", "another name of the database"])
async def test_process_with_a_rejected_login_waits_and_logs_the_reason(
    processes: Processes, isolated_database: IsolatedDatabase, command: str, refusal: str
) -> None:
    """It logs variable and error, is live but unready, and starts when the login succeeds."""
    await isolated_database.refuse_access(REFUSALS[refusal])
    process: Process = getattr(processes, command)(isolated_database.url())
    await eventually(lambda: _has_logged(process, "waiting_for_database"), within=_START_SECONDS)
    (entry,) = process.find_log_entries("waiting_for_database")
    assert entry["variable"] == "DATABASE_URL"
    assert isolated_database.role in entry["error"]
    await isolated_database.allow_access(REFUSALS[refusal])
    await process.wait_until_serving("" if command == "server" else FULFILLMENT_HEALTH, within=_START_SECONDS)
    assert isolated_database.password not in process.output_text


async def _has_logged(process: Process, event: str) -> bool:
    return bool(process.find_log_entries(event))


@pytest.mark.parametrize("host_count", [1, 2])
async def test_writes_recover_soon_after_a_read_only_period(
    processes: Processes, isolated_database: IsolatedDatabase, host_count: int
) -> None:
    """Sessions opened in this period are replaced before they write, so no call fails because of them."""
    started = await _start_processes(processes, isolated_database.url(host_count))
    async with open_client(started[0].address) as api:
        service = _Service(*started, api)
        await service.warehouse.open()
        await service.warehouse.receive_carriers(("CAR-1", "SKU-001", 1000))
        await eventually(service.is_healthy, within=_START_SECONDS)
        order_id = await service.warehouse.place_order()
        stopped, stopwatch = asyncio.Event(), Stopwatch()
        callers = [
            asyncio.create_task(_call_until_stopped(api, stopped, order_id, stopwatch)) for _ in range(20)
        ]
        await isolated_database.refuse_access(READ_ONLY)
        failure = await expect_failure(api.orders.CreateOrder(create_order()))
        assert failure.reason == "DATABASE_UNAVAILABLE"
        await asyncio.sleep(1.0)
        await isolated_database.allow_access(READ_ONLY)
        writable_at = stopwatch.seconds
        await eventually(service.is_healthy, within=_RECOVERY_SECONDS)
        stopped.set()
        failures = [
            seconds for seconds_of_caller in await asyncio.gather(*callers) for seconds in seconds_of_caller
        ]
        assert failures
        assert max(failures) < writable_at + _RECOVERY_SECONDS


async def _call_until_stopped(
    api: Api, stopped: asyncio.Event, order_id: str, stopwatch: Stopwatch
) -> list[float]:
    """Create orders and read one repeatedly. Return the times of the failures in seconds."""
    failures: list[float] = []
    while not stopped.is_set():
        try:
            await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))
            await api.orders.CreateOrder(create_order(request_id=f"{time.monotonic_ns()}"))
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE  # noqa: PT017 # an outage causes no other code
            failures.append(stopwatch.seconds)
        await asyncio.sleep(0.02)
    return failures
