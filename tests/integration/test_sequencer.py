"""The sequencer: every committed event gets one position, in the order of its order, whatever happens."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from uuid import uuid4

import asyncpg
import pytest

from tests.support.event_log import (
    Logged,
    Written,
    connected,
    faults_of_log,
    make_orders,
    read_log,
    write,
    write_and_commit,
)
from tests.support.invariants import Sql
from tests.support.outages import end_sessions_unnoticed
from tests.support.waiting import eventually, time_limit
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.queries import query
from wms_core.postgres.sequencer import Sequencer

pytestmark = pytest.mark.every_postgres

PARTITION = 1_000_000
SEQUENCE = query("events.sequence")
#: What is left out of the function to take the rows as they lie in the table: neither the batch nor the
#: positions are in order of ids; and to take the right batch, but give the positions as the rows come.
BY_HEAP, UNSORTED = ("ORDER BY id LIMIT", "FROM b ORDER BY id"), ("FROM b ORDER BY id",)
#: Follows the ids instead of taking rows away: what commits late is passed over.
BY_ID = """
INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, warehouse_id,
                          actor, correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT nextval('event_position'), event_id, order_id, sequence, version, type, occurred_at, warehouse_id,
       actor, correlation_id, wave_number, workflow_id, traceparent, payload
  FROM (SELECT * FROM outbox WHERE id > $1 ORDER BY id) AS s
"""
#: The file of the outbox: another one once it was truncated.
_FILE = "SELECT pg_relation_filenode('outbox')"
#: Rows that scans of the outbox have read, from end to end or by its index.
_TUPLES_READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'outbox'"
Move = Callable[[], Awaitable[object]]


async def _all_moved(sql: Sql, sequencer: Sequencer) -> None:
    while await sequencer.move():
        pass
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0


async def test_committed_events_get_rising_positions(database: PostgresDatabase, sql: Sql) -> None:
    """All of them once, per order in the order of their sequence; nothing stays behind."""
    await make_orders(sql, ["A", "B"])
    committed = [
        *await write_and_commit(sql, "A", 3),
        *await write_and_commit(sql, "B", 2),
        *await write_and_commit(sql, "A", 1),
    ]
    await _all_moved(sql, Sequencer(database))
    log = await read_log(sql)
    assert faults_of_log(committed, log) == []
    assert [event.event_id for event in log] == [event.event_id for event in committed]


async def test_nothing_to_move_is_no_work(database: PostgresDatabase) -> None:
    """An empty outbox costs a look, and no position."""
    assert await Sequencer(database).move() == 0


async def test_a_batch_is_bounded(
    database: PostgresDatabase, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much has piled up, a transaction moves one batch."""
    monkeypatch.setattr("wms_core.postgres.sequencer.BATCH", 7)
    await make_orders(sql, ["A"])
    await write_and_commit(sql, "A", 20)
    sequencer = Sequencer(database)
    assert [await sequencer.move() for _ in range(4)] == [7, 7, 6, 0]


async def test_a_plan_made_while_the_outbox_is_empty_serves_a_long_one(sql: Sql) -> None:
    """It goes by the index for its batch; it does not read and sort all that has piled up meanwhile."""
    await make_orders(sql, ["A"])
    await sql.execute("VACUUM ANALYZE outbox")
    for _ in range(10):  # the first five plans are not kept
        assert await sql.fetchval(SEQUENCE, 10, False) == 0
    await write_and_commit(sql, "A", 20_000)
    await sql.execute("SELECT pg_stat_force_next_flush()")
    before = await sql.fetchval(_TUPLES_READ)
    assert await sql.fetchval(SEQUENCE, 10, False) == 10
    await sql.execute("SELECT pg_stat_force_next_flush()")
    assert await sql.fetchval(_TUPLES_READ) - before < 100


async def test_what_is_rolled_back_is_never_told(database: PostgresDatabase, sql: Sql) -> None:
    """A change that did not happen has no event; the next one has its number."""
    await make_orders(sql, ["A"])
    attempt = sql.transaction()
    await attempt.start()
    await write(sql, "A", 5)
    await attempt.rollback()
    committed = await write_and_commit(sql, "A", 1)
    await _all_moved(sql, Sequencer(database))
    assert faults_of_log(committed, await read_log(sql)) == []


