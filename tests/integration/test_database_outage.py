"""A database that goes away and comes back: clear answers, no wrong data, no dead pool (issue 2, I1, I11)."""

import asyncio
import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import grpc
import pytest

from tests.support.api import Api, is_ready, open_api
from tests.support.failures import failing
from tests.support.invariants import Sql, breaches
from tests.support.processes import FULFILLMENT, Processes
from tests.support.proxy import open_proxy
from tests.support.requests import create_order
from tests.support.site import Site
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import orders_pb2
from wms_core.domain.errors import StorageUnavailable
from wms_core.postgres.database import PoolOptions, PostgresDatabase, open_database
from wms_core.postgres.migrate import migrate
from wms_core.postgres.sequencer import Sequencer
from wms_core.tasks import running
from wms_dev.embedded_postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """Give a Postgres that a test may stop, start and freeze."""
    server = EmbeddedPostgres(temporary_data_dir(), port=free_port(), settings={"max_connections": "60"})
    server.start()
    try:
        yield server
    finally:
        _thaw(server)
        server.stop()
        shutil.rmtree(server.data_dir, ignore_errors=True)


def _family(postmaster: int) -> list[int]:
    """Give the process ids of a Postgres: the postmaster and its children."""
    found = [postmaster]
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                stat = (entry / "stat").read_text()
                if int(stat.rpartition(")")[2].split()[1]) == postmaster:
                    found.append(int(entry.name))
    return found


def _freeze(server: EmbeddedPostgres) -> None:
    for pid in _family(server.postmaster_pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)


def _thaw(server: EmbeddedPostgres) -> None:
    if server.is_running():
        for pid in _family(server.postmaster_pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def _unready(channel: grpc.aio.Channel) -> bool:
    return not await is_ready(channel)


async def _fifty_calls(api: Api) -> None:
    """Make fifty calls at once, more than the pool has connections; all have to be answered."""
    created = await asyncio.gather(*(api.orders.CreateOrder(create_order(), timeout=10) for _ in range(50)))
    await asyncio.gather(
        *(
            api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=one.order.order_id), timeout=10)
            for one in created
        )
    )


async def _place_until(api: Api, over: asyncio.Event, placed: list[str]) -> None:
    """Place orders, each again with its request id until it is acknowledged."""
    while not over.is_set():
        order_id = f"ORD-{uuid.uuid4()}"
        while True:
            try:
                await api.orders.CreateOrder(create_order(order_id=order_id, request_id=order_id), timeout=5)
            except grpc.aio.AioRpcError as error:
                assert error.code() in (  # noqa: PT017 # an outage has these answers and no other
                    grpc.StatusCode.UNAVAILABLE,
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                ), error
                await asyncio.sleep(0.05)
            else:
                placed.append(order_id)
                break


async def test_a_database_that_is_stopped_and_started_again(own_postgres: EmbeddedPostgres) -> None:
    """Calls are told so at once, readiness goes and comes back by itself, no order is lost or doubled."""
    url = own_postgres.dsn
    async with open_api(url) as api:
        over, placed = asyncio.Event(), list[str]()
        callers = [asyncio.create_task(_place_until(api, over, placed)) for _ in range(10)]

        async def warm() -> bool:
            return len(placed) > 50

        await eventually(warm)
        await asyncio.to_thread(own_postgres.stop)
        await eventually(lambda: _unready(api.channel), within=5)
        assert await is_ready(api.channel, "liveness")
        watch = Stopwatch()
        failure = await failing(api.orders.CreateOrder(create_order()))
        assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
        assert failure.retryable
        read = await failing(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=placed[0])))
        assert read.reason == "DATABASE_UNAVAILABLE"
        assert watch.seconds < 3
        await asyncio.to_thread(own_postgres.start)
        assert own_postgres.dsn == url
        await eventually(lambda: is_ready(api.channel), within=10)
        before = len(placed)

        async def goes_on() -> bool:
            return len(placed) > before + 20

        await eventually(goes_on)
        over.set()
        await asyncio.gather(*callers)
        await _fifty_calls(api)
    connection = await asyncpg.connect(url)
    try:
        assert await breaches(connection, acknowledged=placed) == []
        assert await connection.fetchval("SELECT count(*) FROM orders") == len(placed) + 50
    finally:
        await connection.close()


