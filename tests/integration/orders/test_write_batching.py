"""Batched writes: each call has its own response, and no call pays for another."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import grpc
import pytest

from tests.support.builders.requests import create_order
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api, open_api
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2

_COUNT_TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM orders"
_POISON_TRIGGER = """
    CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$;
    CREATE TRIGGER poison BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.customer_id = 'POISON')
        EXECUTE FUNCTION poison();
"""


@pytest.fixture
async def gate(sql: SqlConnection) -> AsyncIterator[asyncio.Event]:
    """Block every insert of an order of the customer HELD until the event is set."""
    await sql.execute("""
        CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7398); RETURN NEW; END $$;
        CREATE TRIGGER gate BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.customer_id = 'HELD')
            EXECUTE FUNCTION gate();
    """)
    await sql.execute("SELECT pg_advisory_lock(7398)")
    gate_opened = asyncio.Event()

    async def unlock_when_opened() -> None:
        await gate_opened.wait()
        await sql.execute("SELECT pg_advisory_unlock_all()")

    unlock_task = asyncio.create_task(unlock_when_opened())
    yield gate_opened
    gate_opened.set()
    await unlock_task


def _blocked_order() -> orders_pb2.CreateOrderRequest:
    return create_order(customer_id="HELD")


async def _place_orders(api: Api, requests: Sequence[orders_pb2.CreateOrderRequest]) -> list[Any]:
    """Place orders concurrently. Return their ids or the names of their error codes."""

    async def place(request: orders_pb2.CreateOrderRequest) -> str:
        try:
            return (await api.orders.CreateOrder(request)).order.order_id
        except grpc.aio.AioRpcError as error:
            return error.code().name

    return await asyncio.gather(*map(place, requests))


async def _block_all_batches(api: Api, sql: SqlConnection) -> "list[asyncio.Task[list[Any]]]":
    """Start the maximum of concurrent transactions, all blocked, so that later calls have to wait."""
    blocked_calls = []
    for number in range(1, 4):
        blocked_calls.append(asyncio.create_task(_place_orders(api, [_blocked_order()])))
        await _wait_for_blocked_transactions(sql, number)
    return blocked_calls


async def _wait_for_arrival(api: Api) -> None:
    """Wait until the calls made so far have arrived: a later call on their connection is answered."""
    for _ in range(5):  # for the task that makes the calls, the calls, and the tasks of the library
        await asyncio.sleep(0)
    await expect_failure(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="ORD-NONE")))


async def _wait_for_blocked_transactions(sql: SqlConnection, number: int) -> None:
    """Wait until `number` transactions wait at the gate."""

    async def are_blocked() -> bool:
        waiting: int = await sql.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7398 AND NOT granted"
        )
        return waiting == number

    await eventually(are_blocked)


async def test_concurrent_calls_share_transactions(api: Api, sql: SqlConnection, gate: asyncio.Event) -> None:
    """All transactions are busy, so a hundred calls that arrive meanwhile share a few."""
    blocked_calls = await _block_all_batches(api, sql)
    requests = [create_order(order_id=f"ORD-{number}") for number in range(100)]
    placing = asyncio.create_task(_place_orders(api, requests))
    await _wait_for_arrival(api)
    gate.set()
    assert await placing == [request.order_id for request in requests]
    await asyncio.gather(*blocked_calls)
    assert await sql.fetchval("SELECT count(*) FROM orders") == 103
    assert await sql.fetchval(_COUNT_TRANSACTIONS) < 15
    assert await find_violations(sql) == []


async def test_without_group_commit_each_call_has_its_own_transaction(
    database_url: str, sql: SqlConnection
) -> None:
    """This shows that the test above observes batching."""
    async with open_api(database_url, group_commit_calls=1) as api:
        await _place_orders(api, [create_order() for _ in range(20)])
    assert await sql.fetchval(_COUNT_TRANSACTIONS) == 20


async def test_single_call_is_not_delayed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait for other calls, even with a batch delay of an hour."""
    monkeypatch.setattr("wms_server.calls.batching.MAX_BATCH_DELAY_SECONDS", 3600.0)
    await api.orders.CreateOrder(create_order(), timeout=5)


async def test_slow_transaction_does_not_delay_later_calls(
    api: Api, sql: SqlConnection, gate: asyncio.Event
) -> None:
    """The next transaction starts beside it."""
    slow_call = asyncio.create_task(_place_orders(api, [_blocked_order()]))
    await _wait_for_blocked_transactions(sql, 1)
    assert await _place_orders(api, [create_order(order_id="ORD-NEXT")]) == ["ORD-NEXT"]
    assert not slow_call.done()
    gate.set()
    await slow_call


