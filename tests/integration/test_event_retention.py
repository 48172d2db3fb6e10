"""How long events are kept: partitions go once they are old and nobody waits, and never in silence."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import grpc
import pytest

from tests.support.api import open_api
from tests.support.event_log import connected, make_orders, read_log, write_and_commit
from tests.support.failures import failing
from tests.support.invariants import Sql
from tests.support.order_watching import following, ids, logged_ids
from tests.support.waiting import Stopwatch, eventually, time_limit
from wms.orders.v1 import orders_pb2
from wms_core.application import event_log
from wms_core.application.event_log import EventPage
from wms_core.application.ports import EventFilter, LogBounds, ResultPage, Transaction
from wms_core.domain.errors import ConcurrentChange, PositionNotKept
from wms_core.domain.events import EventRecord
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.event_log_store import PostgresEventLogStore
from wms_core.postgres.sequencer import Sequencer
from wms_server import janitor

pytestmark = pytest.mark.every_postgres

SIZE = 1_000_000
MONTH, YEAR = timedelta(days=30), timedelta(days=365)
FIRST, SECOND, THIRD = (f"order_events_p{number:06}" for number in range(3))


@pytest.fixture(autouse=True)
async def _log(database: PostgresDatabase, sql: Sql) -> None:
    """Give a log with ten events of order A in each of three partitions, of which two are old."""
    await make_orders(sql, ["A"])
    sequencer = Sequencer(database)
    for number in range(3):
        await sql.execute("SELECT setval('event_position', $1)", max(1, number * SIZE))
        await write_and_commit(sql, "A", 10)
        while await sequencer.move():
            pass
    await _age(sql, 2 * SIZE)


async def _age(sql: Sql, before: int) -> None:
    await sql.execute(
        "UPDATE order_events SET occurred_at = now() - interval '31 days' WHERE position < $1", before
    )


async def _drop(database: PostgresDatabase) -> str | None:
    return await database.transact(lambda transaction: transaction.events.drop_oldest(MONTH))


async def _bounds(database: PostgresDatabase) -> LogBounds:
    return await database.read(lambda transaction: transaction.events.bounds())


async def test_old_partitions_are_dropped_one_by_one_and_never_the_last(
    database: PostgresDatabase, sql: Sql
) -> None:
    """Oldest first; the one that is being filled stays however old it is, and the log goes on behind it."""
    newest = (await _bounds(database)).newest
    await _age(sql, 3 * SIZE)
    oldest = []
    for name in (FIRST, SECOND, None, None):
        assert await _drop(database) == name
        oldest.append((await _bounds(database)).oldest)
    assert oldest == [SIZE - 1, 2 * SIZE - 1, 2 * SIZE - 1, 2 * SIZE - 1]
    assert (await _bounds(database)).newest == newest
    await write_and_commit(sql, "A", 3)
    assert await Sequencer(database).move() == 3
    assert [event.sequence for event in await read_log(sql)] == [*range(21, 31), *range(31, 34)]


async def test_an_empty_log_can_be_read_from_where_it_begins(database: PostgresDatabase, sql: Sql) -> None:
    """Also one whose last events were dropped: its next event comes after that position."""
    await sql.execute("DELETE FROM order_events WHERE position >= $1", 2 * SIZE)
    for _ in range(2):
        assert await _drop(database)
    assert await _bounds(database) == LogBounds(2 * SIZE - 1, 2 * SIZE - 1)


async def test_a_partition_is_kept_while_its_newest_event_is_young(
    database: PostgresDatabase, sql: Sql
) -> None:
    """However old the others in it are."""
    await sql.execute(
        "UPDATE order_events SET occurred_at = now() - interval '29 days'"
        " WHERE position = (SELECT max(position) FROM order_events WHERE position < $1)",
        SIZE,
    )
    assert await _drop(database) is None


async def test_a_partition_is_kept_until_every_relay_has_passed_it(
    database: PostgresDatabase, sql: Sql
) -> None:
    """The slowest counts; without a relay nobody is waited for."""
    await sql.execute("INSERT INTO relay_positions VALUES ('kafka', $1), ('slow', 0)", 5 * SIZE)
    for position in (0, 10, SIZE - 2):
        await sql.execute("UPDATE relay_positions SET position = $1 WHERE relay = 'slow'", position)
        assert await _drop(database) is None
    await sql.execute("UPDATE relay_positions SET position = $1 WHERE relay = 'slow'", SIZE - 1)
    assert [await _drop(database), await _drop(database)] == [FIRST, None]
    await sql.execute("DELETE FROM relay_positions")
    assert await _drop(database) == SECOND


async def test_a_partition_is_kept_while_an_event_in_it_is_parked(
    database: PostgresDatabase, sql: Sql
) -> None:
    """It is to be published yet, from the log."""
    await sql.execute(
        "INSERT INTO parked_events (position, event_id, order_id, parked_at, attempts, last_error)"
        " SELECT position, event_id, order_id, now(), 1, 'x' FROM order_events WHERE sequence = 15"
    )
    assert [await _drop(database), await _drop(database)] == [FIRST, None]
    await sql.execute("DELETE FROM parked_events")
    assert await _drop(database) == SECOND


async def test_nothing_is_dropped_while_events_are_added(
    database: PostgresDatabase, database_url: str
) -> None:
    """A sequencer at work may have positions of any partition that nobody sees yet."""
    async with connected(database_url) as other, other.transaction():
        assert await other.fetchval("SELECT pg_try_advisory_xact_lock(7302, 0)")
        assert await _drop(database) is None
    assert await _drop(database) == FIRST


@asynccontextmanager
async def _reading(url: str) -> AsyncIterator[None]:
    async with connected(url) as reader, reader.transaction(isolation="repeatable_read"):
        await read_log(reader)
        yield


async def test_a_long_reader_is_left_alone_and_others_hardly_wait(
    database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """The drop gives up after a moment, in which nobody else could read; later it succeeds."""
    async with _reading(database_url):
        watch = Stopwatch()
        with pytest.raises(ConcurrentChange):
            await _drop(database)
        async with time_limit(1):
            assert len(await read_log(sql)) == 30
        assert watch.seconds < 2
    assert await _drop(database) == FIRST


async def test_the_server_drops_what_is_old(
    database_url: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself, within EVENT_RETENTION and a while; who reads the log is waited out."""
    monkeypatch.setattr(janitor, "_PAUSE", 0.05)
    async with open_api(database_url, event_retention=MONTH):
        await eventually(lambda: _oldest_is(sql, THIRD))
        await _age(sql, 3 * SIZE)
        async with _reading(database_url):
            await sql.execute("SELECT setval('event_position', $1)", 3 * SIZE)
            await write_and_commit(sql, "A", 1)
            await eventually(lambda: _logged(sql, 11))
        await eventually(lambda: _oldest_is(sql, "order_events_p000003"))
    async with open_api(database_url):
        assert await _oldest_is(sql, "order_events_p000003")


