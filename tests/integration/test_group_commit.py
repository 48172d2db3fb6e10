"""Calls that share a transaction: each has its own answer, and nobody pays for another."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import grpc
import pytest

from tests.support.api import Api, open_api
from tests.support.failures import failing
from tests.support.invariants import Sql, breaches
from tests.support.requests import create_order
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2

_TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM orders"
_POISON = """
    CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$;
    CREATE TRIGGER poison BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.customer_id = 'POISON')
        EXECUTE FUNCTION poison();
"""


@pytest.fixture
async def gate(sql: Sql) -> AsyncIterator[asyncio.Event]:
    """Hold up every insert of an order of the customer HELD until the event is set."""
    await sql.execute("""
        CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7398); RETURN NEW; END $$;
        CREATE TRIGGER gate BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.customer_id = 'HELD')
            EXECUTE FUNCTION gate();
    """)
    await sql.execute("SELECT pg_advisory_lock(7398)")
    opened = asyncio.Event()

    async def open_it() -> None:
        await opened.wait()
        await sql.execute("SELECT pg_advisory_unlock_all()")

    opening = asyncio.create_task(open_it())
    yield opened
    opened.set()
    await opening


def _held() -> orders_pb2.CreateOrderRequest:
    return create_order(customer_id="HELD")


async def _placed(api: Api, wanted: Sequence[orders_pb2.CreateOrderRequest]) -> list[Any]:
    """Place orders at once; gives their ids, or the names of their codes."""

    async def place(request: orders_pb2.CreateOrderRequest) -> str:
        try:
            return (await api.orders.CreateOrder(request)).order.order_id
        except grpc.aio.AioRpcError as error:
            return error.code().name

    return await asyncio.gather(*map(place, wanted))


async def _busy(api: Api, sql: Sql) -> "list[asyncio.Task[list[Any]]]":
    """Have as many transactions under way as may be, all of them late: who comes now has to wait."""
    under_way = []
    for number in range(1, 4):
        under_way.append(asyncio.create_task(_placed(api, [_held()])))
        await _held_up(sql, number)
    return under_way


async def _arrived(api: Api) -> None:
    """Wait until the calls made so far have: one that comes later on their connection is answered."""
    for _ in range(5):  # the task that makes them, theirs, and what the library begins for each
        await asyncio.sleep(0)
    await failing(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="ORD-NONE")))


async def _held_up(sql: Sql, number: int) -> None:
    """Wait until so many transactions stand before the gate."""

    async def there() -> bool:
        waiting: int = await sql.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7398 AND NOT granted"
        )
        return waiting == number

    await eventually(there)


async def test_calls_that_come_together_share_transactions(api: Api, sql: Sql, gate: asyncio.Event) -> None:
    """No more transactions are under way than may be, so a hundred that come meanwhile gather for few."""
    under_way = await _busy(api, sql)
    wanted = [create_order(order_id=f"ORD-{number}") for number in range(100)]
    placing = asyncio.create_task(_placed(api, wanted))
    await _arrived(api)
    gate.set()
    assert await placing == [one.order_id for one in wanted]
    await asyncio.gather(*under_way)
    assert await sql.fetchval("SELECT count(*) FROM orders") == 103
    assert await sql.fetchval(_TRANSACTIONS) < 15
    assert await breaches(sql) == []


async def test_without_group_commit_each_call_has_its_own(database_url: str, sql: Sql) -> None:
    """The test above sees sharing, not something that always holds."""
    async with open_api(database_url, group_commit_calls=1) as api:
        await _placed(api, [create_order() for _ in range(20)])
    assert await sql.fetchval(_TRANSACTIONS) == 20


async def test_a_call_that_is_alone_waits_for_nobody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a transaction might gather for an hour."""
    monkeypatch.setattr("wms_server.joining.GATHERING_SECONDS", 3600.0)
    await api.orders.CreateOrder(create_order(), timeout=5)


async def test_a_transaction_that_is_late_holds_nobody_up(api: Api, sql: Sql, gate: asyncio.Event) -> None:
    """The next one begins beside it."""
    late = asyncio.create_task(_placed(api, [_held()]))
    await _held_up(sql, 1)
    assert await _placed(api, [create_order(order_id="ORD-NEXT")]) == ["ORD-NEXT"]
    assert not late.done()
    gate.set()
    await late


