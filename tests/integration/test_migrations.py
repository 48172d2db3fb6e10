"""Migrations: each file once and whole, however many run them and however they end."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import asyncpg
import grpc
import pytest

from tests.support.api import is_ready
from tests.support.invariants import Sql
from tests.support.waiting import bounded, eventually
from wms_core.postgres.migrate import Migration, MigrationError, migrate, migrations
from wms_core.tether import tethered
from wms_dev.documents.catalog import read_catalog
from wms_dev.ports import free_port

pytestmark = pytest.mark.every_postgres

NUMBERS = [migration.number for migration in migrations()]
NEXT = NUMBERS[-1] + 1
#: The last migration of the baseline, which databases have whole.
BASELINE = 6
#: By migration, what was stored when it was the newest.
ROWS = {
    int(path.name[:4]): path.read_text(encoding="utf-8")
    for path in (Path(__file__).parents[1] / "support" / "upgrades").glob("*.sql")
}
Ending = Callable[[Sql, "asyncio.Task[list[Migration]]"], Awaitable[None]]


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[Sql]:
    """Give a connection to the database with nothing in it."""
    connection = await asyncpg.connect(empty_database_url)
    try:
        yield connection
    finally:
        await connection.close()


def with_next(sql: str, number: int = NEXT) -> list[Migration]:
    """Give the migrations and one more."""
    return [*migrations(), Migration(number, f"{number:04}_next.sql", sql)]


async def applied(connection: Sql) -> list[int]:
    """Give the numbers that the database says were applied."""
    rows = await connection.fetch("SELECT number FROM schema_migrations ORDER BY number")
    return [row["number"] for row in rows]


async def exists(connection: Sql, name: str) -> bool:
    """Say whether there is a table or index of that name."""
    found: bool = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name)
    return found


async def sleeping(connection: Sql) -> int | None:
    """Give the process that is inside `pg_sleep`, in this database."""
    pid: int | None = await connection.fetchval(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    )
    return pid


async def test_an_empty_database_gets_every_file_once(empty: Sql, empty_database_url: str) -> None:
    """The first run applies all, in order, and notes name and hash of each."""
    assert await migrate(empty_database_url) == migrations()
    rows = await empty.fetch("SELECT number, name, sha256 FROM schema_migrations ORDER BY number")
    assert [tuple(row) for row in rows] == [(m.number, m.name, m.sha256) for m in migrations()]


async def test_a_second_run_has_nothing_to_do(empty: Sql, empty_database_url: str) -> None:
    """Running it at any time is safe."""
    await migrate(empty_database_url)
    before = await read_catalog(empty)
    assert await migrate(empty_database_url) == []
    assert await read_catalog(empty) == before


@pytest.mark.parametrize("runs", [2, 10])
async def test_runs_at_the_same_time_share_the_work(empty: Sql, empty_database_url: str, runs: int) -> None:
    """Each file is applied by exactly one of them, and all of them succeed."""
    done = await asyncio.gather(*(migrate(empty_database_url) for _ in range(runs)))
    assert sorted(migration.number for each in done for migration in each) == NUMBERS
    assert await applied(empty) == NUMBERS


async def test_a_file_that_has_changed_is_refused(empty: Sql, empty_database_url: str) -> None:
    """What was applied is history; the file that differs is named and nothing is done."""
    await migrate(empty_database_url)
    first, *rest = with_next("CREATE TABLE next_one ()")
    with pytest.raises(MigrationError, match=f"{first.name} has changed"):
        await migrate(empty_database_url, [replace(first, sql=first.sql + "\n"), *rest])
    assert not await exists(empty, "next_one")


async def test_a_database_of_a_later_version_is_refused(empty: Sql, empty_database_url: str) -> None:
    """An older program does not run on a schema that it does not know."""
    await migrate(empty_database_url, with_next("CREATE TABLE next_one ()"))
    with pytest.raises(MigrationError, match=rf"later version: \[{NEXT}\]"):
        await migrate(empty_database_url)


async def test_a_file_that_fails_leaves_nothing_and_those_before_it(
    empty: Sql, empty_database_url: str
) -> None:
    """A mistake in the last statement takes the first one back; the earlier files stay applied."""
    with pytest.raises(asyncpg.UndefinedTableError):
        await migrate(empty_database_url, with_next("CREATE TABLE half (); INSERT INTO nowhere VALUES (1)"))
    assert not await exists(empty, "half")
    assert await applied(empty) == NUMBERS


async def _terminate(connection: Sql, _run: "asyncio.Task[list[Migration]]") -> None:
    await connection.execute("SELECT pg_terminate_backend($1)", await sleeping(connection))


async def _cancel_query(connection: Sql, _run: "asyncio.Task[list[Migration]]") -> None:
    await connection.execute("SELECT pg_cancel_backend($1)", await sleeping(connection))


async def _cancel_run(_connection: Sql, run: "asyncio.Task[list[Migration]]") -> None:
    run.cancel()


@pytest.mark.parametrize("end", [_terminate, _cancel_query, _cancel_run])
async def test_a_run_that_is_killed_leaves_whole_files(
    empty: Sql, empty_database_url: str, end: Ending
) -> None:
    """Of the file at work nothing is left, and the next run does it."""
    stuck = with_next("CREATE TABLE half (); SELECT pg_sleep(60)")
    run = asyncio.create_task(migrate(empty_database_url, stuck))
    await eventually(lambda: sleeping(empty))
    await end(empty, run)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncio.CancelledError)):
        await run
    assert not await exists(empty, "half")
    assert await applied(empty) == NUMBERS
    mended = with_next("CREATE TABLE half ()")
    assert await migrate(empty_database_url, mended) == mended[-1:]


async def test_a_file_without_a_transaction_runs_statement_by_statement(
    empty: Sql, empty_database_url: str
) -> None:
    """What Postgres refuses inside a transaction may be a migration too."""
    await migrate(
        empty_database_url,
        with_next(
            "-- no transaction\n"
            "-- A comment; with a semicolon.\n"
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS one ON orders (customer_id);\n\n"
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS two ON orders (status);\n"
        ),
    )
    assert await exists(empty, "one")
    assert await exists(empty, "two")
    assert await applied(empty) == [*NUMBERS, NEXT]


async def test_a_file_without_a_transaction_is_taken_up_again(empty: Sql, empty_database_url: str) -> None:
    """Killed between its statements it is not noted; the next run does it from the beginning."""
    repeatable = (
        "-- no transaction\nCREATE TABLE IF NOT EXISTS one ();\n{};\nCREATE TABLE IF NOT EXISTS two ()"
    )
    run = asyncio.create_task(
        migrate(empty_database_url, with_next(repeatable.format("SELECT pg_sleep(60)")))
    )
    await eventually(lambda: sleeping(empty))
    await _terminate(empty, run)
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await run
    assert (await exists(empty, "one"), await exists(empty, "two")) == (True, False)
    assert await applied(empty) == NUMBERS
    await migrate(empty_database_url, with_next(repeatable.format("SELECT 1")))
    assert await exists(empty, "two")


async def test_an_index_is_built_concurrently_while_other_runs_wait(
    empty: Sql, empty_database_url: str
) -> None:
    """Runs that wait for their turn hold no snapshot, for which CREATE INDEX CONCURRENTLY would wait."""
    await migrate(empty_database_url)
    wanted = with_next(
        "-- no transaction\nSELECT pg_sleep(0.5);\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS one ON orders (customer_id)"
    )
    done = await asyncio.gather(*(migrate(empty_database_url, wanted) for _ in range(5)))
    assert sorted(len(each) for each in done) == [0, 0, 0, 0, 1]
    assert await exists(empty, "one")


@pytest.mark.parametrize("oldest", NUMBERS[BASELINE - 1 :])
async def test_a_database_of_every_earlier_version_is_brought_up_to_date(
    empty: Sql, empty_database_url: str, database_url: str, oldest: int
) -> None:
    """With rows of its time, a schema of any version becomes the one that a fresh database has."""
    for number in range(BASELINE, oldest + 1):
        await migrate(empty_database_url, [one for one in migrations() if one.number <= number])
        await empty.execute(ROWS[number])
    counted = await _count_rows(empty)
    await migrate(empty_database_url)
    fresh = await asyncpg.connect(database_url)
    try:
        assert await read_catalog(empty) == await read_catalog(fresh)
    finally:
        await fresh.close()
    after = await _count_rows(empty)
    assert {table: after[table] for table in counted} == counted


async def _count_rows(connection: Sql) -> dict[str, int]:
    tables = await connection.fetch(
        """SELECT tablename FROM pg_tables
            WHERE schemaname = 'public' AND tablename NOT IN ('schema_migrations', 'schema_definitions')"""
    )
    return {
        row["tablename"]: await connection.fetchval(f'SELECT count(*) FROM "{row["tablename"]}"')  # noqa: S608
        for row in tables
    }


def test_every_migration_has_rows_that_later_ones_are_tried_on() -> None:
    """Whoever adds a migration says what a database of that version holds."""
    assert sorted(ROWS) == NUMBERS[BASELINE - 1 :]


def test_the_files_are_numbered_without_a_gap() -> None:
    """Two branches that add the same number are noticed when they meet."""
    assert list(range(1, len(NUMBERS) + 1)) == NUMBERS


@pytest.mark.one_postgres
async def test_two_servers_that_start_at_once_on_an_empty_database_both_come_up(
    empty_database_url: str,
) -> None:
    """Real processes: one applies the migrations, the other waits for it, both serve."""
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    async with contextlib.AsyncExitStack() as stack:
        for address in addresses:
            await stack.enter_async_context(_server(empty_database_url, address))
        for address in addresses:
            # Servers that take long to start are not asked at ever longer intervals.
            options = [("grpc.max_reconnect_backoff_ms", 500)]
            async with grpc.aio.insecure_channel(address, options) as channel:
                await eventually(lambda channel=channel: is_ready(channel), within=60)  # type: ignore[misc]
    connection = await asyncpg.connect(empty_database_url)
    try:
        assert await applied(connection) == NUMBERS
        assert await connection.fetchval("SELECT count(*) FROM warehouses") == 1
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def _server(url: str, address: str) -> AsyncIterator[None]:
    own = {"DATABASE_URL": url, "SERVER_ADDR": address, "HTTP_ADDR": "", "SERVER_PROCESSES": "1"}
    process = await asyncio.create_subprocess_exec(
        *tethered([sys.executable, "-m", "wms_core.command", "server"]),
        env={**os.environ, **own},
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        assert await bounded(process.wait(), 15) == 0
