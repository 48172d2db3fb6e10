"""Processes with a wrong or changing wall clock: intervals are correct, and times come from Postgres."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import grpc
import pytest

from tests.support.builders.requests import create_order
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.cli import run_command
from tests.support.clients.grpc_api import Api
from tests.support.faults.fake_clock import FakeClock
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.processes.admin_endpoints import get_page, read_clock, read_metric
from tests.support.processes.processes import FULFILLMENT_HEALTH, Processes, open_client
from tests.support.waiting import eventually
from wms_dev.free_port import find_free_port

pytestmark = pytest.mark.one_postgres

_RIGHT = timedelta(0)
_STEPS = {
    "two minutes": timedelta(minutes=2),
    "an hour": timedelta(hours=1),
    "three days": timedelta(days=3),
    "forty days": timedelta(days=40),
}
#: Seconds within which a cycle processes an order, with any change of the clock.
_CYCLE_TIMEOUT_SECONDS = 5.0
#: Longer than a heartbeat is late on a busy machine, and shorter than each change of the clocks.
_LEASE = "30s"
#: Seconds for the start of a process on a machine that is busy with other tests.
_BUSY = 60.0


def _ahead_and_back(step: timedelta) -> list[timedelta]:
    """Return the offsets that a clock is set to: ahead, correct, behind, correct."""
    return [step, _RIGHT, -step, _RIGHT]


_FAST_CASES = [pytest.param(_STEPS["three days"], id="three days")]
_SLOW_CASES = [
    pytest.param(step, id=name, marks=pytest.mark.slow)
    for name, step in _STEPS.items()
    if name != "three days"
]


@pytest.fixture
def clock(tmp_path: Path) -> FakeClock:
    """Return the clock of the processes that a test starts with it."""
    return FakeClock(tmp_path)


@pytest.mark.parametrize("step", [*_FAST_CASES, *_SLOW_CASES])
async def test_cycles_continue_when_the_clock_of_the_worker_changes(
    site: WarehouseDriver, processes: Processes, database_url: str, clock: FakeClock, step: timedelta
) -> None:
    """The active replica uses a monotonic clock for its interval: cycles continue, and it keeps its role."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 1000))
    pages = find_free_port()
    worker = processes.worker(
        database_url, worker_http_addr=f"127.0.0.1:{pages}", standalone_lease=_LEASE, **clock.environment
    )
    await worker.wait_until_serving(FULFILLMENT_HEALTH)
    await _place_order_and_wait_for_picking(site)
    for ahead in _ahead_and_back(step):
        clock.set_offset(ahead)
        await _wait_for_offset(pages, ahead)
        await _place_order_and_wait_for_picking(site)
    assert not worker.find_log_entries("stepped_down")
    assert len(worker.find_log_entries("active")) == 1


async def _wait_for_offset(port: int, ahead: timedelta) -> None:
    """Wait until a process uses the offset."""

    async def is_set() -> bool:
        difference = await read_clock(port) - datetime.now(UTC) - ahead
        return abs(difference) < timedelta(seconds=10)

    await eventually(is_set)


async def _place_order_and_wait_for_picking(site: WarehouseDriver) -> None:
    order_id = await site.place_order()

    async def is_picking() -> bool:
        return await site.read_status(order_id) == "PICKING"

    await eventually(is_picking, within=_CYCLE_TIMEOUT_SECONDS)


async def test_a_server_with_a_wrong_clock_keeps_stored_responses(
    processes: Processes, database_url: str, clock: FakeClock, sql: SqlConnection
) -> None:
    """Housekeeping uses the clock of Postgres: the same request id creates one order, not two."""
    clock.set_offset(timedelta(days=3))
    right = processes.server(database_url)
    await right.wait_until_serving()
    request = create_order(request_id="once")
    async with open_client(right.address) as api:
        first = (await api.orders.CreateOrder(request)).order.order_id
    wrong = processes.server(database_url, **clock.environment)
    await wrong.wait_until_serving()
    async with open_client(wrong.address) as api:
        # The first housekeeping runs at the start of the server; this waits until it is over.
        await asyncio.sleep(1.0)
        assert (await api.orders.CreateOrder(request)).order.order_id == first
    assert await sql.fetchval("SELECT count(*) FROM orders") == 1


@pytest.mark.slow
@pytest.mark.parametrize("step", [pytest.param(step, id=name) for name, step in _STEPS.items()])
async def test_no_order_is_created_twice_while_the_clocks_change_under_load(
    processes: Processes, database_url: str, tmp_path: Path, sql: SqlConnection, step: timedelta
) -> None:
    """All processes continue, a new server deletes no stored response, and each request creates one order."""
    pages, worker_pages = find_free_port(), find_free_port()
    clock = FakeClock(tmp_path)
    server = processes.server(database_url, http_addr=f"127.0.0.1:{pages}", **clock.environment)
    worker = processes.worker(
        database_url,
        worker_http_addr=f"127.0.0.1:{worker_pages}",
        standalone_lease=_LEASE,
        **clock.environment,
    )
    await server.wait_until_serving(within=_BUSY)
    await worker.wait_until_serving(FULFILLMENT_HEALTH, within=_BUSY)
    placed: dict[str, str] = {}
    async with open_client(server.address) as api, _place_orders(api, placed):
        site = WarehouseDriver(api)
        await site.open(destinations=[f"PACK-{number}" for number in range(20)])
        await site.receive_carriers(("CAR-1", "SKU-001", 100_000))
        for ahead in _ahead_and_back(step):
            clock.set_offset(ahead)
            for port in (pages, worker_pages):
                await _wait_for_offset(port, ahead)
            # Housekeeping at the start deletes expired stored responses.
            another = processes.server(database_url, **clock.environment)
            await another.wait_until_serving(within=_BUSY)
            await _wait_for_orders(placed)
            await _wait_for_cycles(worker_pages)
            assert await another.terminate_and_wait() == 0
    async with open_client(server.address) as api:
        for request_id, order_id in placed.items():
            repeated = await api.orders.CreateOrder(create_order(request_id=request_id))
            assert repeated.order.order_id == order_id
    assert await sql.fetchval("SELECT count(*) FROM orders") == len(placed)
    assert await find_violations(sql) == []
    assert not worker.find_log_entries("stepped_down")


