"""The sequencer gives every committed event one position, in the order of its order's sequence."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from uuid import uuid4

import asyncpg
import pytest

from tests.support.faults.sessions import end_sessions_unnoticed
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import (
    LogEntry,
    WrittenEvent,
    commit_events,
    find_log_violations,
    make_orders,
    open_connection,
    read_log,
    write_events,
)
from tests.support.waiting import eventually, time_limit
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.event_sequencer import EventSequencer
from wms_core.postgres.named_queries import query

pytestmark = pytest.mark.every_postgres

PARTITION = 1_000_000
SEQUENCE = query("events.sequence_events")
#: Clauses of the function whose ORDER BY is removed to break it. BY_HEAP: rows are taken in table order, so
#: neither the batch nor the positions follow the ids. UNSORTED: the batch is right, but the positions have
#: the order of its rows.
BY_HEAP, UNSORTED = ("ORDER BY id LIMIT", "FROM b ORDER BY id"), ("FROM b ORDER BY id",)
#: A sequencer that follows the ids instead of deleting rows, which misses late commits.
BY_ID = """
INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, warehouse_id,
                          actor, correlation_id, wave_number, workflow_id, traceparent, payload)
SELECT nextval('event_position'), event_id, order_id, sequence, version, type, occurred_at, warehouse_id,
       actor, correlation_id, wave_number, workflow_id, traceparent, payload
  FROM (SELECT * FROM outbox WHERE id > $1 ORDER BY id) AS s
"""
#: The file of the outbox, which changes with a truncation.
_OUTBOX_FILE = "SELECT pg_relation_filenode('outbox')"
#: The rows that sequential and index scans of the outbox have read.
_TUPLES_READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'outbox'"
SequenceFunction = Callable[[], Awaitable[object]]


async def _sequence_all(sql: SqlConnection, sequencer: EventSequencer) -> None:
    while await sequencer.sequence_batch():
        pass
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0


async def test_committed_events_get_rising_positions(database: PostgresDatabase, sql: SqlConnection) -> None:
    """Each event once, per order in its sequence, and the outbox is empty afterwards."""
    await make_orders(sql, ["A", "B"])
    committed = [
        *await commit_events(sql, "A", 3),
        *await commit_events(sql, "B", 2),
        *await commit_events(sql, "A", 1),
    ]
    await _sequence_all(sql, EventSequencer(database))
    log = await read_log(sql)
    assert find_log_violations(committed, log) == []
    assert [event.event_id for event in log] == [event.event_id for event in committed]


async def test_empty_outbox_assigns_no_position(database: PostgresDatabase) -> None:
    """The sequencer only checks it."""
    assert await EventSequencer(database).sequence_batch() == 0


async def test_batch_is_bounded(
    database: PostgresDatabase, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction moves one batch, for any number of events."""
    monkeypatch.setattr("wms_core.postgres.event_sequencer.MAX_BATCH_EVENTS", 7)
    await make_orders(sql, ["A"])
    await commit_events(sql, "A", 20)
    sequencer = EventSequencer(database)
    assert [await sequencer.sequence_batch() for _ in range(4)] == [7, 7, 6, 0]


async def test_plan_for_an_empty_outbox_suits_a_full_one(sql: SqlConnection) -> None:
    """It uses the index for its batch and neither reads nor sorts the whole outbox."""
    await make_orders(sql, ["A"])
    await sql.execute("VACUUM ANALYZE outbox")
    for _ in range(10):  # the first five plans are not cached
        assert await sql.fetchval(SEQUENCE, 10, False) == 0
    await commit_events(sql, "A", 20_000)
    await sql.execute("SELECT pg_stat_force_next_flush()")
    rows_before = await sql.fetchval(_TUPLES_READ)
    assert await sql.fetchval(SEQUENCE, 10, False) == 10
    await sql.execute("SELECT pg_stat_force_next_flush()")
    assert await sql.fetchval(_TUPLES_READ) - rows_before < 100


async def test_rolled_back_events_are_never_logged(database: PostgresDatabase, sql: SqlConnection) -> None:
    """The next event has their sequence."""
    await make_orders(sql, ["A"])
    rolled_back = sql.transaction()
    await rolled_back.start()
    await write_events(sql, "A", 5)
    await rolled_back.rollback()
    committed = await commit_events(sql, "A", 1)
    await _sequence_all(sql, EventSequencer(database))
    assert find_log_violations(committed, await read_log(sql)) == []


