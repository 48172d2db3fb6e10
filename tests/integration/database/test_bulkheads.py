"""Bulkheads: one kind of calls never takes the connections of the others, with locks, lists or batches."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import grpc
import pytest

from tests.support.builders.requests import create_order, put_lane
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api, open_api
from tests.support.invariants.database import SqlConnection
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2

pytestmark = pytest.mark.one_postgres

#: Limit in seconds for other calls meanwhile, on a machine that also runs other tests.
_MAX_OTHER_CALL_SECONDS = 3.0
_WRITER_COUNT = 64
Call = Callable[[], Awaitable[object]]


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """Yield a client of a server with the default lock timeout for changes."""
    async with open_api(database_url, database_lock_timeout=timedelta(seconds=1)) as api_client:
        yield api_client


@pytest.fixture
async def locking_session(database_url: str) -> AsyncIterator[SqlConnection]:
    """Yield another session, in a transaction that keeps its locks until the end."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _repeat_calls(*calls: Call) -> AsyncIterator[list[grpc.StatusCode]]:
    """Repeat each call until the end of the block. Yield the codes of the failures."""
    failures: list[grpc.StatusCode] = []

    async def repeat(call: Call) -> None:
        while True:
            try:
                await call()
            except grpc.aio.AioRpcError as error:
                failures.append(error.code())
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(repeat(call)) for call in calls]
        try:
            yield failures
        finally:
            for task in tasks:
                task.cancel()


async def _measure_slowest(calls: dict[str, Call], repetitions: int = 10) -> dict[str, float]:
    """Return the seconds of the slowest call of each kind. All calls must succeed."""
    slowest_seconds = dict.fromkeys(calls, 0.0)
    for _ in range(repetitions):
        for name, call in calls.items():
            stopwatch = Stopwatch()
            await call()
            slowest_seconds[name] = max(slowest_seconds[name], stopwatch.seconds)
    return slowest_seconds


async def _wait_for_lock_waiters(sql: SqlConnection, count: int) -> None:
    async def are_waiting() -> bool:
        return bool(
            await sql.fetchval(
                "SELECT count(*) >= $1 FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'",
                count,
            )
        )

    await eventually(are_waiting)


async def test_writers_waiting_for_locks_do_not_block_other_calls(
    api: Api, locking_session: SqlConnection, sql: SqlConnection
) -> None:
    """With 64 writers at locked orders, reads, lists, new orders and changes of other orders succeed."""
    locked_ids = [(await api.orders.CreateOrder(create_order())).order.order_id for _ in range(_WRITER_COUNT)]
    free_ids = [(await api.orders.CreateOrder(create_order())).order.order_id for _ in range(20)]
    await locking_session.execute("SELECT FROM orders WHERE order_id = ANY ($1) FOR UPDATE", locked_ids)
    remaining_ids = iter(free_ids)

    def cancel(order_id: str) -> Call:
        return lambda: api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="x"))

    def cancel_next() -> Awaitable[object]:
        return cancel(next(remaining_ids))()

    other_calls: dict[str, Call] = {
        "read": lambda: api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=free_ids[0])),
        "list": lambda: api.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=10)),
        "new order": lambda: api.orders.CreateOrder(create_order()),
        "lane": lambda: api.storage.PutLane(put_lane()),
        "change of another order": cancel_next,
        "batch": lambda: api.orders.BatchCreateOrders(
            orders_pb2.BatchCreateOrdersRequest(requests=[create_order()] * 2)
        ),
    }
    async with _repeat_calls(*map(cancel, locked_ids)) as failures:
        await _wait_for_lock_waiters(sql, 1)
        slowest_seconds = await _measure_slowest(other_calls)
        assert max(slowest_seconds.values()) < _MAX_OTHER_CALL_SECONDS, slowest_seconds
        failure = await expect_failure(cancel(locked_ids[0])())
        assert failure.reason in ("CONCURRENT_CHANGE", "OVERLOADED")
    assert set(failures) <= {grpc.StatusCode.ABORTED, grpc.StatusCode.RESOURCE_EXHAUSTED}


async def test_change_waits_for_a_short_lock(
    api: Api, locking_session: SqlConnection, sql: SqlConnection
) -> None:
    """It is applied after the end of the other transaction."""
    order_id = (await api.orders.CreateOrder(create_order())).order.order_id
    await locking_session.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
    cancelling = asyncio.ensure_future(
        api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="x"))
    )
    await _wait_for_lock_waiters(sql, 1)
    await asyncio.sleep(0.3)
    await locking_session.execute("ROLLBACK; BEGIN")
    assert (await cancelling).order.status == order_pb2.ORDER_STATUS_CANCELLED


async def test_slow_lists_do_not_block_other_calls(
    database_url: str, locking_session: SqlConnection, sql: SqlConnection
) -> None:
    """With 40 blocked lists of one caller, calls and lists of other callers succeed."""
    async with open_api(database_url, database_lock_timeout=timedelta(seconds=1)) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        await locking_session.execute("LOCK TABLE backorders")

        def list_backorders() -> Awaitable[object]:
            caller = (("x-wms-actor", "slow caller"),)
            return api.storage.ListBackorders(storage_pb2.ListBackordersRequest(), metadata=caller)

        other_calls: dict[str, Call] = {
            "read": lambda: api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id)),
            "list": lambda: api.storage.ListLanes(
                storage_pb2.ListLanesRequest(), metadata=(("x-wms-actor", "other caller"),)
            ),
            "new order": lambda: api.orders.CreateOrder(create_order()),
            "lane": lambda: api.storage.PutLane(put_lane()),
        }
        async with _repeat_calls(*[list_backorders] * 40):
            await _wait_for_lock_waiters(sql, 2)
            slowest_seconds = await _measure_slowest(other_calls, repetitions=5)
            assert max(slowest_seconds.values()) < _MAX_OTHER_CALL_SECONDS, slowest_seconds


async def test_server_never_exceeds_its_pool_size(
    api: Api, locking_session: SqlConnection, sql: SqlConnection, database_url: str
) -> None:
    """For any mix of concurrent calls."""
    locked_ids = [(await api.orders.CreateOrder(create_order())).order.order_id for _ in range(20)]
    await locking_session.execute("SELECT FROM orders WHERE order_id = ANY ($1) FOR UPDATE", locked_ids)
    await locking_session.execute("LOCK TABLE backorders")
    calls: list[Call] = [
        lambda: api.storage.ListBackorders(storage_pb2.ListBackordersRequest()),
        lambda: api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=locked_ids[0])),
        lambda: api.orders.CreateOrder(create_order()),
        lambda: api.orders.BatchCreateOrders(
            orders_pb2.BatchCreateOrdersRequest(requests=[create_order()] * 20)
        ),
        lambda: api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=locked_ids[0], reason="x")),
    ]
    connection_counts: list[int] = []

    async def has_enough_samples() -> bool:
        connection_counts.append(
            await sql.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name LIKE '%-server'"
            )
        )
        return len(connection_counts) >= 50 and max(connection_counts) > 5

    async with _repeat_calls(*calls * 10):
        await eventually(has_enough_samples)
    assert max(connection_counts) <= 10