@asynccontextmanager
async def _place_orders(api: Api, placed: dict[str, str]) -> AsyncIterator[None]:
    """Place orders with request ids until the end of the block, each until it is acknowledged."""
    stopped = asyncio.Event()

    async def place() -> None:
        while not stopped.is_set():
            request_id = str(uuid.uuid4())
            while request_id not in placed:
                try:
                    created = await api.orders.CreateOrder(create_order(request_id=request_id), timeout=10)
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.05)
                else:
                    placed[request_id] = created.order.order_id
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(5):
            tasks.create_task(place())
        try:
            yield
        finally:
            stopped.set()


async def _wait_for_orders(placed: Mapping[str, str], count: int = 20) -> None:
    expected_count = len(placed) + count

    async def has_grown() -> bool:
        return len(placed) >= expected_count

    await eventually(has_grown)


async def _wait_for_cycles(port: int) -> None:
    """Wait until the worker has run more than three further cycles."""
    before = await _read_cycle_count(port)

    async def has_run() -> bool:
        return await _read_cycle_count(port) > before + 3

    await eventually(has_run, within=_CYCLE_TIMEOUT_SECONDS)


async def _read_cycle_count(port: int) -> float:
    return await read_metric(port, "wms_fulfillment_cycles_total", outcome="completed") or 0.0


@pytest.mark.parametrize("ahead", [timedelta(days=3), timedelta(hours=-1)], ids=["ahead", "behind"])
async def test_times_come_from_the_clock_of_the_database(
    processes: Processes, database_url: str, clock: FakeClock, sql: SqlConnection, ahead: timedelta
) -> None:
    """Orders, ids, events and runs have the time of Postgres, with any clock of server and worker."""
    clock.set_offset(ahead)
    began = await sql.fetchval("SELECT date_trunc('milliseconds', clock_timestamp())")
    server = processes.server(database_url, **clock.environment)
    worker = processes.worker(database_url, **clock.environment)
    await server.wait_until_serving()
    await worker.wait_until_serving(FULFILLMENT_HEALTH)
    async with open_client(server.address) as api:
        site = WarehouseDriver(api)
        await site.open()
        await site.receive_carriers(("CAR-1", "SKU-001", 1000))
        await _place_order_and_wait_for_picking(site)
        order_id = await site.place_order()
        order = await site.read_order(order_id)
    now = await sql.fetchval("SELECT clock_timestamp()")
    for time in (order.created_at.ToDatetime(UTC), _time_of(order_id), *await _read_times(sql)):
        assert began <= time <= now, time


def _time_of(order_id: str) -> datetime:
    """Return the time encoded in an id."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = 0
    for digit in order_id.removeprefix("ORD-")[:10]:
        number = number * 32 + digits.index(digit)
    return datetime.fromtimestamp(number / 1000, UTC)


async def _read_times(sql: SqlConnection) -> list[datetime]:
    """Return one time of each kind that server and worker have written."""
    row = await sql.fetchrow("""
        SELECT (SELECT max(occurred_at) FROM order_events), (SELECT max(requested_at) FROM moves),
               (SELECT max(created_at) FROM waves), (SELECT max(started_at) FROM fulfillment_runs),
               (SELECT max(started_at) FROM workers), (SELECT max(last_cycle_at) FROM workers),
               (SELECT max(received_at) FROM carriers), (SELECT max(at) FROM audit_log)""")
    assert row is not None
    return [cast("datetime", time) for time in row if time is not None]


async def test_readiness_reports_the_offset_of_a_clock(
    processes: Processes, database_url: str, clock: FakeClock
) -> None:
    """`/ready` and the CLI report the offset of each process, which stays ready."""
    clock.set_offset(timedelta(days=-3))
    port = find_free_port()
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}", **clock.environment)
    await server.wait_until_serving()

    async def find_offset() -> bool:
        status, body = await get_page(port, "/ready")
        return status == 200 and json.loads(body)["clock"]["state"] == "wrong"

    await eventually(find_offset)
    _, body = await get_page(port, "/ready")
    report = json.loads(body)["clock"]
    assert report["skew_seconds"] == pytest.approx(-3 * 86400, abs=10)
    assert "behind Postgres's" in report["reason"]
    clock.set_offset(_RIGHT)

    async def is_correct() -> bool:
        _, body = await get_page(port, "/ready")
        return bool(json.loads(body)["clock"]["state"] == "right")

    await eventually(is_correct)
    health = await run_command(server.address, "health")
    assert ["clock", "right"] in [line.split()[:2] for line in health.stdout_text.splitlines()]