async def _late_commit(database_url: str, sql: Sql, move: Move) -> list[str]:
    """Commit two orders in reverse order of their ids, moving in between; gives what is wrong then."""
    await make_orders(sql, ["A", "B"])
    async with connected(database_url) as late:
        open_one = late.transaction()
        await open_one.start()
        committed = await write(late, "A", 2)
        committed += await write_and_commit(sql, "B", 2)
        await move()
        await open_one.commit()
    await move()
    return faults_of_log(committed, await read_log(sql))


async def test_commits_in_reverse_order_of_ids_lose_nothing(
    database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """What commits late comes later in the log."""
    assert await _late_commit(database_url, sql, Sequencer(database).move) == []


async def test_the_checker_catches_a_sequencer_that_follows_ids(database_url: str, sql: Sql) -> None:
    """The same commits, moved by ids: the late ones are lost, and seen to be lost."""
    followed = 0

    async def move() -> None:
        nonlocal followed
        await sql.execute(BY_ID, followed)
        followed = await sql.fetchval("SELECT coalesce(max(id), 0) FROM outbox")

    faults = await _late_commit(database_url, sql, move)
    assert [fault.partition(":")[0] for fault in faults] == ["lost", "lost"]


async def _reused_space(database_url: str, sql: Sql) -> list[Written]:
    """Commit two events of an order, of which the second lies before the first in the table."""
    await make_orders(sql, ["A", "B"])
    filler = await write_and_commit(sql, "B", 500)
    committed = await write_and_commit(sql, "A", 1)
    assert await sql.fetchval(SEQUENCE, len(filler), False) == len(filler)
    await sql.execute("VACUUM outbox")
    async with connected(database_url) as other:
        committed += await write_and_commit(other, "A", 1)
    heap = [row["sequence"] for row in await sql.fetch("SELECT sequence FROM outbox ORDER BY ctid")]
    assert heap == [2, 1], "the rows do not lie as this test needs them"
    return [*filler, *committed]


async def test_space_that_is_reused_swaps_nothing(
    database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """Where a row lies in the table says nothing about when it was written."""
    committed = await _reused_space(database_url, sql)
    await _all_moved(sql, Sequencer(database))
    assert faults_of_log(committed, await read_log(sql)) == []


@pytest.mark.parametrize("broken", [BY_HEAP, UNSORTED], ids=["batch by heap", "positions unsorted"])
async def test_the_checker_catches_a_sequencer_that_does_not_sort(
    database_url: str, sql: Sql, broken: tuple[str, ...]
) -> None:
    """The same rows, moved as they lie: the order's events are swapped, and seen to be swapped."""
    committed = await _reused_space(database_url, sql)
    definition: str = await sql.fetchval("SELECT pg_get_functiondef('move_events'::regproc)")
    for clause in broken:
        assert definition.count(clause) == 1
        definition = definition.replace(clause, clause.replace("ORDER BY id", ""))
    attempt = sql.transaction()
    await attempt.start()
    await sql.execute(definition)
    await sql.fetchval(SEQUENCE, 5000, False)
    log = await read_log(sql)
    await attempt.rollback()
    (fault,) = faults_of_log(committed, log)
    assert fault.startswith("out of order: A")


def test_the_checker_catches_every_kind_of_fault() -> None:
    """Lost, invented, twice, swapped, not rising: a checker that can't fail proves nothing."""
    one, two = Written(uuid4(), "A", 1), Written(uuid4(), "A", 2)
    log = [Logged(1, *one), Logged(2, *two)]
    assert faults_of_log([one, two], log) == []
    assert faults_of_log([one, two], log[:1])
    assert faults_of_log([one], log)
    assert faults_of_log([one, two], [*log, Logged(3, *two)])
    assert faults_of_log([one, two], [Logged(1, *two), Logged(2, *one)])
    assert faults_of_log([one, two], [log[1], log[0]])


@dataclass
class Crowd:
    """Many writers at once on a few orders; some give up, some keep their transaction open for long."""

    url: str
    dice: random.Random
    order_ids: list[str]
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    committed: list[Written] = field(default_factory=list)

    async def write(self, transactions: int) -> None:
        """Be one writer."""
        async with connected(self.url) as sql:
            for _ in range(transactions):
                attempt = sql.transaction()
                await attempt.start()
                written = await write(sql, self.dice.choice(self.order_ids), self.dice.randint(1, 4))
                if self.dice.random() < 0.15:
                    await self._linger()
                if self.dice.random() < 0.25:
                    await attempt.rollback()
                    continue
                # Noted before the commit: once it is done, the event may be in the log at once.
                self.committed += written
                await attempt.commit()

    async def _linger(self) -> None:
        """Hold the transaction open until the sequencer has moved what others wrote."""
        self.moved.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await self.moved.wait()


async def _follow(url: str, crowd: Crowd, seen: list[Logged]) -> None:
    """Be the relay: read on from the last position, for ever."""
    async with connected(url) as sql:
        while True:
            news = await read_log(sql, seen[-1].position if seen else 0)
            seen += news
            if news:
                crowd.moved.set()
            await asyncio.sleep(0.001)


async def _watch(database: PostgresDatabase, order_id: str, faults: list[str]) -> None:
    """Be somebody who reads an order's history again and again; name it when it has a hole or shrinks."""
    known = 0
    while True:
        history, _ = await database.read(lambda transaction: transaction.orders.history(order_id, 0, 10_000))
        numbers = [record.sequence for record in history]
        if numbers != list(range(1, len(numbers) + 1)) or len(numbers) < known:
            faults.append(f"history of {order_id}: {numbers} after {known}")
        known = len(numbers)
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def _beside(*works: Awaitable[None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("rotating", [False, True], ids=["", "rotating"])
async def test_many_writers_and_two_sequencers_lose_and_swap_nothing(
    database: PostgresDatabase,
    database_url: str,
    sql: Sql,
    seed: int,
    rotating: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Twelve random writers, two sequencers, a follower: log, follower and history say the same (I5, I6).

    Also when the outbox is emptied and truncated between them all the time.
    """
    if rotating:
        monkeypatch.setattr("wms_core.postgres.sequencer.LARGE", -1)
        monkeypatch.setattr("wms_core.postgres.sequencer._ROTATION", 0.005)
        monkeypatch.setattr("wms_core.postgres.sequencer._LONGEST", 0.01)
    file = await sql.fetchval(_FILE)
    order_ids = [f"ORD-{number}" for number in range(6)]
    await make_orders(sql, order_ids)
    crowd = Crowd(database_url, random.Random(seed), order_ids)
    seen: list[Logged] = []
    faults: list[str] = []
    async with _beside(
        Sequencer(database).run(),
        Sequencer(database).run(),
        _follow(database_url, crowd, seen),
        _watch(database, order_ids[0], faults),
    ):
        await asyncio.gather(*(crowd.write(20) for _ in range(12)))
        await eventually(lambda: _count(seen, len(crowd.committed)))
    log = await read_log(sql)
    assert faults_of_log(crowd.committed, log) + faults == []
    assert seen == log
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0
    assert (await sql.fetchval(_FILE) != file) is rotating


async def _count(seen: list[Logged], wanted: int) -> bool:
    return len(seen) >= wanted


@contextlib.asynccontextmanager
async def _log_closed(url: str) -> AsyncIterator[None]:
    """Stop every sequencer in the middle: its rows are taken from the outbox, and can't be written."""
    async with connected(url) as sql, sql.transaction():
        await sql.execute("LOCK TABLE order_events IN SHARE MODE")
        yield


async def _sequencing(sql: Sql) -> int | None:
    pid: int | None = await sql.fetchval(
        "SELECT a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE l.locktype = 'advisory' AND l.classid = 7302 AND l.granted AND a.wait_event_type = 'Lock'"
        "   AND a.datname = current_database()"
    )
    return pid


async def test_a_sequencer_that_is_killed_in_the_middle_loses_nothing(
    database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """Its transaction is undone, and it goes on by itself with the same events."""
    await make_orders(sql, ["A"])
    async with _beside(Sequencer(database).run()):
        async with _log_closed(database_url):
            committed = await write_and_commit(sql, "A", 50)
            pid = await eventually(lambda: _sequencing(sql))
            assert await sql.fetchval("SELECT pg_terminate_backend($1)", pid)
        await eventually(lambda: read_log(sql))
    assert faults_of_log(committed, await read_log(sql)) == []


async def test_a_second_sequencer_does_not_wait_for_the_first(
    database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """One works at a time; the other sees at once that there is nothing for it to do."""
    await make_orders(sql, ["A"])
    committed = await write_and_commit(sql, "A", 5)
    async with _log_closed(database_url):
        first = asyncio.create_task(Sequencer(database).move())
        await eventually(lambda: _sequencing(sql))
        async with time_limit(2):
            assert await Sequencer(database).move() == 0
    assert await first == len(committed)
    assert faults_of_log(committed, await read_log(sql)) == []


async def test_a_database_that_goes_away_is_waited_out(
    database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """The loop outlives the loss of all its connections."""
    await make_orders(sql, ["A"])
    async with _beside(Sequencer(database).run()):
        committed = await write_and_commit(sql, "A", 5)
        await eventually(lambda: read_log(sql))
        assert end_sessions_unnoticed(database_url)
        committed += await write_and_commit(sql, "A", 5)
        await eventually(lambda: _logged(sql, len(committed)))
    assert faults_of_log(committed, await read_log(sql)) == []


class Stumbling(Sequencer):
    """A sequencer whose first moves fail, each with another fault."""

    def __init__(self, database: PostgresDatabase, faults: list[Exception]) -> None:
        """Fail with these faults first."""
        super().__init__(database)
        self.faults = faults

    async def move(self) -> int:
        """Fail, or move."""
        if self.faults:
            raise self.faults.pop()
        return await super().move()


async def test_the_loop_outlives_every_fault_of_the_driver(
    database: PostgresDatabase, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the one by which asyncpg tells of a session that ended between two statements."""
    monkeypatch.setattr("wms_core.postgres.sequencer._DOWN", 0.0)
    faults = [asyncpg.InternalClientError(), asyncpg.InterfaceError("closed"), asyncpg.AdminShutdownError()]
    await make_orders(sql, ["A"])
    committed = await write_and_commit(sql, "A", 5)
    async with _beside(Stumbling(database, [*faults, OSError(), TimeoutError()]).run()):
        await eventually(lambda: read_log(sql))
    assert faults_of_log(committed, await read_log(sql)) == []


async def _logged(sql: Sql, wanted: int) -> bool:
    return len(await read_log(sql)) >= wanted


async def _partitions(sql: Sql) -> list[str]:
    rows = await sql.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent = 'order_events'::regclass ORDER BY 1"
    )
    return [row["name"].removeprefix("order_events_p") for row in rows]


async def test_partitions_are_made_ahead_of_the_events_that_fill_them(
    database: PostgresDatabase, sql: Sql
) -> None:
    """Passing from one partition into the next, there are always two more."""
    await make_orders(sql, ["A"])
    committed: list[Written] = []
    sequencer = Sequencer(database)
    for end in (1, 2, 3):
        await sql.execute("SELECT setval('event_position', $1)", end * PARTITION - 10)
        committed += await write_and_commit(sql, "A", 20)
        await _all_moved(sql, sequencer)
    log = await read_log(sql)
    assert faults_of_log(committed, log) == []
    assert {event.position // PARTITION for event in log} == {0, 1, 2, 3}
    assert await _partitions(sql) == [f"{number:06}" for number in range(6)]


async def test_a_new_process_makes_sure_of_its_partitions_first(database: PostgresDatabase, sql: Sql) -> None:
    """A database that was restored just before the end of its last partition goes on."""
    await make_orders(sql, ["A"])
    await sql.execute("SELECT setval('event_position', $1)", 3 * PARTITION - 10)
    committed = await write_and_commit(sql, "A", 20)
    await _all_moved(sql, Sequencer(database))
    assert faults_of_log(committed, await read_log(sql)) == []


async def test_a_partition_is_made_while_somebody_reads_the_log(
    database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """A backup that reads for hours holds neither the sequencer up nor, behind it, every other reader."""
    await make_orders(sql, ["A"])
    await sql.execute("SELECT setval('event_position', $1)", PARTITION - 10)
    committed = await write_and_commit(sql, "A", 20)
    async with connected(database_url) as reader, reader.transaction(isolation="repeatable_read"):
        await read_log(reader)
        async with time_limit(3):
            await _all_moved(sql, Sequencer(database))
        assert faults_of_log(committed, await read_log(sql)) == []
    assert await _partitions(sql) == [f"{number:06}" for number in range(4)]


async def test_the_log_is_never_written_twice_at_a_position(database: PostgresDatabase, sql: Sql) -> None:
    """A sequence that was set back is refused by the log's key; nothing is overwritten."""
    await make_orders(sql, ["A"])
    committed = await write_and_commit(sql, "A", 5)
    sequencer = Sequencer(database)
    await _all_moved(sql, sequencer)
    await write_and_commit(sql, "A", 1)
    await sql.execute("SELECT setval('event_position', 1)")
    with pytest.raises(asyncpg.UniqueViolationError):
        await sequencer.move()
    assert faults_of_log(committed, await read_log(sql)) == []
