"""Database outages: clear errors, correct data, and a complete connection pool afterwards (I1, I11)."""

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

from tests.support.builders.requests import create_order
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api, is_ready, open_api
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.processes.processes import FULFILLMENT_HEALTH, Processes
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import orders_pb2
from wms_core.domain.errors import StorageUnavailable
from wms_core.postgres.database import PoolOptions, PostgresDatabase, open_database
from wms_core.postgres.event_sequencer import EventSequencer
from wms_core.postgres.migrate import migrate
from wms_core.runtime.background_tasks import background_task
from wms_dev.embedded.postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.free_port import find_free_port

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """Yield a Postgres server that a test may stop, start and freeze."""
    server = EmbeddedPostgres(temporary_data_dir(), port=find_free_port(), settings={"max_connections": "60"})
    server.start()
    try:
        yield server
    finally:
        _thaw(server)
        server.stop()
        shutil.rmtree(server.data_dir, ignore_errors=True)


def _list_postgres_pids(postmaster: int) -> list[int]:
    """Return the process ids of the postmaster and its children."""
    pids = [postmaster]
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                stat = (entry / "stat").read_text()
                if int(stat.rpartition(")")[2].split()[1]) == postmaster:
                    pids.append(int(entry.name))
    return pids


def _freeze(server: EmbeddedPostgres) -> None:
    for pid in _list_postgres_pids(server.postmaster_pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)


def _thaw(server: EmbeddedPostgres) -> None:
    if server.is_running():
        for pid in _list_postgres_pids(server.postmaster_pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def _is_unready(channel: grpc.aio.Channel) -> bool:
    return not await is_ready(channel)


async def _make_fifty_calls(api: Api) -> None:
    """Make fifty concurrent calls, more than the pool size. All must succeed."""
    responses = await asyncio.gather(*(api.orders.CreateOrder(create_order(), timeout=10) for _ in range(50)))
    await asyncio.gather(
        *(
            api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=response.order.order_id), timeout=10)
            for response in responses
        )
    )


async def _place_orders_until(api: Api, stopped: asyncio.Event, placed_ids: list[str]) -> None:
    """Place orders. Repeat each with its request id until it is acknowledged."""
    while not stopped.is_set():
        order_id = f"ORD-{uuid.uuid4()}"
        while True:
            try:
                await api.orders.CreateOrder(create_order(order_id=order_id, request_id=order_id), timeout=5)
            except grpc.aio.AioRpcError as error:
                assert error.code() in (  # noqa: PT017 # an outage causes no other code
                    grpc.StatusCode.UNAVAILABLE,
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                ), error
                await asyncio.sleep(0.05)
            else:
                placed_ids.append(order_id)
                break


async def test_server_recovers_after_a_database_restart(own_postgres: EmbeddedPostgres) -> None:
    """Calls fail at once, readiness follows the database, and no order is lost or duplicated."""
    url = own_postgres.dsn
    async with open_api(url) as api:
        stopped, placed_ids = asyncio.Event(), list[str]()
        callers = [asyncio.create_task(_place_orders_until(api, stopped, placed_ids)) for _ in range(10)]

        async def is_warm() -> bool:
            return len(placed_ids) > 50

        await eventually(is_warm)
        await asyncio.to_thread(own_postgres.stop)
        await eventually(lambda: _is_unready(api.channel), within=5)
        assert await is_ready(api.channel, "liveness")
        stopwatch = Stopwatch()
        failure = await expect_failure(api.orders.CreateOrder(create_order()))
        assert (failure.status_code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
        assert failure.is_retryable
        read_failure = await expect_failure(
            api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=placed_ids[0]))
        )
        assert read_failure.reason == "DATABASE_UNAVAILABLE"
        assert stopwatch.seconds < 3
        await asyncio.to_thread(own_postgres.start)
        assert own_postgres.dsn == url
        await eventually(lambda: is_ready(api.channel), within=10)
        count_before = len(placed_ids)

        async def is_continuing() -> bool:
            return len(placed_ids) > count_before + 20

        await eventually(is_continuing)
        stopped.set()
        await asyncio.gather(*callers)
        await _make_fifty_calls(api)
    connection = await asyncpg.connect(url)
    try:
        assert await find_violations(connection, acknowledged_ids=placed_ids) == []
        assert await connection.fetchval("SELECT count(*) FROM orders") == len(placed_ids) + 50
    finally:
        await connection.close()