async def test_a_database_that_is_frozen_and_thawed(own_postgres: EmbeddedPostgres) -> None:
    """No call takes longer than its deadline, readiness goes and comes back, the pool is whole afterwards."""
    async with open_api(own_postgres.dsn, deadline_cap="2s", database_statement_timeout="1s") as api:
        await _fifty_calls(api)
        _freeze(own_postgres)
        watch = Stopwatch()
        calls = [api.orders.CreateOrder(create_order(), timeout=1) for _ in range(30)]
        calls += [api.orders.CreateOrder(create_order()) for _ in range(30)]  # the server's cap ends these
        for answer in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(answer, grpc.aio.AioRpcError)
            assert answer.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
        # Without the cap they would take as long as a statement may: 6 s.
        assert watch.seconds < 5.5
        await eventually(lambda: _unready(api.channel), within=5)
        assert await is_ready(api.channel, "liveness")
        _thaw(own_postgres)
        await eventually(lambda: is_ready(api.channel), within=10)
        await eventually(lambda: _works(api), within=10)
        await _fifty_calls(api)
    connection = await asyncpg.connect(own_postgres.dsn)
    try:
        assert await breaches(connection) == []
    finally:
        await connection.close()


@pytest.mark.parametrize("what", ["the sequencer", "a transaction"])
async def test_what_gets_no_answer_from_a_frozen_database_can_be_ended(
    own_postgres: EmbeddedPostgres, what: str
) -> None:
    """A cancellation that fails on its way out is not taken for one more outage to wait for."""
    await migrate(own_postgres.dsn)
    async with open_database(own_postgres.dsn, PoolOptions(max_size=1, statement_timeout=1)) as database:
        asking = Sequencer(database).run() if what == "the sequencer" else _transact_for_ever(database)
        async with running(asking) as work:
            try:
                await eventually(lambda: _is_true(database.pool.get_size() == 1))
                _freeze(own_postgres)
                await eventually(lambda: _is_true(database.pool.get_idle_size() == 0))
                work.cancel()
                ended, _ = await asyncio.wait({work}, timeout=20)
                assert ended
            finally:
                _thaw(own_postgres)


async def _transact_for_ever(database: PostgresDatabase) -> None:
    while True:
        with suppress(StorageUnavailable):
            await database.transact(lambda transaction: transaction.orders.get(["ORD-1"]))


async def _is_true(value: bool) -> bool:
    return value


async def _works(api: Api) -> bool:
    try:
        await api.orders.CreateOrder(create_order(), timeout=5)
    except grpc.aio.AioRpcError:
        return False
    return True


async def test_sessions_that_were_ended_are_replaced_without_a_failing_call(
    database_url: str, sql: Sql
) -> None:
    """A failover that closes every idle connection costs no call: the pool makes new ones."""
    async with open_api(database_url) as api:
        await _fifty_calls(api)
        for _ in range(5):
            await sql.execute("""
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'""")
            await _fifty_calls(api)


async def test_a_way_to_the_database_that_is_cut_over_and_over(database_url: str, sql: Sql) -> None:
    """Ten outages under load: each order is there once, and the service is whole at the end."""
    async with open_proxy(database_url) as proxy, open_api(proxy.url) as api:
        over, placed = asyncio.Event(), list[str]()
        callers = [asyncio.create_task(_place_until(api, over, placed)) for _ in range(10)]
        for _ in range(10):
            await asyncio.sleep(0.1)
            await proxy.cut()
            await asyncio.sleep(0.05)
            await proxy.heal()
        over.set()
        await asyncio.gather(*callers)
        await _fifty_calls(api)
    assert await breaches(sql, acknowledged=placed) == []
    assert await sql.fetchval("SELECT count(*) FROM orders") == len(placed) + 50


@pytest.mark.parametrize("how", ["cut", "silent"])
async def test_a_worker_goes_on_by_itself_after_an_outage(
    site: Site, processes: Processes, database_url: str, sql: Sql, how: str
) -> None:
    """It steps down before its lease ends, says so, and takes its role again when the database is back."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 100))
    async with open_proxy(database_url) as proxy:
        worker = processes.worker(
            proxy.url, database_statement_timeout="1s", drain_grace="1s", standalone_lease="1500ms"
        )
        await worker.serving(FULFILLMENT)
        before = await site.order()
        await eventually(lambda: _is(site, before, "PICKING"))
        if how == "cut":
            await proxy.cut()
        else:
            proxy.freeze()
        await worker.not_serving(FULFILLMENT, within=3)
        await worker.not_serving()
        assert await worker.is_serving("liveness")
        after = await site.order()
        await proxy.heal()
        await worker.serving(FULFILLMENT, within=20)
        await eventually(lambda: _is(site, after, "PICKING"))
        assert worker.said("stepped_down")
        assert await worker.stopped() == 0
    assert await breaches(sql) == []


async def _is(site: Site, order_id: str, status: str) -> bool:
    return await site.status(order_id) == status
