"""Callers of one kind never take the connections of the others: locks, expensive lists, batches."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import grpc
import pytest

from tests.support.api import Api, open_api
from tests.support.failures import failing
from tests.support.invariants import Sql
from tests.support.requests import create_order, put_lane
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2

pytestmark = pytest.mark.one_postgres

#: Seconds that a call of others may take meanwhile, on a machine that is busy with other tests.
_QUICK = 3.0
_WRITERS = 64
Call = Callable[[], Awaitable[object]]


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """Give a server whose changes wait for a lock as long as they do by default."""
    async with open_api(database_url, database_lock_timeout=timedelta(seconds=1)) as opened:
        yield opened


@pytest.fixture
async def lock(database_url: str) -> AsyncIterator[Sql]:
    """Give a session of somebody else, in a transaction that holds what it locks until the end."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _again_and_again(*calls: Call) -> AsyncIterator[list[grpc.StatusCode]]:
    """Make each call all the time, until the end of the block; tells how they have failed."""
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


async def _slowest(calls: dict[str, Call], times: int = 10) -> dict[str, float]:
    """Return the seconds of the slowest call of each kind, all of which have to succeed."""
    slowest = dict.fromkeys(calls, 0.0)
    for _ in range(times):
        for name, call in calls.items():
            watch = Stopwatch()
            await call()
            slowest[name] = max(slowest[name], watch.seconds)
    return slowest


async def _waiting_for_locks(sql: Sql, count: int) -> None:
    async def waiting() -> bool:
        return bool(
            await sql.fetchval(
                "SELECT count(*) >= $1 FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'",
                count,
            )
        )

    await eventually(waiting)


async def test_writers_that_wait_for_a_lock_leave_connections_to_all_others(
    api: Api, lock: Sql, sql: Sql
) -> None:
    """With 64 of them at locked orders, reads, lists, new orders and changes of other orders go on."""
    locked = [(await api.orders.CreateOrder(create_order())).order.order_id for _ in range(_WRITERS)]
    free = [(await api.orders.CreateOrder(create_order())).order.order_id for _ in range(20)]
    await lock.execute("SELECT FROM orders WHERE order_id = ANY ($1) FOR UPDATE", locked)
    unlocked = iter(free)

    def cancel(order_id: str) -> Call:
        return lambda: api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="x"))

    def cancel_another() -> Awaitable[object]:
        return cancel(next(unlocked))()

    others: dict[str, Call] = {
        "read": lambda: api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=free[0])),
        "list": lambda: api.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=10)),
        "new order": lambda: api.orders.CreateOrder(create_order()),
        "lane": lambda: api.storage.PutLane(put_lane()),
        "change of another order": cancel_another,
        "batch": lambda: api.orders.BatchCreateOrders(
            orders_pb2.BatchCreateOrdersRequest(requests=[create_order()] * 2)
        ),
    }
    async with _again_and_again(*map(cancel, locked)) as failures:
        await _waiting_for_locks(sql, 1)
        slowest = await _slowest(others)
        assert max(slowest.values()) < _QUICK, slowest
        failure = await failing(cancel(locked[0])())
        assert failure.reason in ("CONCURRENT_CHANGE", "OVERLOADED")
    assert set(failures) <= {grpc.StatusCode.ABORTED, grpc.StatusCode.RESOURCE_EXHAUSTED}


async def test_a_lock_that_is_held_for_a_moment_is_waited_for(api: Api, lock: Sql, sql: Sql) -> None:
    """A change of an order that somebody else is just changing is done after that."""
    order_id = (await api.orders.CreateOrder(create_order())).order.order_id
    await lock.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
    cancelling = asyncio.ensure_future(
        api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="x"))
    )
    await _waiting_for_locks(sql, 1)
    await asyncio.sleep(0.3)
    await lock.execute("ROLLBACK; BEGIN")
    assert (await cancelling).order.status == order_pb2.ORDER_STATUS_CANCELLED


async def test_lists_that_take_long_leave_connections_to_all_others(
    database_url: str, lock: Sql, sql: Sql
) -> None:
    """With 40 of one caller that get no answer, calls of others go on, and their lists get their turn."""
    async with open_api(database_url, database_lock_timeout=timedelta(seconds=1)) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        await lock.execute("LOCK TABLE backorders")

        def stuck() -> Awaitable[object]:
            caller = (("x-wms-actor", "the one who lists"),)
            return api.storage.ListBackorders(storage_pb2.ListBackordersRequest(), metadata=caller)

        others: dict[str, Call] = {
            "read": lambda: api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id)),
            "list": lambda: api.storage.ListLanes(
                storage_pb2.ListLanesRequest(), metadata=(("x-wms-actor", "another"),)
            ),
            "new order": lambda: api.orders.CreateOrder(create_order()),
            "lane": lambda: api.storage.PutLane(put_lane()),
        }
        async with _again_and_again(*[stuck] * 40):
            await _waiting_for_locks(sql, 2)
            slowest = await _slowest(others, times=5)
            assert max(slowest.values()) < _QUICK, slowest


async def test_a_server_holds_no_more_connections_than_its_pool(
    api: Api, lock: Sql, sql: Sql, database_url: str
) -> None:
    """Whatever kinds of calls there are at a time."""
    locked = [(await api.orders.CreateOrder(create_order())).order.order_id for _ in range(20)]
    await lock.execute("SELECT FROM orders WHERE order_id = ANY ($1) FOR UPDATE", locked)
    await lock.execute("LOCK TABLE backorders")
    calls: list[Call] = [
        lambda: api.storage.ListBackorders(storage_pb2.ListBackordersRequest()),
        lambda: api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=locked[0])),
        lambda: api.orders.CreateOrder(create_order()),
        lambda: api.orders.BatchCreateOrders(
            orders_pb2.BatchCreateOrdersRequest(requests=[create_order()] * 20)
        ),
        lambda: api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=locked[0], reason="x")),
    ]
    held: list[int] = []

    async def seen() -> bool:
        held.append(
            await sql.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name LIKE '%-server'"
            )
        )
        return len(held) >= 50 and max(held) > 5

    async with _again_and_again(*calls * 10):
        await eventually(seen)
    assert max(held) <= 10