async def test_server_recovers_after_a_database_freeze(own_postgres: EmbeddedPostgres) -> None:
    """No call exceeds its deadline, readiness follows the database, and the pool is complete afterwards."""
    async with open_api(own_postgres.dsn, deadline_cap="2s", database_statement_timeout="1s") as api:
        await _make_fifty_calls(api)
        _freeze(own_postgres)
        stopwatch = Stopwatch()
        calls = [api.orders.CreateOrder(create_order(), timeout=1) for _ in range(30)]
        calls += [
            api.orders.CreateOrder(create_order()) for _ in range(30)
        ]  # limited by the server's deadline cap
        for error in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(error, grpc.aio.AioRpcError)
            assert error.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
        # Without the cap they would take the statement timeout of 6 s.
        assert stopwatch.seconds < 5.5
        await eventually(lambda: _is_unready(api.channel), within=5)
        assert await is_ready(api.channel, "liveness")
        _thaw(own_postgres)
        await eventually(lambda: is_ready(api.channel), within=10)
        await eventually(lambda: _accepts_orders(api), within=10)
        await _make_fifty_calls(api)
    connection = await asyncpg.connect(own_postgres.dsn)
    try:
        assert await find_violations(connection) == []
    finally:
        await connection.close()


@pytest.mark.parametrize("task_kind", ["the sequencer", "a transaction"])
async def test_task_blocked_by_a_frozen_database_can_be_cancelled(
    own_postgres: EmbeddedPostgres, task_kind: str
) -> None:
    """A cancellation that fails on its way out is not retried like an outage."""
    await migrate(own_postgres.dsn)
    async with open_database(
        own_postgres.dsn, PoolOptions(max_connections=1, statement_timeout_seconds=1)
    ) as database:
        coroutine = (
            EventSequencer(database).run()
            if task_kind == "the sequencer"
            else _run_transactions_forever(database)
        )
        async with background_task(coroutine) as task:
            try:
                await eventually(lambda: _is_true(database.pool.get_size() == 1))
                _freeze(own_postgres)
                await eventually(lambda: _is_true(database.pool.get_idle_size() == 0))
                task.cancel()
                done_tasks, _ = await asyncio.wait({task}, timeout=20)
                assert done_tasks
            finally:
                _thaw(own_postgres)


async def _run_transactions_forever(database: PostgresDatabase) -> None:
    while True:
        with suppress(StorageUnavailable):
            await database.run_in_transaction(lambda transaction: transaction.orders.get(["ORD-1"]))


async def _is_true(value: bool) -> bool:
    return value


async def _accepts_orders(api: Api) -> bool:
    try:
        await api.orders.CreateOrder(create_order(), timeout=5)
    except grpc.aio.AioRpcError:
        return False
    return True


async def test_terminated_idle_sessions_are_replaced_without_failed_calls(
    database_url: str, sql: SqlConnection
) -> None:
    """After a failover that closes every idle connection, the pool opens new ones."""
    async with open_api(database_url) as api:
        await _make_fifty_calls(api)
        for _ in range(5):
            await sql.execute("""
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'""")
            await _make_fifty_calls(api)


async def test_repeated_connection_loss_duplicates_no_order(database_url: str, sql: SqlConnection) -> None:
    """After ten outages under load, each order exists once and the service is healthy."""
    async with open_proxy(database_url) as proxy, open_api(proxy.url) as api:
        stopped, placed_ids = asyncio.Event(), list[str]()
        callers = [asyncio.create_task(_place_orders_until(api, stopped, placed_ids)) for _ in range(10)]
        for _ in range(10):
            await asyncio.sleep(0.1)
            await proxy.cut()
            await asyncio.sleep(0.05)
            await proxy.heal()
        stopped.set()
        await asyncio.gather(*callers)
        await _make_fifty_calls(api)
    assert await find_violations(sql, acknowledged_ids=placed_ids) == []
    assert await sql.fetchval("SELECT count(*) FROM orders") == len(placed_ids) + 50


@pytest.mark.parametrize("outage_kind", ["cut", "silent"])
async def test_worker_recovers_after_an_outage(
    site: WarehouseDriver, processes: Processes, database_url: str, sql: SqlConnection, outage_kind: str
) -> None:
    """It steps down before its lease ends, logs it, and takes the role again after the outage."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 100))
    async with open_proxy(database_url) as proxy:
        worker = processes.worker(
            proxy.url, database_statement_timeout="1s", drain_grace="1s", standalone_lease="1500ms"
        )
        await worker.wait_until_serving(FULFILLMENT_HEALTH)
        first_order_id = await site.place_order()
        await eventually(lambda: _has_status(site, first_order_id, "PICKING"))
        if outage_kind == "cut":
            await proxy.cut()
        else:
            proxy.freeze()
        await worker.wait_until_not_serving(FULFILLMENT_HEALTH, within=3)
        await worker.wait_until_not_serving()
        assert await worker.is_serving("liveness")
        second_order_id = await site.place_order()
        await proxy.heal()
        await worker.wait_until_serving(FULFILLMENT_HEALTH, within=20)
        await eventually(lambda: _has_status(site, second_order_id, "PICKING"))
        assert worker.find_log_entries("stepped_down")
        assert await worker.terminate_and_wait() == 0
    assert await find_violations(sql) == []


async def _has_status(site: WarehouseDriver, order_id: str, status: str) -> bool:
    return await site.read_status(order_id) == status
