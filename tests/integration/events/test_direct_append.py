"""Direct append: the first event of an order goes to the log at once, or to the outbox under contention.

In both cases it comes after the events that were committed before its change started.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.builders.domain import CALLER, NOW, new_order
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import commit_events, make_orders, open_connection, read_log
from tests.support.waiting import eventually
from wms_core.domain.orders.intake import accept
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.event_sequencer import EventSequencer
from wms_core.postgres.named_queries import query
from wms_core.postgres.repositories import orders
from wms_core.postgres.repositories.orders import PostgresOrderRepository

pytestmark = pytest.mark.every_postgres

_TRY_APPEND = "try_append_directly(cardinality($14))"
_SLOW_TRIGGER = """
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7398); RETURN NULL; END $$;
    CREATE TRIGGER slow AFTER INSERT ON order_events FOR EACH ROW WHEN (NEW.order_id = 'SLOW')
        EXECUTE FUNCTION slow();
"""
_COUNT_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND {}"


async def _create(sql: Any, *order_ids: str) -> None:
    """Insert new orders with one statement, like the service."""
    accepted_orders = [accept(new_order(order_id=order_id), CALLER, NOW) for order_id in order_ids]
    assert await PostgresOrderRepository(sql, 900_000).insert(accepted_orders) == {}


async def _list_logged_order_ids(sql: SqlConnection) -> list[str]:
    return [event.order_id for event in await read_log(sql)]


async def _list_outbox_order_ids(sql: SqlConnection) -> list[str]:
    return [row["order_id"] for row in await sql.fetch("SELECT order_id FROM outbox ORDER BY id")]


@asynccontextmanager
async def _slow_order(url: str, sql: SqlConnection) -> AsyncIterator["asyncio.Task[None]"]:
    """Start an order whose event has a position that is not committed before the end of the context."""
    await sql.execute(_SLOW_TRIGGER)
    async with open_connection(url) as other, open_connection(url) as gate:
        async with gate.transaction():
            await gate.execute("SELECT pg_advisory_xact_lock(7398)")
            creating = asyncio.create_task(_create(other, "SLOW"))
            await eventually(lambda: sql.fetchval(_COUNT_WAITING.format("objid = 7398")))
            yield creating
        await creating


async def test_new_order_is_in_the_log_when_it_is_committed(sql: SqlConnection) -> None:
    """It needs no sequencer, and the outbox stays empty."""
    await _create(sql, "Z", "A", "M")
    await _create(sql, "C")
    assert await _list_logged_order_ids(sql) == ["Z", "A", "M", "C"]
    assert await _list_outbox_order_ids(sql) == []


async def test_explicit_transaction_uses_the_outbox(sql: SqlConnection) -> None:
    """A transaction that stays open must not block the assignment of positions."""
    async with sql.transaction():
        await _create(sql, "A")
    assert (await _list_logged_order_ids(sql), await _list_outbox_order_ids(sql)) == ([], ["A"])


async def test_order_uses_the_outbox_during_another_append(
    database_url: str, sql: SqlConnection, database: PostgresDatabase
) -> None:
    """The uncommitted event has the lower position, and no later event is logged before it."""
    async with _slow_order(database_url, sql):
        await _create(sql, "QUICK")
        assert (await _list_logged_order_ids(sql), await _list_outbox_order_ids(sql)) == ([], ["QUICK"])
        sequencing = asyncio.create_task(EventSequencer(database).sequence_batch())
        await eventually(lambda: sql.fetchval(_COUNT_WAITING.format("classid = 7302")))
        assert await _list_logged_order_ids(sql) == []
    assert await sequencing == 1
    assert await _list_logged_order_ids(sql) == ["SLOW", "QUICK"]


async def test_large_batch_waits_for_the_lock(
    database_url: str, sql: SqlConnection, database: PostgresDatabase
) -> None:
    """Writing its events twice would take longer than waiting for the other append."""
    order_ids = [f"M-{number:02}" for number in range(64)]
    async with open_connection(database_url) as other:
        async with _slow_order(database_url, sql):
            creating = asyncio.create_task(_create(other, *order_ids))
            await eventually(lambda: sql.fetchval(_COUNT_WAITING.format("(classid, objid) = (7302, 0)")))
        await creating
    assert (await _list_logged_order_ids(sql), await _list_outbox_order_ids(sql)) == (
        ["SLOW", *order_ids],
        [],
    )


async def test_large_batch_uses_the_outbox_if_the_lock_stays_taken(
    database_url: str, sql: SqlConnection
) -> None:
    """It waits for a short time only."""
    order_ids = [f"M-{number:02}" for number in range(64)]
    async with _slow_order(database_url, sql):
        await _create(sql, *order_ids)
        assert (await _list_logged_order_ids(sql), await _list_outbox_order_ids(sql)) == ([], order_ids)


@pytest.mark.parametrize("outbox_size", [1, 64])
async def test_outbox_is_logged_before_a_new_order(sql: SqlConnection, outbox_size: int) -> None:
    """The new order appends the earlier events itself, without a sequencer."""
    earlier = [f"E-{number:02}" for number in range(outbox_size)]
    async with sql.transaction():
        await _create(sql, *reversed(earlier))
    assert await _list_outbox_order_ids(sql) == earlier[::-1]
    await _create(sql, "LATER")
    assert (await _list_logged_order_ids(sql), await _list_outbox_order_ids(sql)) == (
        [*reversed(earlier), "LATER"],
        [],
    )


async def test_append_without_the_outbox_check_breaks_the_order(
    sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the lock alone, events in the outbox are logged after a later order."""
    lock_only = query("orders.insert_orders").replace(_TRY_APPEND, "pg_try_advisory_xact_lock(7302, 0)")
    monkeypatch.setattr(orders, "query", lambda _name: lock_only)
    async with sql.transaction():
        await _create(sql, "EARLIER")
    await _create(sql, "LATER")
    assert (await _list_logged_order_ids(sql), await _list_outbox_order_ids(sql)) == (["LATER"], ["EARLIER"])