async def _oldest_is(sql: Sql, name: str) -> bool:
    return bool(
        await sql.fetchval(
            "SELECT min(inhrelid::regclass::text) = $1 FROM pg_inherits"
            " WHERE inhparent = 'order_events'::regclass",
            name,
        )
    )


async def _logged(sql: Sql, count: int) -> bool:
    return len(await read_log(sql)) == count


# What is told of it


async def test_watching_begins_with_what_is_kept_and_says_so(
    database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """From 0 that is all there is; from a position before it is refused, with the oldest that is not."""
    assert await _drop(database) == FIRST
    log = logged_ids(await read_log(sql))
    async with open_api(database_url, event_retention=YEAR) as api:
        async with following(api, position=0) as watcher:
            assert await watcher.begin() == SIZE - 1
            assert ids(await watcher.take(20)) == log
        for position in (1, 9, SIZE - 2):
            async with following(api, position=position) as watcher:
                failure = await failing(watcher.until_end())
            assert (failure.code, failure.reason) == (grpc.StatusCode.OUT_OF_RANGE, "POSITION_NOT_KEPT")
            assert failure.metadata == {"position": str(position), "oldestPosition": str(SIZE - 1)}
        async with following(api, position=SIZE - 1) as watcher:
            assert ids(await watcher.take(20)) == log


async def test_the_history_of_an_order_is_what_is_kept_of_it(
    database: PostgresDatabase, database_url: str
) -> None:
    """It begins with a later number; the order itself is as it was."""
    assert await _drop(database) == FIRST
    async with open_api(database_url, event_retention=YEAR) as api:
        request = orders_pb2.GetOrderHistoryRequest(order_id="A", page_size=15)
        first = await api.orders.GetOrderHistory(request)
        request.page_token = first.next_page_token
        rest = await api.orders.GetOrderHistory(request)
        assert [event.sequence for event in (*first.events, *rest.events)] == list(range(11, 31))
        await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="A"))


class Dropping(PostgresEventLogStore):
    """A log of which the oldest partition goes at the worst moment: just before a page of it is read."""

    database: PostgresDatabase

    async def after(self, *arguments: object, **options: object) -> ResultPage[EventRecord]:
        """Drop, then read what is left."""
        assert await _drop(self.database) == FIRST
        return await super().after(*arguments, **options)  # type: ignore[arg-type]


async def test_a_part_that_goes_while_it_is_read_is_not_passed_over(database: PostgresDatabase) -> None:
    """The page that would have a hole is an error."""

    async def read(transaction: Transaction) -> EventPage:
        log = Dropping(transaction.events._connection)  # type: ignore[attr-defined]
        log.database = database
        return await event_log.following(log, await event_log.start(log, 5), EventFilter())

    with pytest.raises(PositionNotKept) as caught:
        await database.read(read)
    assert caught.value.facts == {"position": "5", "oldest_position": str(SIZE - 1)}