async def test_each_call_of_a_shared_transaction_has_its_own_response(
    api: Api, sql: SqlConnection, gate: asyncio.Event
) -> None:
    """New order, existing order, repeated request, unknown warehouse, and reused request id."""
    blocked_calls = await _block_all_batches(api, sql)
    requests = [
        create_order(order_id="ORD-1"),
        create_order(order_id="ORD-1"),
        create_order(order_id="ORD-2", request_id="r-1"),
        create_order(order_id="ORD-2", request_id="r-1"),
        create_order(order_id="ORD-3", request_id="r-1"),
        create_order(order_id="ORD-4", warehouse_id="WH-99"),
        create_order(order_id="ORD-5"),
    ]
    batched_calls = asyncio.create_task(_place_orders(api, requests))
    gate.set()
    await asyncio.gather(*blocked_calls)
    outcomes = await batched_calls
    assert sorted(outcomes[:2]) == ["ALREADY_EXISTS", "ORD-1"]
    # The content of the first of the three calls is accepted, and the other content is rejected.
    assert outcomes[2:5] in (
        ["ORD-2", "ORD-2", "ALREADY_EXISTS"],
        ["ALREADY_EXISTS", "ALREADY_EXISTS", "ORD-3"],
    )
    assert outcomes[5:] == ["NOT_FOUND", "ORD-5"]
    assert await find_violations(sql) == []


async def test_row_rejected_by_postgres_fails_alone(api: Api, sql: SqlConnection) -> None:
    """The batch is bisected until the row is alone. All other orders are created once."""
    await sql.execute(_POISON_TRIGGER)
    requests = [
        create_order(order_id=f"ORD-{n}", customer_id="POISON" if n == 13 else "C") for n in range(40)
    ]
    outcomes = await _place_orders(api, requests)
    assert outcomes[13] == "INTERNAL"
    assert [outcome for n, outcome in enumerate(outcomes) if n != 13] == [
        f"ORD-{n}" for n in range(40) if n != 13
    ]
    assert await sql.fetchval("SELECT count(*) FROM orders") == 39
    assert await find_violations(sql) == []


async def test_cancelled_call_is_committed_with_its_batch(
    api: Api, sql: SqlConnection, gate: asyncio.Event
) -> None:
    """A repeated call with its request id returns the stored response."""
    blocked_calls = await _block_all_batches(api, sql)
    cancelled_call = api.orders.CreateOrder(create_order(order_id="ORD-L", request_id="leaver"))
    other_calls = asyncio.create_task(
        _place_orders(api, [create_order(order_id=f"ORD-{n}") for n in range(5)])
    )
    await _wait_for_arrival(api)
    cancelled_call.cancel()
    gate.set()
    await asyncio.gather(*blocked_calls)
    assert await other_calls == [f"ORD-{n}" for n in range(5)]
    repeated = await api.orders.CreateOrder(create_order(order_id="ORD-L", request_id="leaver"))
    assert repeated.order.order_id == "ORD-L"
    assert await sql.fetchval("SELECT count(*) FROM orders WHERE order_id = 'ORD-L'") == 1


async def test_call_that_waits_beyond_its_deadline_writes_nothing(
    api: Api, sql: SqlConnection, gate: asyncio.Event
) -> None:
    """It fails with DEADLINE_EXCEEDED before its transaction starts."""
    blocked_calls = await _block_all_batches(api, sql)
    with pytest.raises(grpc.aio.AioRpcError, match="DEADLINE_EXCEEDED"):
        await api.orders.CreateOrder(create_order(order_id="ORD-LATE"), timeout=0.2)
    gate.set()
    await asyncio.gather(*blocked_calls)
    await api.orders.CreateOrder(create_order())
    assert await sql.fetchval("SELECT count(*) FROM orders WHERE order_id = 'ORD-LATE'") == 0


async def test_committed_calls_are_answered_although_the_connection_breaks(
    database_url: str, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls neither wait for the release of the connection nor run again."""
    is_connection_broken = asyncio.Event()

    async def reset(_connection: object) -> None:
        if is_connection_broken.is_set():
            raise asyncpg.InterfaceError("this connection can't be given back")

    monkeypatch.setattr("wms_core.postgres.database._skip_reset", reset)
    async with open_api(database_url) as api:
        is_connection_broken.set()
        outcomes = await _place_orders(api, [create_order(customer_id=f"C-{n}") for n in range(20)])
        assert [outcome for outcome in outcomes if not outcome.startswith("ORD-")] == []
        assert await sql.fetchval("SELECT count(*) FROM orders") == 20
        stored = await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=outcomes[0]))
        assert stored.order.customer_id == "C-0"
        is_connection_broken.clear()