async def test_new_order_uses_the_outbox_if_it_has_many_events(
    sql: SqlConnection, database: PostgresDatabase
) -> None:
    """A new order does not spend the time to append all of them."""
    earlier = [f"E-{number:02}" for number in range(65)]
    async with sql.transaction():
        await _create(sql, *earlier)
    await _create(sql, "LATER")
    assert (await _list_logged_order_ids(sql), await _list_outbox_order_ids(sql)) == ([], [*earlier, "LATER"])
    assert await EventSequencer(database).sequence_batch() == 66
    assert await _list_logged_order_ids(sql) == [*earlier, "LATER"]


async def test_append_without_the_lock_loses_events_for_readers(
    database_url: str, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later event is logged first, and a reader that has passed it misses the other one."""
    assert _TRY_APPEND in query("orders.insert_orders")
    monkeypatch.setattr(orders, "query", lambda name: query(name).replace(_TRY_APPEND, "true"))
    async with _slow_order(database_url, sql):
        await _create(sql, "QUICK")
        log_entries = await read_log(sql)
    assert [event.order_id for event in log_entries] == ["QUICK"]
    assert await read_log(sql, log_entries[-1].position) == []


async def test_new_orders_do_not_starve_the_sequencer(
    database_url: str, sql: SqlConnection, database: PostgresDatabase
) -> None:
    """During any number of consecutive appends, the sequencer empties the outbox."""
    await make_orders(sql, ["OLD"])
    await commit_events(sql, "OLD", 100)
    stopped = asyncio.Event()

    async def create_until_stopped(name: str) -> int:
        created_count = 0
        async with open_connection(database_url) as connection:
            while not stopped.is_set():
                await _create(connection, f"{name}-{created_count}")
                created_count += 1
        return created_count

    writers = [asyncio.create_task(create_until_stopped(name)) for name in "ABC"]
    await eventually(lambda: sql.fetchval("SELECT count(*) > 120 FROM outbox"))
    assert await EventSequencer(database).sequence_batch() > 120
    assert (await _list_logged_order_ids(sql)).count("OLD") == 100
    stopped.set()
    created_count = sum(await asyncio.gather(*writers))
    while await EventSequencer(database).sequence_batch():
        pass
    log = await read_log(sql)
    assert len(log) == created_count + 100
    assert [event.sequence for event in log if event.order_id == "OLD"] == list(range(1, 101))


async def test_reader_sees_each_event_once_during_concurrent_appends(
    database_url: str, sql: SqlConnection, database: PostgresDatabase
) -> None:
    """With concurrent creators, other events through the outbox, and two sequencers."""
    log_entries: list[Any] = []

    async def follow() -> None:
        async with open_connection(database_url) as connection:
            while True:
                log_entries.extend(await read_log(connection, log_entries[-1].position if log_entries else 0))
                await asyncio.sleep(0.001)

    async def write(prefix: str) -> None:
        async with open_connection(database_url) as connection:
            for number in range(30):
                await _create(connection, f"{prefix}-{number}")
                await commit_events(connection, f"{prefix}-{number}", 2)

    background_tasks = [
        asyncio.create_task(coroutine)
        for coroutine in (follow(), EventSequencer(database).run(), EventSequencer(database).run())
    ]
    await asyncio.gather(*(write(prefix) for prefix in "ABCD"))
    await eventually(lambda: _has_at_least(log_entries, 4 * 30 * 3))
    for task in background_tasks:
        task.cancel()
    await asyncio.gather(*background_tasks, return_exceptions=True)
    assert log_entries == await read_log(sql)
    for order_id in {event.order_id for event in log_entries}:
        assert [event.sequence for event in log_entries if event.order_id == order_id] == [1, 2, 3]


async def _has_at_least(log_entries: list[Any], count: int) -> bool:
    return len(log_entries) >= count


async def test_sequencer_creates_partitions_without_outbox_events(
    database: PostgresDatabase, sql: SqlConnection
) -> None:
    """It checks the newest position, including those of direct appends."""
    sequencer = EventSequencer(database)
    await sequencer.sequence_batch()
    for end in (1_000_000, 2_000_000, 3_000_000, 4_000_000):
        await sql.execute("SELECT setval('event_position', $1)", end - 1)
        await _create(sql, f"A-{end}", f"B-{end}")
        for _ in range(2):
            await sequencer.sequence_batch()
    assert len(await _list_logged_order_ids(sql)) == 8
