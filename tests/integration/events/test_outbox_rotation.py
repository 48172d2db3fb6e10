"""Outbox rotation returns the disk space of the outbox, also during long transactions, and loses no event."""

import asyncio
import time

import asyncpg
import pytest

from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import (
    commit_events,
    find_log_violations,
    make_orders,
    open_connection,
    read_log,
    write_events,
)
from tests.support.waiting import Stopwatch, eventually
from wms_core.postgres import event_sequencer as module
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.event_sequencer import EventSequencer
from wms_core.postgres.named_queries import query
from wms_core.runtime.background_tasks import background_task

pytestmark = pytest.mark.every_postgres

LARGE = 1024 * 1024


@pytest.fixture(autouse=True)
def _small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the size of a large outbox to one that these tests reach quickly."""
    monkeypatch.setattr(module, "LARGE_OUTBOX_BYTES", LARGE)


async def _get_outbox_size(sql: SqlConnection) -> int:
    size: int = await sql.fetchval(query("events.get_outbox_size"))
    return size


async def _sequence_all(sequencer: EventSequencer) -> None:
    while await sequencer.sequence_batch():
        pass


async def test_outbox_shrinks_during_a_long_transaction(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """VACUUM can not remove rows that the long transaction may still read."""
    await make_orders(sql, ["A", "B"])
    sequencer = EventSequencer(database)
    committed = await commit_events(sql, "A", 10)
    await _sequence_all(sequencer)
    assert not await sequencer.truncate_large_outbox()
    async with (
        open_connection(database_url) as long_transaction,
        long_transaction.transaction(isolation="repeatable_read"),
    ):
        sequence_sum = await long_transaction.fetchval("SELECT sum(sequence) FROM orders")
        for _ in range(4):
            committed += await commit_events(sql, "A", 2_000)
            await _sequence_all(sequencer)
        await sql.execute("VACUUM outbox")
        assert await _get_outbox_size(sql) > LARGE
        committed += await commit_events(sql, "B", 7)
        assert await sequencer.truncate_large_outbox()
        assert await _get_outbox_size(sql) < 100_000
        assert not await sequencer.truncate_large_outbox()
        assert await long_transaction.fetchval("SELECT sum(sequence) FROM orders") == sequence_sum
    committed += await commit_events(sql, "A", 5)
    await _sequence_all(sequencer)
    assert find_log_violations(committed, await read_log(sql)) == []


async def _bloat_outbox(sql: SqlConnection, order_id: str) -> None:
    """Fill the outbox with rows of a rolled back transaction."""
    transaction = sql.transaction()
    await transaction.start()
    await write_events(sql, order_id, 8_000)
    await transaction.rollback()
    assert await _get_outbox_size(sql) > LARGE


async def test_rotation_gives_up_quickly_during_a_write(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """It times out on the lock, so that other writers continue, and retries with a growing delay."""
    await make_orders(sql, ["A", "B"])
    await _bloat_outbox(sql, "A")
    sequencer = EventSequencer(database)
    async with open_connection(database_url) as writer:
        transaction = writer.transaction()
        await transaction.start()
        committed = await write_events(writer, "A", 3)
        for delay_factor in (2, 4, 8, 16, 32, 60, 60):
            stopwatch = Stopwatch()
            rotation = asyncio.create_task(sequencer.truncate_large_outbox())
            # This write waits behind the lock request, if it comes later.
            committed += await commit_events(sql, "B", 1)
            assert not await rotation
            assert stopwatch.seconds < 2
            assert sequencer._rotation_delay_seconds == delay_factor * module._ROTATION_CHECK_SECONDS
        await transaction.commit()
    assert await _get_outbox_size(sql) > LARGE
    assert await sequencer.truncate_large_outbox()
    assert sequencer._rotation_delay_seconds == module._ROTATION_CHECK_SECONDS
    await _sequence_all(sequencer)
    assert find_log_violations(committed, await read_log(sql)) == []


async def test_failed_rotation_is_retried_after_a_delay(
    database: PostgresDatabase, database_url: str, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop sequences events during the delay. The outbox shrinks after the end of the write."""
    monkeypatch.setattr(module, "_ROTATION_CHECK_SECONDS", 0.3)
    await make_orders(sql, ["A", "B"])
    await _bloat_outbox(sql, "A")
    attempt_times: list[float] = []

    class RecordingSequencer(EventSequencer):
        async def truncate_large_outbox(self) -> bool:
            attempt_times.append(time.monotonic())
            return await super().truncate_large_outbox()

    async with open_connection(database_url) as writer, writer.transaction():
        await write_events(writer, "A", 3)
        async with background_task(RecordingSequencer(database).run()):
            await eventually(lambda: _has_attempts(attempt_times, 2))
            await commit_events(sql, "B", 1)
            await eventually(lambda: read_log(sql))
            await eventually(lambda: _has_attempts(attempt_times, 3))
    assert attempt_times[1] - attempt_times[0] > 0.6
    assert attempt_times[2] - attempt_times[1] > 1.2
    async with background_task(RecordingSequencer(database).run()):
        await eventually(lambda: _is_small(sql))


async def _has_attempts(attempt_times: list[float], count: int) -> bool:
    return len(attempt_times) >= count


async def _is_small(sql: SqlConnection) -> bool:
    return await _get_outbox_size(sql) < LARGE


async def test_full_outbox_is_sequenced_before_its_rotation(
    database: PostgresDatabase, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writers wait only while a few events are moved, and no event is discarded."""
    monkeypatch.setattr(module, "MAX_ROTATION_EVENTS", 5)
    await make_orders(sql, ["A"])
    await _bloat_outbox(sql, "A")
    committed = await commit_events(sql, "A", 12)
    sequencer = EventSequencer(database)
    assert [await sequencer.truncate_large_outbox() for _ in range(3)] == [False, False, True]
    assert find_log_violations(committed, await read_log(sql)) == []


async def test_rotation_skips_while_another_sequencer_is_active(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """The other sequencer is not disturbed."""
    await make_orders(sql, ["A"])
    await _bloat_outbox(sql, "A")
    async with open_connection(database_url) as other, other.transaction():
        assert await other.fetchval(query("events.try_lock_sequencer"))
        assert not await EventSequencer(database).truncate_large_outbox()
    assert await EventSequencer(database).truncate_large_outbox()


async def test_locked_outbox_accepts_no_events(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """An event between the last check and the truncation would be discarded."""
    await make_orders(sql, ["A"])
    async with open_connection(database_url) as other, other.transaction():
        await other.execute(query("events.lock_outbox"))
        await sql.execute("SET lock_timeout = '20ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await commit_events(sql, "A", 1)