async def _commit_late(database_url: str, sql: SqlConnection, sequence: SequenceFunction) -> list[str]:
    """Commit two orders in reverse order of their ids and sequence in between. Return the violations."""
    await make_orders(sql, ["A", "B"])
    async with open_connection(database_url) as connection:
        transaction = connection.transaction()
        await transaction.start()
        committed = await write_events(connection, "A", 2)
        committed += await commit_events(sql, "B", 2)
        await sequence()
        await transaction.commit()
    await sequence()
    return find_log_violations(committed, await read_log(sql))


async def test_late_commit_loses_no_event(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """The late events have later positions."""
    assert await _commit_late(database_url, sql, EventSequencer(database).sequence_batch) == []


async def test_checker_detects_a_sequencer_that_follows_ids(database_url: str, sql: SqlConnection) -> None:
    """It loses the late events of the same commits, which the checker reports."""
    last_id = 0

    async def sequence_by_id() -> None:
        nonlocal last_id
        await sql.execute(BY_ID, last_id)
        last_id = await sql.fetchval("SELECT coalesce(max(id), 0) FROM outbox")

    violations = await _commit_late(database_url, sql, sequence_by_id)
    assert [violation.partition(":")[0] for violation in violations] == ["lost", "lost"]


async def _reuse_space(database_url: str, sql: SqlConnection) -> list[WrittenEvent]:
    """Commit two events of an order so that the second one precedes the first in the table."""
    await make_orders(sql, ["A", "B"])
    filler = await commit_events(sql, "B", 500)
    committed = await commit_events(sql, "A", 1)
    assert await sql.fetchval(SEQUENCE, len(filler), False) == len(filler)
    await sql.execute("VACUUM outbox")
    async with open_connection(database_url) as other:
        committed += await commit_events(other, "A", 1)
    heap = [row["sequence"] for row in await sql.fetch("SELECT sequence FROM outbox ORDER BY ctid")]
    assert heap == [2, 1], "the rows do not lie as this test needs them"
    return [*filler, *committed]


async def test_reused_space_keeps_the_order(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """The place of a row in the table does not depend on its time."""
    committed = await _reuse_space(database_url, sql)
    await _sequence_all(sql, EventSequencer(database))
    assert find_log_violations(committed, await read_log(sql)) == []


@pytest.mark.parametrize("removed_clauses", [BY_HEAP, UNSORTED], ids=["batch by heap", "positions unsorted"])
async def test_checker_detects_a_sequencer_that_does_not_sort(
    database_url: str, sql: SqlConnection, removed_clauses: tuple[str, ...]
) -> None:
    """It swaps events of an order with the same rows, which the checker reports."""
    committed = await _reuse_space(database_url, sql)
    definition: str = await sql.fetchval("SELECT pg_get_functiondef('append_outbox_events'::regproc)")
    for clause in removed_clauses:
        assert definition.count(clause) == 1
        definition = definition.replace(clause, clause.replace("ORDER BY id", ""))
    transaction = sql.transaction()
    await transaction.start()
    await sql.execute(definition)
    await sql.fetchval(SEQUENCE, 5000, False)
    log = await read_log(sql)
    await transaction.rollback()
    (violation,) = find_log_violations(committed, log)
    assert violation.startswith("out of order: A")


def test_checker_detects_every_kind_of_violation() -> None:
    """Lost, unknown, duplicated and swapped events, and positions that do not rise."""
    first, second = WrittenEvent(uuid4(), "A", 1), WrittenEvent(uuid4(), "A", 2)
    log = [LogEntry(1, *first), LogEntry(2, *second)]
    assert find_log_violations([first, second], log) == []
    assert find_log_violations([first, second], log[:1])
    assert find_log_violations([first], log)
    assert find_log_violations([first, second], [*log, LogEntry(3, *second)])
    assert find_log_violations([first, second], [LogEntry(1, *second), LogEntry(2, *first)])
    assert find_log_violations([first, second], [log[1], log[0]])


@dataclass
class ConcurrentWriters:
    """Many concurrent writers on a few orders, some with rollbacks and some with long transactions."""

    url: str
    seeded_random: random.Random
    order_ids: list[str]
    sequenced: asyncio.Event = field(default_factory=asyncio.Event)
    committed: list[WrittenEvent] = field(default_factory=list)

    async def write(self, transactions: int) -> None:
        """Run one writer."""
        async with open_connection(self.url) as sql:
            for _ in range(transactions):
                transaction = sql.transaction()
                await transaction.start()
                events = await write_events(
                    sql, self.seeded_random.choice(self.order_ids), self.seeded_random.randint(1, 4)
                )
                if self.seeded_random.random() < 0.15:
                    await self._wait_until_sequenced()
                if self.seeded_random.random() < 0.25:
                    await transaction.rollback()
                    continue
                # Recorded before the commit, because the event may be in the log right after it.
                self.committed += events
                await transaction.commit()

    async def _wait_until_sequenced(self) -> None:
        """Keep the transaction open until the sequencer has moved the events of others."""
        self.sequenced.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await self.sequenced.wait()


async def _follow(url: str, writers: ConcurrentWriters, log_entries: list[LogEntry]) -> None:
    """Read from the last position onwards forever, like the relay."""
    async with open_connection(url) as sql:
        while True:
            new_entries = await read_log(sql, log_entries[-1].position if log_entries else 0)
            log_entries += new_entries
            if new_entries:
                writers.sequenced.set()
            await asyncio.sleep(0.001)


async def _check_history(database: PostgresDatabase, order_id: str, violations: list[str]) -> None:
    """Read the history of an order repeatedly. Record a violation when it has a gap or shrinks."""
    known_length = 0
    while True:
        history, _ = await database.read(
            lambda transaction: transaction.orders.list_events(order_id, 0, 10_000)
        )
        sequences = [record.sequence for record in history]
        if sequences != list(range(1, len(sequences) + 1)) or len(sequences) < known_length:
            violations.append(f"history of {order_id}: {sequences} after {known_length}")
        known_length = len(sequences)
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def _background_tasks(*coroutines: Awaitable[None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results), results


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("with_rotation", [False, True], ids=["", "rotating"])
async def test_concurrent_writers_and_sequencers_keep_every_event_in_order(
    database: PostgresDatabase,
    database_url: str,
    sql: SqlConnection,
    seed: int,
    with_rotation: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Twelve random writers, two sequencers, a reader: log, reader and history agree (I5, I6).

    This includes an outbox that is truncated between them all the time.
    """
    if with_rotation:
        monkeypatch.setattr("wms_core.postgres.event_sequencer.LARGE_OUTBOX_BYTES", -1)
        monkeypatch.setattr("wms_core.postgres.event_sequencer._ROTATION_CHECK_SECONDS", 0.005)
        monkeypatch.setattr("wms_core.postgres.event_sequencer._MAX_ROTATION_DELAY_SECONDS", 0.01)
    outbox_file = await sql.fetchval(_OUTBOX_FILE)
    order_ids = [f"ORD-{number}" for number in range(6)]
    await make_orders(sql, order_ids)
    writers = ConcurrentWriters(database_url, random.Random(seed), order_ids)
    log_entries: list[LogEntry] = []
    violations: list[str] = []
    async with _background_tasks(
        EventSequencer(database).run(),
        EventSequencer(database).run(),
        _follow(database_url, writers, log_entries),
        _check_history(database, order_ids[0], violations),
    ):
        await asyncio.gather(*(writers.write(20) for _ in range(12)))
        await eventually(lambda: _has_at_least(log_entries, len(writers.committed)))
    log = await read_log(sql)
    assert find_log_violations(writers.committed, log) + violations == []
    assert log_entries == log
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0
    assert (await sql.fetchval(_OUTBOX_FILE) != outbox_file) is with_rotation


async def _has_at_least(log_entries: list[LogEntry], count: int) -> bool:
    return len(log_entries) >= count


@contextlib.asynccontextmanager
async def _lock_log(url: str) -> AsyncIterator[None]:
    """Block every sequencer between its deletion from the outbox and its insertion into the log."""
    async with open_connection(url) as sql, sql.transaction():
        await sql.execute("LOCK TABLE order_events IN SHARE MODE")
        yield


async def _find_blocked_sequencer(sql: SqlConnection) -> int | None:
    pid: int | None = await sql.fetchval(
        "SELECT a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE l.locktype = 'advisory' AND l.classid = 7302 AND l.granted AND a.wait_event_type = 'Lock'"
        "   AND a.datname = current_database()"
    )
    return pid


async def test_killed_sequencer_loses_no_event(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """Its transaction is rolled back, and it continues with the same events."""
    await make_orders(sql, ["A"])
    async with _background_tasks(EventSequencer(database).run()):
        async with _lock_log(database_url):
            committed = await commit_events(sql, "A", 50)
            pid = await eventually(lambda: _find_blocked_sequencer(sql))
            assert await sql.fetchval("SELECT pg_terminate_backend($1)", pid)
        await eventually(lambda: read_log(sql))
    assert find_log_violations(committed, await read_log(sql)) == []


async def test_second_sequencer_does_not_wait_for_the_first(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """One is active at a time. The other returns at once."""
    await make_orders(sql, ["A"])
    committed = await commit_events(sql, "A", 5)
    async with _lock_log(database_url):
        first_batch = asyncio.create_task(EventSequencer(database).sequence_batch())
        await eventually(lambda: _find_blocked_sequencer(sql))
        async with time_limit(2):
            assert await EventSequencer(database).sequence_batch() == 0
    assert await first_batch == len(committed)
    assert find_log_violations(committed, await read_log(sql)) == []


async def test_sequencer_continues_after_a_database_outage(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """The loop survives the loss of all its connections."""
    await make_orders(sql, ["A"])
    async with _background_tasks(EventSequencer(database).run()):
        committed = await commit_events(sql, "A", 5)
        await eventually(lambda: read_log(sql))
        assert end_sessions_unnoticed(database_url)
        committed += await commit_events(sql, "A", 5)
        await eventually(lambda: _has_log_length(sql, len(committed)))
    assert find_log_violations(committed, await read_log(sql)) == []


class FailingSequencer(EventSequencer):
    """A sequencer whose first batches fail, each with another error."""

    def __init__(self, database: PostgresDatabase, errors: list[Exception]) -> None:
        super().__init__(database)
        self.errors = errors

    async def sequence_batch(self) -> int:
        """Raise the next error or sequence a batch."""
        if self.errors:
            raise self.errors.pop()
        return await super().sequence_batch()


async def test_loop_survives_every_error_of_the_driver(
    database: PostgresDatabase, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This includes the error of asyncpg for a session that ended between two statements."""
    monkeypatch.setattr("wms_core.postgres.event_sequencer._ERROR_DELAY_SECONDS", 0.0)
    errors = [asyncpg.InternalClientError(), asyncpg.InterfaceError("closed"), asyncpg.AdminShutdownError()]
    await make_orders(sql, ["A"])
    committed = await commit_events(sql, "A", 5)
    async with _background_tasks(FailingSequencer(database, [*errors, OSError(), TimeoutError()]).run()):
        await eventually(lambda: read_log(sql))
    assert find_log_violations(committed, await read_log(sql)) == []


async def _has_log_length(sql: SqlConnection, count: int) -> bool:
    return len(await read_log(sql)) >= count


async def _list_partitions(sql: SqlConnection) -> list[str]:
    rows = await sql.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent = 'order_events'::regclass ORDER BY 1"
    )
    return [row["name"].removeprefix("order_events_p") for row in rows]


async def test_partitions_are_created_ahead(database: PostgresDatabase, sql: SqlConnection) -> None:
    """Two more always exist after the current one."""
    await make_orders(sql, ["A"])
    committed: list[WrittenEvent] = []
    sequencer = EventSequencer(database)
    for end in (1, 2, 3):
        await sql.execute("SELECT setval('event_position', $1)", end * PARTITION - 10)
        committed += await commit_events(sql, "A", 20)
        await _sequence_all(sql, sequencer)
    log = await read_log(sql)
    assert find_log_violations(committed, log) == []
    assert {event.position // PARTITION for event in log} == {0, 1, 2, 3}
    assert await _list_partitions(sql) == [f"{number:06}" for number in range(6)]


async def test_new_process_creates_partitions_first(database: PostgresDatabase, sql: SqlConnection) -> None:
    """A database that was restored just before the end of its last partition continues."""
    await make_orders(sql, ["A"])
    await sql.execute("SELECT setval('event_position', $1)", 3 * PARTITION - 10)
    committed = await commit_events(sql, "A", 20)
    await _sequence_all(sql, EventSequencer(database))
    assert find_log_violations(committed, await read_log(sql)) == []


async def test_partition_is_created_during_a_long_read(
    database: PostgresDatabase, database_url: str, sql: SqlConnection
) -> None:
    """A backup that reads for hours blocks neither the sequencer nor, behind it, other readers."""
    await make_orders(sql, ["A"])
    await sql.execute("SELECT setval('event_position', $1)", PARTITION - 10)
    committed = await commit_events(sql, "A", 20)
    async with open_connection(database_url) as reader, reader.transaction(isolation="repeatable_read"):
        await read_log(reader)
        async with time_limit(3):
            await _sequence_all(sql, EventSequencer(database))
        assert find_log_violations(committed, await read_log(sql)) == []
    assert await _list_partitions(sql) == [f"{number:06}" for number in range(4)]


async def test_position_is_never_used_twice(database: PostgresDatabase, sql: SqlConnection) -> None:
    """The primary key of the log rejects a sequence that was set back, and no event is overwritten."""
    await make_orders(sql, ["A"])
    committed = await commit_events(sql, "A", 5)
    sequencer = EventSequencer(database)
    await _sequence_all(sql, sequencer)
    await commit_events(sql, "A", 1)
    await sql.execute("SELECT setval('event_position', 1)")
    with pytest.raises(asyncpg.UniqueViolationError):
        await sequencer.sequence_batch()
    assert find_log_violations(committed, await read_log(sql)) == []
