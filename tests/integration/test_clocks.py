"""Processes whose wall clock is wrong or is set: an interval stays one, and times are Postgres's."""

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

from tests.support.api import Api
from tests.support.cli import run
from tests.support.faketime import FakeClock
from tests.support.invariants import Sql, breaches
from tests.support.pages import clock_of, get, metric
from tests.support.processes import FULFILLMENT, Processes, open_client
from tests.support.requests import create_order
from tests.support.site import Site
from tests.support.waiting import eventually
from wms_dev.ports import free_port

pytestmark = pytest.mark.one_postgres

_RIGHT = timedelta(0)
_STEPS = {
    "two minutes": timedelta(minutes=2),
    "an hour": timedelta(hours=1),
    "three days": timedelta(days=3),
    "forty days": timedelta(days=40),
}
#: Seconds within which a cycle follows an order, however the clock was set.
_SOON = 5.0
#: Longer than a busy machine keeps a worker from its heartbeat, and shorter than each step of the clocks.
_LEASE = "30s"
#: Seconds that a process may take to start on a machine that is busy with other tests.
_BUSY = 60.0


def _ahead_and_back(step: timedelta) -> list[timedelta]:
    """Return what a clock is set to, one after the other: ahead, right, behind, right."""
    return [step, _RIGHT, -step, _RIGHT]


_QUICK = [pytest.param(_STEPS["three days"], id="three days")]
_SLOW = [
    pytest.param(step, id=name, marks=pytest.mark.slow)
    for name, step in _STEPS.items()
    if name != "three days"
]


@pytest.fixture
def clock(tmp_path: Path) -> FakeClock:
    """Give the clock of the processes that a test starts with it."""
    return FakeClock(tmp_path)


@pytest.mark.parametrize("step", [*_QUICK, *_SLOW])
async def test_cycles_go_on_when_the_clock_of_the_worker_is_set(
    site: Site, processes: Processes, database_url: str, clock: FakeClock, step: timedelta
) -> None:
    """The active replica keeps its interval by a monotonic clock: it steps at once and keeps its role."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 1000))
    pages = free_port()
    worker = processes.worker(
        database_url, worker_http_addr=f"127.0.0.1:{pages}", standalone_lease=_LEASE, **clock.environment
    )
    await worker.serving(FULFILLMENT)
    await _is_worked_on(site)
    for ahead in _ahead_and_back(step):
        clock.set(ahead)
        await _clock_is(pages, ahead)
        await _is_worked_on(site)
    assert not worker.said("stepped_down")
    assert len(worker.said("active")) == 1


async def _clock_is(port: int, ahead: timedelta) -> None:
    """Wait until a process goes by the time that was set."""

    async def is_set() -> bool:
        off = await clock_of(port) - datetime.now(UTC) - ahead
        return abs(off) < timedelta(seconds=10)

    await eventually(is_set)


async def _is_worked_on(site: Site) -> None:
    order_id = await site.order()

    async def picking() -> bool:
        return await site.status(order_id) == "PICKING"

    await eventually(picking, within=_SOON)


async def test_request_ids_outlive_a_server_whose_clock_is_wrong(
    processes: Processes, database_url: str, clock: FakeClock, sql: Sql
) -> None:
    """A round of housekeeping forgets by Postgres's clock: the same request makes one order, not two."""
    clock.set(timedelta(days=3))
    right = processes.server(database_url)
    await right.serving()
    request = create_order(request_id="once")
    async with open_client(right.address) as api:
        first = (await api.orders.CreateOrder(request)).order.order_id
    wrong = processes.server(database_url, **clock.environment)
    await wrong.serving()
    async with open_client(wrong.address) as api:
        # Its first round of housekeeping is at its start; this outlasts it.
        await asyncio.sleep(1.0)
        assert (await api.orders.CreateOrder(request)).order.order_id == first
    assert await sql.fetchval("SELECT count(*) FROM orders") == 1


@pytest.mark.slow
@pytest.mark.parametrize("step", [pytest.param(step, id=name) for name, step in _STEPS.items()])
async def test_no_order_is_made_twice_while_the_clocks_are_set_under_load(
    processes: Processes, database_url: str, tmp_path: Path, sql: Sql, step: timedelta
) -> None:
    """All go on, a server that starts meanwhile forgets no request, and each request is one order."""
    pages, worker_pages = free_port(), free_port()
    clock = FakeClock(tmp_path)
    server = processes.server(database_url, http_addr=f"127.0.0.1:{pages}", **clock.environment)
    worker = processes.worker(
        database_url,
        worker_http_addr=f"127.0.0.1:{worker_pages}",
        standalone_lease=_LEASE,
        **clock.environment,
    )
    await server.serving(within=_BUSY)
    await worker.serving(FULFILLMENT, within=_BUSY)
    placed: dict[str, str] = {}
    async with open_client(server.address) as api, _placing(api, placed):
        site = Site(api)
        await site.open(destinations=[f"PACK-{number}" for number in range(20)])
        await site.stock(("CAR-1", "SKU-001", 100_000))
        for ahead in _ahead_and_back(step):
            clock.set(ahead)
            for port in (pages, worker_pages):
                await _clock_is(port, ahead)
            # At its start it looks for request ids that were kept for long enough.
            another = processes.server(database_url, **clock.environment)
            await another.serving(within=_BUSY)
            await _grows(placed)
            await _runs_cycles(worker_pages)
            assert await another.stopped() == 0
    async with open_client(server.address) as api:
        for request_id, order_id in placed.items():
            again = await api.orders.CreateOrder(create_order(request_id=request_id))
            assert again.order.order_id == order_id
    assert await sql.fetchval("SELECT count(*) FROM orders") == len(placed)
    assert await breaches(sql) == []
    assert not worker.said("stepped_down")


