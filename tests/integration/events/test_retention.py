"""Retention of events: old partitions are dropped unless a relay needs them, and readers learn about gaps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import grpc
import pytest

from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import open_api
from tests.support.clients.order_watcher import event_keys, logged_event_keys, subscribe_to_orders
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import commit_events, make_orders, open_connection, read_log
from tests.support.waiting import Stopwatch, eventually, time_limit
from wms.orders.v1 import orders_pb2
from wms_core.application import event_log
from wms_core.application.database import EventFilter, LogBounds, ResultPage, Transaction
from wms_core.application.event_log import EventPage
from wms_core.domain.errors import ConcurrentChange, PositionNotKept
from wms_core.domain.events.events import EventRecord
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.event_sequencer import EventSequencer
from wms_core.postgres.repositories.event_log import PostgresEventLogRepository
from wms_server.process import housekeeping

pytestmark = pytest.mark.every_postgres

PARTITION_SIZE = 1_000_000
MONTH, YEAR = timedelta(days=30), timedelta(days=365)
FIRST, SECOND, THIRD = (f"order_events_p{number:06}" for number in range(3))


@pytest.fixture(autouse=True)
async def _create_log(database: PostgresDatabase, sql: SqlConnection) -> None:
    """Create a log with ten events of order A in each of three partitions, two of which are old."""
    await make_orders(sql, ["A"])
    sequencer = EventSequencer(database)
    for number in range(3):
        await sql.execute("SELECT setval('event_position', $1)", max(1, number * PARTITION_SIZE))
        await commit_events(sql, "A", 10)
        while await sequencer.sequence_batch():
            pass
    await _make_old(sql, 2 * PARTITION_SIZE)


async def _make_old(sql: SqlConnection, before: int) -> None:
    await sql.execute(
        "UPDATE order_events SET occurred_at = now() - interval '31 days' WHERE position < $1", before
    )


async def _drop(database: PostgresDatabase) -> str | None:
    return await database.run_in_transaction(
        lambda transaction: transaction.event_log.drop_oldest_partition(MONTH)
    )


async def _read_bounds(database: PostgresDatabase) -> LogBounds:
    return await database.read(lambda transaction: transaction.event_log.read_bounds())


async def test_old_partitions_are_dropped_except_the_last(
    database: PostgresDatabase, sql: SqlConnection
) -> None:
    """Oldest first. The current partition stays at any age, and the log continues after it."""
    newest_position = (await _read_bounds(database)).newest_position
    await _make_old(sql, 3 * PARTITION_SIZE)
    oldest_positions = []
    for name in (FIRST, SECOND, None, None):
        assert await _drop(database) == name
        oldest_positions.append((await _read_bounds(database)).oldest_position)
    assert oldest_positions == [
        PARTITION_SIZE - 1,
        2 * PARTITION_SIZE - 1,
        2 * PARTITION_SIZE - 1,
        2 * PARTITION_SIZE - 1,
    ]
    assert (await _read_bounds(database)).newest_position == newest_position
    await commit_events(sql, "A", 3)
    assert await EventSequencer(database).sequence_batch() == 3
    assert [event.sequence for event in await read_log(sql)] == [*range(21, 31), *range(31, 34)]


async def test_empty_log_has_bounds(database: PostgresDatabase, sql: SqlConnection) -> None:
    """After its last events were dropped, the next event comes after the position of the bounds."""
    await sql.execute("DELETE FROM order_events WHERE position >= $1", 2 * PARTITION_SIZE)
    for _ in range(2):
        assert await _drop(database)
    assert await _read_bounds(database) == LogBounds(2 * PARTITION_SIZE - 1, 2 * PARTITION_SIZE - 1)


async def test_partition_with_a_recent_event_is_not_dropped(
    database: PostgresDatabase, sql: SqlConnection
) -> None:
    """The age of its newest event counts."""
    await sql.execute(
        "UPDATE order_events SET occurred_at = now() - interval '29 days'"
        " WHERE position = (SELECT max(position) FROM order_events WHERE position < $1)",
        PARTITION_SIZE,
    )
    assert await _drop(database) is None


async def test_partition_is_not_dropped_before_every_relay_has_passed_it(
    database: PostgresDatabase, sql: SqlConnection
) -> None:
    """The slowest relay counts. Without relays no position matters."""
    await sql.execute("INSERT INTO relay_positions VALUES ('kafka', $1), ('slow', 0)", 5 * PARTITION_SIZE)
    for position in (0, 10, PARTITION_SIZE - 2):
        await sql.execute("UPDATE relay_positions SET position = $1 WHERE relay = 'slow'", position)
        assert await _drop(database) is None
    await sql.execute("UPDATE relay_positions SET position = $1 WHERE relay = 'slow'", PARTITION_SIZE - 1)
    assert [await _drop(database), await _drop(database)] == [FIRST, None]
    await sql.execute("DELETE FROM relay_positions")
    assert await _drop(database) == SECOND


async def test_partition_with_a_parked_event_is_not_dropped(
    database: PostgresDatabase, sql: SqlConnection
) -> None:
    """The event is published from the log after its release."""
    await sql.execute(
        "INSERT INTO parked_events (position, event_id, order_id, parked_at, attempts, last_error)"
        " SELECT position, event_id, order_id, now(), 1, 'x' FROM order_events WHERE sequence = 15"
    )
    assert [await _drop(database), await _drop(database)] == [FIRST, None]
    await sql.execute("DELETE FROM parked_events")
    assert await _drop(database) == SECOND


async def test_partitions_are_not_dropped_during_sequencing(
    database: PostgresDatabase, database_url: str
) -> None:
    """An active sequencer may have uncommitted positions of any partition."""
    async with open_connection(database_url) as other, other.transaction():
        assert await other.fetchval("SELECT pg_try_advisory_xact_lock(7302, 0)")
        assert await _drop(database) is None
    assert await _drop(database) == FIRST


@asynccontextmanager
async def _read_transaction(url: str) -> AsyncIterator[None]:
    async with open_connection(url) as reader, reader.transaction(isolation="repeatable_read"):
        await read_log(reader)
        yield


async def test_drop_gives_up_quickly_during_a_long_read(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """Other readers wait for a short time only. A later drop succeeds."""
    async with _read_transaction(database_url):
        stopwatch = Stopwatch()
        with pytest.raises(ConcurrentChange):
            await _drop(database)
        async with time_limit(1):
            assert len(await read_log(sql)) == 30
        assert stopwatch.seconds < 2
    assert await _drop(database) == FIRST


async def test_server_drops_old_partitions(
    database_url: str, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It drops them soon after EVENT_RETENTION, and retries after the end of a read."""
    monkeypatch.setattr(housekeeping, "_DELETE_INTERVAL_SECONDS", 0.05)
    async with open_api(database_url, event_retention=MONTH):
        await eventually(lambda: _is_oldest_partition(sql, THIRD))
        await _make_old(sql, 3 * PARTITION_SIZE)
        async with _read_transaction(database_url):
            await sql.execute("SELECT setval('event_position', $1)", 3 * PARTITION_SIZE)
            await commit_events(sql, "A", 1)
            await eventually(lambda: _has_log_length(sql, 11))
        await eventually(lambda: _is_oldest_partition(sql, "order_events_p000003"))
    async with open_api(database_url):
        assert await _is_oldest_partition(sql, "order_events_p000003")


