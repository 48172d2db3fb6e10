"""GetOrder calls that share a query: each has its own answer or its own error."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import pytest

from tests.support.api import Api, open_api
from tests.support.failures import failing
from tests.support.invariants import Sql
from tests.support.orders import created, read
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2
from wms_core.postgres.order_store import PostgresOrderStore
from wms_server.at_work import Outcome
from wms_server.joining import Asked, Joining

Queries = list[Sequence[str]]


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> Queries:
    """Give the ids of each query of orders that is made."""
    made: Queries = []
    real = PostgresOrderStore.get

    async def get(store: PostgresOrderStore, order_ids: Sequence[str]) -> object:
        made.append(order_ids)
        return await real(store, order_ids)

    monkeypatch.setattr(PostgresOrderStore, "get", get)
    return made


async def _read(api: Api, order_id: str) -> str:
    """Give the id of an order as it is read, or the code of the error."""
    try:
        return (await read(api, order_id)).order_id
    except grpc.aio.AioRpcError as error:
        return error.code().name


async def _held_up(sql: Sql, number: int) -> None:
    """Wait until so many queries, or more, wait for the lock of the table."""

    async def there() -> bool:
        waiting: int = await sql.fetchval(
            "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND NOT granted"
        )
        return waiting >= number

    await eventually(there)


async def test_reads_that_come_together_share_queries(
    api: Api, sql: Sql, queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred calls for ten orders that wait for a turn are all answered rightly by few queries."""
    orders = [(await created(api)).order_id for _ in range(10)]
    waiting = _count_waiting_calls(monkeypatch)
    async with sql.transaction():
        await sql.execute("LOCK TABLE orders")
        held = []
        for number in range(1, 4):
            held.append(asyncio.create_task(_read(api, orders[0])))
            await _held_up(sql, number)
        crowd = asyncio.gather(*(_read(api, order_id) for order_id in orders * 10))

        async def arrived() -> bool:
            return len(waiting) == 103

        await eventually(arrived)
    assert await asyncio.gather(*held) == orders[:1] * 3
    assert await crowd == orders * 10
    assert len(queries) < 10  # three that are held up, then 32 calls in each


def _count_waiting_calls(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows by one with each call that comes to be joined with others."""
    calls: list[None] = []
    begin = Joining.begin

    def counted(joining: Joining, asked: Asked[Any]) -> "asyncio.Future[Outcome]":
        calls.append(None)
        return begin(joining, asked)

    monkeypatch.setattr(Joining, "begin", counted)
    return calls


async def test_without_joining_each_read_has_its_own(database_url: str, queries: Queries) -> None:
    """The test above sees sharing, not something that always holds."""
    async with open_api(database_url, group_commit_calls=1) as api:
        order_id = (await created(api)).order_id
        await asyncio.gather(*(_read(api, order_id) for _ in range(20)))
    assert len(queries) == 20


async def test_a_read_that_is_alone_waits_for_nobody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a query might gather for an hour."""
    monkeypatch.setattr("wms_server.joining.GATHERING_SECONDS", 3600.0)
    order = await created(api)
    request = orders_pb2.GetOrderRequest(order_id=order.order_id)
    assert (await api.orders.GetOrder(request, timeout=5)).order == order


async def test_who_asks_for_what_is_not_there_is_told_so_alone(api: Api) -> None:
    """Each error names its own order; those beside it are answered."""
    order_id = (await created(api)).order_id
    request = orders_pb2.GetOrderRequest

    async def missing(name: str) -> dict[str, str]:
        failure = await failing(api.orders.GetOrder(request(order_id=name)))
        assert failure.reason == "ORDER_NOT_FOUND"
        return failure.metadata

    names = [f"ORD-NONE-{number}" for number in range(20)]
    found, told = await asyncio.gather(
        asyncio.gather(*(_read(api, order_id) for _ in names)), asyncio.gather(*map(missing, names))
    )
    assert found == [order_id] * 20
    assert told == [{"orderId": name} for name in names]


async def test_a_read_whose_turn_comes_too_late_fails_alone(api: Api, sql: Sql) -> None:
    """While as many queries as may be are held up, one call gives up and another stays."""
    order_id = (await created(api)).order_id
    async with sql.transaction():
        await sql.execute("LOCK TABLE orders")
        held = []
        for number in range(1, 4):
            held.append(asyncio.create_task(_read(api, order_id)))
            await _held_up(sql, number)
        stays = asyncio.create_task(_read(api, order_id))
        with pytest.raises(grpc.aio.AioRpcError, match="DEADLINE_EXCEEDED"):
            await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id), timeout=0.2)
    assert [await one for one in (*held, stays)] == [order_id] * 4


async def test_callers_who_leave_take_no_answer_along(api: Api, sql: Sql) -> None:
    """The queries that they share go on for the others."""
    order_id = (await created(api)).order_id
    async with sql.transaction():
        await sql.execute("LOCK TABLE orders")
        stays = asyncio.create_task(_read(api, order_id))
        await _held_up(sql, 1)
        leavers = [api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id)) for _ in range(5)]
        later = [asyncio.create_task(_read(api, order_id)) for _ in range(5)]
        await _held_up(sql, 2)
        for leaver in leavers:
            leaver.cancel()
    assert [await one for one in (stays, *later)] == [order_id] * 6


async def test_what_is_read_is_as_new_as_the_call(api: Api) -> None:
    """A call that begins after a change was acknowledged sees it, whoever reads beside it."""
    order_id = (await created(api)).order_id
    crowd = asyncio.gather(*(_read(api, order_id) for _ in range(100)))
    for _ in range(3):
        await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="x"))
        assert (await read(api, order_id)).cancel_reason == "x"
    await crowd


async def test_what_is_read_is_what_was_answered(api: Api) -> None:
    """GetOrder gives what CreateOrder answered, to the last field."""
    order = await created(api)
    assert await read(api, order.order_id) == order