@asynccontextmanager
async def _placing(api: Api, placed: dict[str, str]) -> AsyncIterator[None]:
    """Place orders by request ids until the end of the block; each until it is acknowledged."""
    over = asyncio.Event()

    async def place() -> None:
        while not over.is_set():
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
            over.set()


async def _grows(placed: Mapping[str, str], count: int = 20) -> None:
    wanted = len(placed) + count

    async def grown() -> bool:
        return len(placed) >= wanted

    await eventually(grown)


async def _runs_cycles(port: int) -> None:
    """Wait until the worker has run some more cycles."""
    before = await _cycles(port)

    async def ran() -> bool:
        return await _cycles(port) > before + 3

    await eventually(ran, within=_SOON)


async def _cycles(port: int) -> float:
    return await metric(port, "wms_fulfillment_cycles_total", outcome="completed") or 0.0


@pytest.mark.parametrize("ahead", [timedelta(days=3), timedelta(hours=-1)], ids=["ahead", "behind"])
async def test_times_come_from_the_clock_of_the_database(
    processes: Processes, database_url: str, clock: FakeClock, sql: Sql, ahead: timedelta
) -> None:
    """Orders, ids, events and runs bear Postgres's time, whatever the clock of server and worker says."""
    clock.set(ahead)
    began = await sql.fetchval("SELECT date_trunc('milliseconds', clock_timestamp())")
    server = processes.server(database_url, **clock.environment)
    worker = processes.worker(database_url, **clock.environment)
    await server.serving()
    await worker.serving(FULFILLMENT)
    async with open_client(server.address) as api:
        site = Site(api)
        await site.open()
        await site.stock(("CAR-1", "SKU-001", 1000))
        await _is_worked_on(site)
        order_id = await site.order()
        order = await site.read(order_id)
    now = await sql.fetchval("SELECT clock_timestamp()")
    for told in (order.created_at.ToDatetime(UTC), _time_of(order_id), *await _times(sql)):
        assert began <= told <= now, told


def _time_of(order_id: str) -> datetime:
    """Return the time that an id begins with."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = 0
    for digit in order_id.removeprefix("ORD-")[:10]:
        number = number * 32 + digits.index(digit)
    return datetime.fromtimestamp(number / 1000, UTC)


async def _times(sql: Sql) -> list[datetime]:
    """Return a time of each kind that server and worker have written."""
    row = await sql.fetchrow("""
        SELECT (SELECT max(occurred_at) FROM order_events), (SELECT max(requested_at) FROM moves),
               (SELECT max(created_at) FROM waves), (SELECT max(started_at) FROM fulfillment_runs),
               (SELECT max(started_at) FROM workers), (SELECT max(last_cycle_at) FROM workers),
               (SELECT max(received_at) FROM carriers), (SELECT max(at) FROM audit_log)""")
    assert row is not None
    return [cast("datetime", told) for told in row if told is not None]


async def test_readiness_says_by_how_much_a_clock_is_wrong(
    processes: Processes, database_url: str, clock: FakeClock
) -> None:
    """`/ready` and the CLI say it of a process whose clock is off; it stays ready."""
    clock.set(timedelta(days=-3))
    port = free_port()
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}", **clock.environment)
    await server.serving()

    async def reported() -> bool:
        status, body = await get(port, "/ready")
        return status == 200 and json.loads(body)["clock"]["state"] == "wrong"

    await eventually(reported)
    _, body = await get(port, "/ready")
    report = json.loads(body)["clock"]
    assert report["skew_seconds"] == pytest.approx(-3 * 86400, abs=10)
    assert "behind Postgres's" in report["reason"]
    clock.set(_RIGHT)

    async def right() -> bool:
        _, body = await get(port, "/ready")
        return bool(json.loads(body)["clock"]["state"] == "right")

    await eventually(right)
    shown = await run(server.address, "health")
    assert ["clock", "right"] in [line.split()[:2] for line in shown.text.splitlines()]