async def _is_oldest_partition(sql: SqlConnection, name: str) -> bool:
    return bool(
        await sql.fetchval(
            "SELECT min(inhrelid::regclass::text) = $1 FROM pg_inherits"
            " WHERE inhparent = 'order_events'::regclass",
            name,
        )
    )


async def _has_log_length(sql: SqlConnection, count: int) -> bool:
    return len(await read_log(sql)) == count


# Reads after a drop


async def test_subscription_starts_at_the_oldest_event(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """Position 0 means the oldest event. An earlier position is rejected with the oldest one."""
    assert await _drop(database) == FIRST
    log = logged_event_keys(await read_log(sql))
    async with open_api(database_url, event_retention=YEAR) as api:
        async with subscribe_to_orders(api, position=0) as subscriber:
            assert await subscriber.read_first_heartbeat() == PARTITION_SIZE - 1
            assert event_keys(await subscriber.read_events(20)) == log
        for position in (1, 9, PARTITION_SIZE - 2):
            async with subscribe_to_orders(api, position=position) as subscriber:
                failure = await expect_failure(subscriber.read_until_error())
            assert (failure.status_code, failure.reason) == (
                grpc.StatusCode.OUT_OF_RANGE,
                "POSITION_NOT_KEPT",
            )
            assert failure.metadata == {"position": str(position), "oldestPosition": str(PARTITION_SIZE - 1)}
        async with subscribe_to_orders(api, position=PARTITION_SIZE - 1) as subscriber:
            assert event_keys(await subscriber.read_events(20)) == log


async def test_history_starts_at_the_oldest_event(database: PostgresDatabase, database_url: str) -> None:
    """Its first sequence is higher. The order itself is complete."""
    assert await _drop(database) == FIRST
    async with open_api(database_url, event_retention=YEAR) as api:
        request = orders_pb2.GetOrderHistoryRequest(order_id="A", page_size=15)
        first_page = await api.orders.GetOrderHistory(request)
        request.page_token = first_page.next_page_token
        second_page = await api.orders.GetOrderHistory(request)
        assert [event.sequence for event in (*first_page.events, *second_page.events)] == list(range(11, 31))
        await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="A"))


class DroppingEventLog(PostgresEventLogRepository):
    """An event log whose oldest partition is dropped just before a page is read."""

    database: PostgresDatabase

    async def list_after(self, *arguments: object, **options: object) -> ResultPage[EventRecord]:
        """Drop the oldest partition, then read the page."""
        assert await _drop(self.database) == FIRST
        return await super().list_after(*arguments, **options)  # type: ignore[arg-type]


async def test_drop_during_a_read_is_an_error(database: PostgresDatabase) -> None:
    """Otherwise the page would have a gap."""

    async def read(transaction: Transaction) -> EventPage:
        log = DroppingEventLog(transaction.event_log._connection)  # type: ignore[attr-defined]
        log.database = database
        return await event_log.read_next_page(log, await event_log.start_page(log, 5), EventFilter())

    with pytest.raises(PositionNotKept) as error:
        await database.read(read)
    assert error.value.metadata == {"position": "5", "oldest_position": str(PARTITION_SIZE - 1)}
