"""Cancelled calls: no partial writes and no leaks (invariant I12)."""

import asyncio
import random
import uuid
from contextlib import suppress

import grpc
import pytest

from tests.support.builders.requests import create_order
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import open_api
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2

pytestmark = pytest.mark.one_postgres

LIMIT = 100


async def _has_no_open_transaction(sql: SqlConnection) -> bool:
    open_transactions: int = await sql.fetchval("""
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND state LIKE 'idle in transaction%'""")
    return open_transactions == 0


async def test_thousands_of_cancelled_calls_leak_nothing(database_url: str, sql: SqlConnection) -> None:
    """Each order is complete or absent, no transaction stays open, and no call stays in flight."""
    seeded_random = random.Random(7)
    async with open_api(database_url, max_in_flight=LIMIT, database_pool_size=5) as api:

        async def create_and_cancel(number: int) -> None:
            call = api.orders.CreateOrder(create_order(order_id=f"ORD-{number}", request_id=str(number)))
            await asyncio.sleep(seeded_random.random() * 0.02)
            call.cancel()
            with suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
                await call

        for start in range(0, 2000, LIMIT):
            await asyncio.gather(*(create_and_cancel(number) for number in range(start, start + LIMIT)))
        await eventually(lambda: _has_no_open_transaction(sql))

        async def accepts_all_calls_at_the_limit() -> bool:
            # As many calls as the in-flight limit. With a single leaked call one of them would fail.
            requests = [create_order(order_id=f"ORD-{uuid.uuid4()}") for _ in range(LIMIT)]
            responses = await asyncio.gather(
                *(api.orders.CreateOrder(request) for request in requests), return_exceptions=True
            )
            return not any(isinstance(response, BaseException) for response in responses)

        await eventually(accepts_all_calls_at_the_limit)
        repeated_calls = [
            api.orders.CreateOrder(create_order(order_id=f"ORD-{n}", request_id=str(n))) for n in range(50)
        ]
        assert [response.order.order_id for response in await asyncio.gather(*repeated_calls)] == [
            f"ORD-{number}" for number in range(50)
        ]
    assert await find_violations(sql) == []
    orders_without_lines = await sql.fetchval(
        "SELECT count(*) FROM orders WHERE order_id NOT IN (SELECT order_id FROM order_items)"
    )
    assert orders_without_lines == 0


async def test_call_finishes_after_its_deadline(database_url: str, sql: SqlConnection) -> None:
    """The error comes at the deadline.

    The repeated call with the same request id returns the stored response.
    """
    async with open_api(database_url) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        request = orders_pb2.CancelOrderRequest(order_id=order_id, reason="late", request_id="r-1")
        async with sql.transaction():
            await sql.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            with suppress(AssertionError):
                # The client's own deadline may expire first, and then the error has no details.
                assert (
                    await expect_failure(api.orders.CancelOrder(request, timeout=0.3))
                ).reason == "DEADLINE_EXCEEDED"
        response = await api.orders.CancelOrder(request)
        assert response.order.cancel_reason == "late"
    count_events = (
        "SELECT (SELECT count(*) FROM outbox WHERE type = $1) + count(*) FROM order_events WHERE type = $1"
    )
    assert await sql.fetchval(count_events, "wms.order.cancelled") == 1


async def test_overloaded_server_rejects_calls_and_recovers(database_url: str, sql: SqlConnection) -> None:
    """Calls above the limit fail with OVERLOADED at once. Later calls succeed."""
    async with open_api(database_url, max_in_flight=3) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        cancel = orders_pb2.CancelOrderRequest(order_id=order_id, reason="late")
        async with sql.transaction():
            await sql.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            blocked_calls = [asyncio.ensure_future(api.orders.CancelOrder(cancel)) for _ in range(3)]

            async def is_overloaded() -> bool:
                try:
                    await api.orders.CreateOrder(create_order())
                except grpc.aio.AioRpcError as error:
                    return error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
                return False

            await eventually(is_overloaded)
            assert (await expect_failure(api.orders.CreateOrder(create_order()))).reason == "OVERLOADED"
        assert all(
            response.order.cancel_reason == "late" for response in await asyncio.gather(*blocked_calls)
        )
        assert (await api.orders.CreateOrder(create_order())).order.order_id
