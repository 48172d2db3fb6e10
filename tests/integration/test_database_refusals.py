"""A database that lets nobody in for a while, or lets nobody write: processes go on, and are well soon."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest

from tests.support.api import Api
from tests.support.failures import failing
from tests.support.pages import get
from tests.support.processes import FULFILLMENT, Process, Processes, open_client
from tests.support.refusals import READ_ONLY, REFUSALS, OwnDatabase, own_database
from tests.support.requests import create_order
from tests.support.site import Site
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import orders_pb2
from wms_dev.ports import free_port

pytestmark = pytest.mark.one_postgres

#: Seconds after the cure within which all is well.
_SOON = 2.0
#: Seconds that a process may take to start on a machine that is busy with other tests.
_BUSY = 60.0
_QUICK = ("another password",)


@pytest.fixture
async def own(postgres: str) -> AsyncIterator[OwnDatabase]:
    """Give a database with a role of its own."""
    async with own_database(postgres) as made:
        yield made


@dataclass(frozen=True, slots=True)
class _Service:
    """A server and a worker with their pages."""

    server: Process
    server_pages: int
    worker: Process
    worker_pages: int
    api: Api

    @property
    def site(self) -> Site:
        return Site(self.api)

    async def is_well(self) -> bool:
        """Say whether both are ready, an order is taken, and the worker begins to work on it."""
        statuses = [(await get(port, "/ready"))[0] for port in (self.server_pages, self.worker_pages)]
        if statuses != [200, 200]:
            return False
        try:
            order_id = await self.site.order()
            await eventually(lambda: self._is_worked_on(order_id), within=_SOON)
        except (grpc.aio.AioRpcError, AssertionError):
            return False
        return True

    async def _is_worked_on(self, order_id: str) -> bool:
        return await self.site.status(order_id) == "PICKING"

    async def is_unready(self) -> bool:
        """Say whether both tell probes that they are not ready."""
        pages = [(await get(port, "/ready"))[0] for port in (self.server_pages, self.worker_pages)]
        return pages == [503, 503] and not await self.server.is_serving()


async def _served(processes: Processes, url: str) -> tuple[Process, int, Process, int]:
    server_pages, worker_pages = free_port(), free_port()
    server = processes.server(url, http_addr=f"127.0.0.1:{server_pages}", readiness_interval="200ms")
    worker = processes.worker(url, worker_http_addr=f"127.0.0.1:{worker_pages}")
    await server.serving(within=_BUSY)
    await worker.serving(FULFILLMENT, within=_BUSY)
    return server, server_pages, worker, worker_pages


@pytest.mark.parametrize("hosts", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "refusal", [pytest.param(name, marks=[] if name in _QUICK else [pytest.mark.slow]) for name in REFUSALS]
)
async def test_processes_go_on_after_a_database_that_let_nobody_in(
    processes: Processes, own: OwnDatabase, refusal: str, hosts: int
) -> None:
    """Calls are told that it is away, probes that nobody is ready; soon after the cure all is well."""
    told = await _served(processes, own.url(hosts))
    server, worker = told[0], told[2]
    async with open_client(server.address) as api:
        service = _Service(*told, api)
        await service.site.open()
        await service.site.stock(("CAR-1", "SKU-001", 1000))
        await eventually(service.is_well, within=_BUSY)
        await own.close(REFUSALS[refusal])
        await eventually(service.is_unready, within=_BUSY)
        failure = await failing(api.orders.CreateOrder(create_order()))
        assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
        read = await failing(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="ORD-1")))
        assert read.reason == "DATABASE_UNAVAILABLE"
        await own.open(REFUSALS[refusal])
        await eventually(service.is_well, within=_SOON)
    for process in (server, worker):
        assert "Traceback" not in process.text
        assert own.password not in process.text
        assert await process.stopped() == 0


@pytest.mark.parametrize("command", ["server", "worker"])
@pytest.mark.parametrize("refusal", ["another password", "another name of the database"])
async def test_a_process_that_is_not_let_in_at_its_start_waits_and_says_why(
    processes: Processes, own: OwnDatabase, command: str, refusal: str
) -> None:
    """It names the variable and the reason, is alive and not ready, and begins after the cure."""
    await own.close(REFUSALS[refusal])
    process: Process = getattr(processes, command)(own.url())
    await eventually(lambda: _said(process, "waiting_for_database"), within=_BUSY)
    (entry,) = process.said("waiting_for_database")
    assert entry["variable"] == "DATABASE_URL"
    assert own.role in entry["error"]
    await own.open(REFUSALS[refusal])
    await process.serving("" if command == "server" else FULFILLMENT, within=_BUSY)
    assert own.password not in process.text


async def _said(process: Process, event: str) -> bool:
    return bool(process.said(event))


@pytest.mark.parametrize("hosts", [1, 2])
async def test_writing_goes_on_soon_after_a_read_only_time(
    processes: Processes, own: OwnDatabase, hosts: int
) -> None:
    """Sessions that were opened meanwhile are replaced before they are to write: no call fails for them."""
    told = await _served(processes, own.url(hosts))
    async with open_client(told[0].address) as api:
        service = _Service(*told, api)
        await service.site.open()
        await service.site.stock(("CAR-1", "SKU-001", 1000))
        await eventually(service.is_well, within=_BUSY)
        order_id = await service.site.order()
        over, watch = asyncio.Event(), Stopwatch()
        callers = [asyncio.create_task(_call_until(api, over, order_id, watch)) for _ in range(20)]
        await own.close(READ_ONLY)
        failure = await failing(api.orders.CreateOrder(create_order()))
        assert failure.reason == "DATABASE_UNAVAILABLE"
        await asyncio.sleep(1.0)
        await own.open(READ_ONLY)
        cured = watch.seconds
        await eventually(service.is_well, within=_SOON)
        over.set()
        failures = [moment for told in await asyncio.gather(*callers) for moment in told]
        assert failures
        assert max(failures) < cured + _SOON


async def _call_until(api: Api, over: asyncio.Event, order_id: str, watch: Stopwatch) -> list[float]:
    """Place orders and read one all the time; gives when placing has failed."""
    failures: list[float] = []
    while not over.is_set():
        try:
            await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))
            await api.orders.CreateOrder(create_order(request_id=f"{time.monotonic_ns()}"))
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE  # noqa: PT017 # an outage has no other answer
            failures.append(watch.seconds)
        await asyncio.sleep(0.02)
    return failures
