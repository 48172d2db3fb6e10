"""Batched GetOrder calls: each has its own response or its own error."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import pytest

from tests.support.builders.orders import place_order, read_order
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api, open_api
from tests.support.invariants.database import SqlConnection
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2
from wms_core.postgres.repositories.orders import PostgresOrderRepository
from wms_server.calls.batching import PendingCall, RequestBatcher
from wms_server.calls.in_flight import Result

IdBatches = list[Sequence[str]]


@pytest.fixture
def id_batches(monkeypatch: pytest.MonkeyPatch) -> IdBatches:
    """Return the ids of each query for orders."""
    recorded_batches: IdBatches = []
    original_get = PostgresOrderRepository.get

    async def get(repository: PostgresOrderRepository, order_ids: Sequence[str]) -> object:
        recorded_batches.append(order_ids)
        return await original_get(repository, order_ids)

    monkeypatch.setattr(PostgresOrderRepository, "get", get)
    return recorded_batches


async def _read_id_or_code(api: Api, order_id: str) -> str:
    """Return the id of the order, or the code of the error."""
    try:
        return (await read_order(api, order_id)).order_id
    except grpc.aio.AioRpcError as error:
        return error.code().name


async def _wait_for_lock_waiters(sql: SqlConnection, number: int) -> None:
    """Wait until at least `number` queries wait for the lock of the table."""

    async def are_waiting() -> bool:
        waiting: int = await sql.fetchval(
            "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND NOT granted"
        )
        return waiting >= number

    await eventually(are_waiting)


async def test_concurrent_reads_share_queries(
    api: Api, sql: SqlConnection, id_batches: IdBatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred waiting calls for ten orders need few queries, and each gets its order."""
    orders = [(await place_order(api)).order_id for _ in range(10)]
    waiting_calls = _count_waiting_calls(monkeypatch)
    async with sql.transaction():
        await sql.execute("LOCK TABLE orders")
        blocked_reads = []
        for number in range(1, 4):
            blocked_reads.append(asyncio.create_task(_read_id_or_code(api, orders[0])))
            await _wait_for_lock_waiters(sql, number)
        batched_reads = asyncio.gather(*(_read_id_or_code(api, order_id) for order_id in orders * 10))

        async def have_arrived() -> bool:
            return len(waiting_calls) == 103

        await eventually(have_arrived)
    assert await asyncio.gather(*blocked_reads) == orders[:1] * 3
    assert await batched_reads == orders * 10
    assert len(id_batches) < 10  # three blocked ones, then 32 calls in each


def _count_waiting_calls(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows by one element with each call that is submitted for batching."""
    calls: list[None] = []
    original_submit = RequestBatcher.submit_call

    def submit_call(batcher: RequestBatcher, pending_call: PendingCall[Any]) -> "asyncio.Future[Result]":
        calls.append(None)
        return original_submit(batcher, pending_call)

    monkeypatch.setattr(RequestBatcher, "submit_call", submit_call)
    return calls


async def test_without_batching_each_read_has_its_own_query(database_url: str, id_batches: IdBatches) -> None:
    """This shows that the test above observes batching."""
    async with open_api(database_url, group_commit_calls=1) as api:
        order_id = (await place_order(api)).order_id
        await asyncio.gather(*(_read_id_or_code(api, order_id) for _ in range(20)))
    assert len(id_batches) == 20


async def test_single_read_is_not_delayed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait for other calls, even with a batch delay of an hour."""
    monkeypatch.setattr("wms_server.calls.batching.MAX_BATCH_DELAY_SECONDS", 3600.0)
    order = await place_order(api)
    request = orders_pb2.GetOrderRequest(order_id=order.order_id)
    assert (await api.orders.GetOrder(request, timeout=5)).order == order


async def test_missing_order_fails_only_its_own_call(api: Api) -> None:
    """Each error names its own order, and the other calls of the batch succeed."""
    order_id = (await place_order(api)).order_id
    request_type = orders_pb2.GetOrderRequest

    async def read_missing(missing_id: str) -> dict[str, str]:
        failure = await expect_failure(api.orders.GetOrder(request_type(order_id=missing_id)))
        assert failure.reason == "ORDER_NOT_FOUND"
        return failure.metadata

    missing_ids = [f"ORD-NONE-{number}" for number in range(20)]
    order_ids, error_metadata = await asyncio.gather(
        asyncio.gather(*(_read_id_or_code(api, order_id) for _ in missing_ids)),
        asyncio.gather(*map(read_missing, missing_ids)),
    )
    assert order_ids == [order_id] * 20
    assert error_metadata == [{"orderId": missing_id} for missing_id in missing_ids]


async def test_read_that_waits_beyond_its_deadline_fails_alone(api: Api, sql: SqlConnection) -> None:
    """All slots for queries are blocked. One waiting call reaches its deadline, and another one succeeds."""
    order_id = (await place_order(api)).order_id
    async with sql.transaction():
        await sql.execute("LOCK TABLE orders")
        blocked_reads = []
        for number in range(1, 4):
            blocked_reads.append(asyncio.create_task(_read_id_or_code(api, order_id)))
            await _wait_for_lock_waiters(sql, number)
        waiting_read = asyncio.create_task(_read_id_or_code(api, order_id))
        with pytest.raises(grpc.aio.AioRpcError, match="DEADLINE_EXCEEDED"):
            await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id), timeout=0.2)
    assert [await read for read in (*blocked_reads, waiting_read)] == [order_id] * 4


async def test_cancelled_calls_do_not_affect_their_batch(api: Api, sql: SqlConnection) -> None:
    """The shared queries continue for the other callers."""
    order_id = (await place_order(api)).order_id
    async with sql.transaction():
        await sql.execute("LOCK TABLE orders")
        first_read = asyncio.create_task(_read_id_or_code(api, order_id))
        await _wait_for_lock_waiters(sql, 1)
        cancelled_calls = [
            api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id)) for _ in range(5)
        ]
        later_reads = [asyncio.create_task(_read_id_or_code(api, order_id)) for _ in range(5)]
        await _wait_for_lock_waiters(sql, 2)
        for call in cancelled_calls:
            call.cancel()
    assert [await read for read in (first_read, *later_reads)] == [order_id] * 6


async def test_read_sees_changes_acknowledged_before_it(api: Api) -> None:
    """This holds for every read that shares its query with earlier calls."""
    order_id = (await place_order(api)).order_id
    concurrent_reads = asyncio.gather(*(_read_id_or_code(api, order_id) for _ in range(100)))
    for _ in range(3):
        await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="x"))
        assert (await read_order(api, order_id)).cancel_reason == "x"
    await concurrent_reads


async def test_batched_read_returns_the_created_order(api: Api) -> None:
    """All fields of the CreateOrder response are the same."""
    order = await place_order(api)
    assert await read_order(api, order.order_id) == order
