"""Callers that leave: nothing half-written, nothing leaked (I12)."""

import asyncio
import random
import uuid
from contextlib import suppress

import grpc
import pytest

from tests.support.api import open_api
from tests.support.failures import failing
from tests.support.invariants import Sql, breaches
from tests.support.requests import create_order
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2

pytestmark = pytest.mark.one_postgres

LIMIT = 100


async def _at_rest(sql: Sql) -> bool:
    busy: int = await sql.fetchval("""
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND state LIKE 'idle in transaction%'""")
    return busy == 0


async def test_thousands_of_cancelled_calls_leave_nothing_behind(database_url: str, sql: Sql) -> None:
    """Each order is there whole or not at all; no transaction stays open and no call stays at work."""
    chance = random.Random(7)
    async with open_api(database_url, max_in_flight=LIMIT, database_pool_size=5) as api:

        async def leave(number: int) -> None:
            call = api.orders.CreateOrder(create_order(order_id=f"ORD-{number}", request_id=str(number)))
            await asyncio.sleep(chance.random() * 0.02)
            call.cancel()
            with suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
                await call

        for start in range(0, 2000, LIMIT):
            await asyncio.gather(*(leave(number) for number in range(start, start + LIMIT)))
        await eventually(lambda: _at_rest(sql))

        async def all_at_once() -> bool:
            # As many as may be at work: a single one that was left over would make one of these fail.
            wanted = [create_order(order_id=f"ORD-{uuid.uuid4()}") for _ in range(LIMIT)]
            answers = await asyncio.gather(
                *(api.orders.CreateOrder(one) for one in wanted), return_exceptions=True
            )
            return not any(isinstance(answer, BaseException) for answer in answers)

        await eventually(all_at_once)
        again = [
            api.orders.CreateOrder(create_order(order_id=f"ORD-{n}", request_id=str(n))) for n in range(50)
        ]
        assert [answer.order.order_id for answer in await asyncio.gather(*again)] == [
            f"ORD-{number}" for number in range(50)
        ]
    assert await breaches(sql) == []
    halves = await sql.fetchval(
        "SELECT count(*) FROM orders WHERE order_id NOT IN (SELECT order_id FROM order_items)"
    )
    assert halves == 0


async def test_a_call_whose_deadline_passes_at_work_says_so_and_goes_on(database_url: str, sql: Sql) -> None:
    """The answer comes at the deadline; sent again with its request id, the call gives its first answer."""
    async with open_api(database_url) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        request = orders_pb2.CancelOrderRequest(order_id=order_id, reason="late", request_id="r-1")
        async with sql.transaction():
            await sql.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            with suppress(AssertionError):
                # The client's own clock may be first; then there are no details.
                assert (
                    await failing(api.orders.CancelOrder(request, timeout=0.3))
                ).reason == "DEADLINE_EXCEEDED"
        answer = await api.orders.CancelOrder(request)
        assert answer.order.cancel_reason == "late"
    told = "SELECT (SELECT count(*) FROM outbox WHERE type = $1) + count(*) FROM order_events WHERE type = $1"
    assert await sql.fetchval(told, "wms.order.cancelled") == 1


async def test_a_server_with_too_much_to_do_refuses_and_recovers(database_url: str, sql: Sql) -> None:
    """Calls above the limit are told OVERLOADED at once, health checks are not; afterwards all is served."""
    async with open_api(database_url, max_in_flight=3) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        cancel = orders_pb2.CancelOrderRequest(order_id=order_id, reason="late")
        async with sql.transaction():
            await sql.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            stuck = [asyncio.ensure_future(api.orders.CancelOrder(cancel)) for _ in range(3)]

            async def full() -> bool:
                try:
                    await api.orders.CreateOrder(create_order())
                except grpc.aio.AioRpcError as error:
                    return error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
                return False

            await eventually(full)
            assert (await failing(api.orders.CreateOrder(create_order()))).reason == "OVERLOADED"
        assert all(answer.order.cancel_reason == "late" for answer in await asyncio.gather(*stuck))
        assert (await api.orders.CreateOrder(create_order())).order.order_id