async def test_each_call_of_a_shared_transaction_has_its_own_answer(
    api: Api, sql: Sql, gate: asyncio.Event
) -> None:
    """Taken, taken already, asked for twice, unknown warehouse, other content under a used id."""
    under_way = await _busy(api, sql)
    wanted = [
        create_order(order_id="ORD-1"),
        create_order(order_id="ORD-1"),
        create_order(order_id="ORD-2", request_id="r-1"),
        create_order(order_id="ORD-2", request_id="r-1"),
        create_order(order_id="ORD-3", request_id="r-1"),
        create_order(order_id="ORD-4", warehouse_id="WH-99"),
        create_order(order_id="ORD-5"),
    ]
    later = asyncio.create_task(_placed(api, wanted))
    gate.set()
    await asyncio.gather(*under_way)
    answers = await later
    assert sorted(answers[:2]) == ["ALREADY_EXISTS", "ORD-1"]
    # Whichever of the three came first, one content was taken and the other refused.
    assert answers[2:5] in (
        ["ORD-2", "ORD-2", "ALREADY_EXISTS"],
        ["ALREADY_EXISTS", "ALREADY_EXISTS", "ORD-3"],
    )
    assert answers[5:] == ["NOT_FOUND", "ORD-5"]
    assert await breaches(sql) == []


async def test_a_row_that_postgres_refuses_fails_alone(api: Api, sql: Sql) -> None:
    """Its batch is halved until it is alone; all others are taken in, each once."""
    await sql.execute(_POISON)
    wanted = [create_order(order_id=f"ORD-{n}", customer_id="POISON" if n == 13 else "C") for n in range(40)]
    answers = await _placed(api, wanted)
    assert answers[13] == "INTERNAL"
    assert [one for n, one in enumerate(answers) if n != 13] == [f"ORD-{n}" for n in range(40) if n != 13]
    assert await sql.fetchval("SELECT count(*) FROM orders") == 39
    assert await breaches(sql) == []


async def test_a_caller_who_leaves_stops_nobody_and_loses_nothing(
    api: Api, sql: Sql, gate: asyncio.Event
) -> None:
    """Its order is committed with those of the others; who asks again by its request id is told so."""
    under_way = await _busy(api, sql)
    leaver = api.orders.CreateOrder(create_order(order_id="ORD-L", request_id="leaver"))
    stayers = asyncio.create_task(_placed(api, [create_order(order_id=f"ORD-{n}") for n in range(5)]))
    await _arrived(api)
    leaver.cancel()
    gate.set()
    await asyncio.gather(*under_way)
    assert await stayers == [f"ORD-{n}" for n in range(5)]
    again = await api.orders.CreateOrder(create_order(order_id="ORD-L", request_id="leaver"))
    assert again.order.order_id == "ORD-L"
    assert await sql.fetchval("SELECT count(*) FROM orders WHERE order_id = 'ORD-L'") == 1


async def test_a_call_whose_turn_comes_after_its_deadline_writes_nothing(
    api: Api, sql: Sql, gate: asyncio.Event
) -> None:
    """Its caller has left without an answer, and there is none."""
    under_way = await _busy(api, sql)
    with pytest.raises(grpc.aio.AioRpcError, match="DEADLINE_EXCEEDED"):
        await api.orders.CreateOrder(create_order(order_id="ORD-LATE"), timeout=0.2)
    gate.set()
    await asyncio.gather(*under_way)
    await api.orders.CreateOrder(create_order())
    assert await sql.fetchval("SELECT count(*) FROM orders WHERE order_id = 'ORD-LATE'") == 0


async def test_what_one_statement_has_committed_is_answered_and_done_once(
    database_url: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever becomes of the connection afterwards: nobody waits for that, and nothing is done again."""
    broken = asyncio.Event()

    async def reset(_connection: object) -> None:
        if broken.is_set():
            raise asyncpg.InterfaceError("this connection can't be given back")

    monkeypatch.setattr("wms_core.postgres.database._nothing_to_reset", reset)
    async with open_api(database_url) as api:
        broken.set()
        answers = await _placed(api, [create_order(customer_id=f"C-{n}") for n in range(20)])
        assert [answer for answer in answers if not answer.startswith("ORD-")] == []
        assert await sql.fetchval("SELECT count(*) FROM orders") == 20
        found = await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=answers[0]))
        assert found.order.customer_id == "C-0"
        broken.clear()
