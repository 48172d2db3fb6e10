"""The outbox gives its room back, also what a long transaction keeps from being cleared; loses nothing."""

import asyncio
import time

import asyncpg
import pytest

from tests.support.event_log import connected, faults_of_log, make_orders, read_log, write, write_and_commit
from tests.support.invariants import Sql
from tests.support.waiting import Stopwatch, eventually
from wms_core.postgres import sequencer as module
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.queries import query
from wms_core.postgres.sequencer import Sequencer
from wms_core.tasks import running

pytestmark = pytest.mark.every_postgres

LARGE = 1024 * 1024


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call an outbox large that these tests can fill in a moment."""
    monkeypatch.setattr(module, "LARGE", LARGE)


async def _size(sql: Sql) -> int:
    size: int = await sql.fetchval(query("events.outbox_size"))
    return size


async def _all_moved(sequencer: Sequencer) -> None:
    while await sequencer.move():
        pass


async def test_an_outbox_that_a_long_transaction_bloats_shrinks(
    database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """While that one is open, and though VACUUM can't clear away what it might still want to see."""
    await make_orders(sql, ["A", "B"])
    sequencer = Sequencer(database)
    committed = await write_and_commit(sql, "A", 10)
    await _all_moved(sequencer)
    assert not await sequencer.rotate()
    async with connected(database_url) as other, other.transaction(isolation="repeatable_read"):
        orders = await other.fetchval("SELECT sum(sequence) FROM orders")
        for _ in range(4):
            committed += await write_and_commit(sql, "A", 2_000)
            await _all_moved(sequencer)
        await sql.execute("VACUUM outbox")
        assert await _size(sql) > LARGE
        committed += await write_and_commit(sql, "B", 7)
        assert await sequencer.rotate()
        assert await _size(sql) < 100_000
        assert not await sequencer.rotate()
        assert await other.fetchval("SELECT sum(sequence) FROM orders") == orders
    committed += await write_and_commit(sql, "A", 5)
    await _all_moved(sequencer)
    assert faults_of_log(committed, await read_log(sql)) == []


async def _bloated(sql: Sql, order_id: str) -> None:
    """Make the outbox large, with events that are in the log or nowhere."""
    attempt = sql.transaction()
    await attempt.start()
    await write(sql, order_id, 8_000)
    await attempt.rollback()
    assert await _size(sql) > LARGE


async def test_a_writer_at_work_is_not_waited_for_long(
    database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """The lock is refused: others write on after a moment, and it is tried again later and later."""
    await make_orders(sql, ["A", "B"])
    await _bloated(sql, "A")
    sequencer = Sequencer(database)
    async with connected(database_url) as writer:
        attempt = writer.transaction()
        await attempt.start()
        committed = await write(writer, "A", 3)
        for pause in (2, 4, 8, 16, 32, 60, 60):
            watch = Stopwatch()
            refused = asyncio.create_task(sequencer.rotate())
            # This one waits behind the refused lock, if it comes later.
            committed += await write_and_commit(sql, "B", 1)
            assert not await refused
            assert watch.seconds < 2
            assert sequencer._pause == pause * module._ROTATION
        await attempt.commit()
    assert await _size(sql) > LARGE
    assert await sequencer.rotate()
    assert sequencer._pause == module._ROTATION
    await _all_moved(sequencer)
    assert faults_of_log(committed, await read_log(sql)) == []


async def test_a_refused_rotation_is_not_tried_again_at_once(
    database: PostgresDatabase, database_url: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop moves on meanwhile; when pause and writer are over, the outbox shrinks by itself."""
    monkeypatch.setattr(module, "_ROTATION", 0.3)
    await make_orders(sql, ["A", "B"])
    await _bloated(sql, "A")
    tries: list[float] = []

    class Trying(Sequencer):
        async def rotate(self) -> bool:
            tries.append(time.monotonic())
            return await super().rotate()

    async with connected(database_url) as writer, writer.transaction():
        await write(writer, "A", 3)
        async with running(Trying(database).run()):
            await eventually(lambda: _tried(tries, 2))
            await write_and_commit(sql, "B", 1)
            await eventually(lambda: read_log(sql))
            await eventually(lambda: _tried(tries, 3))
    assert tries[1] - tries[0] > 0.6
    assert tries[2] - tries[1] > 1.2
    async with running(Trying(database).run()):
        await eventually(lambda: _is_small(sql))


async def _tried(tries: list[float], times: int) -> bool:
    return len(tries) >= times


async def _is_small(sql: Sql) -> bool:
    return await _size(sql) < LARGE


async def test_an_outbox_with_much_in_it_is_moved_before_it_is_closed(
    database: PostgresDatabase, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is moved while writers wait is little; of more than that nothing is thrown away."""
    monkeypatch.setattr(module, "REST", 5)
    await make_orders(sql, ["A"])
    await _bloated(sql, "A")
    committed = await write_and_commit(sql, "A", 12)
    sequencer = Sequencer(database)
    assert [await sequencer.rotate() for _ in range(3)] == [False, False, True]
    assert faults_of_log(committed, await read_log(sql)) == []


async def test_one_process_rotates_at_a_time(database: PostgresDatabase, database_url: str, sql: Sql) -> None:
    """Another one that moves events is not disturbed."""
    await make_orders(sql, ["A"])
    await _bloated(sql, "A")
    async with connected(database_url) as other, other.transaction():
        assert await other.fetchval(query("events.try_lock"))
        assert not await Sequencer(database).rotate()
    assert await Sequencer(database).rotate()


async def test_the_closed_outbox_can_not_be_written_to(
    database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """So no event is thrown away that was written between the last look and the truncation."""
    await make_orders(sql, ["A"])
    async with connected(database_url) as other, other.transaction():
        await other.execute(query("events.close_outbox"))
        await sql.execute("SET lock_timeout = '20ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await write_and_commit(sql, "A", 1)
