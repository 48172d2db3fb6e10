"""Migrations: each file is applied completely and once, for any number of runs and interruptions."""

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

from tests.support.clients.grpc_api import is_ready
from tests.support.invariants.database import SqlConnection
from tests.support.waiting import eventually, with_timeout
from wms_core.postgres.migrate import MigrationError, SchemaMigration, migrate, read_migrations
from wms_core.runtime.parent_death import with_parent_death_signal
from wms_dev.docs_generator.catalog import read_catalog
from wms_dev.free_port import find_free_port

pytestmark = pytest.mark.every_postgres

NUMBERS = [migration.number for migration in read_migrations()]
NEXT = NUMBERS[-1] + 1
#: The last migration of the baseline. Databases have the complete baseline.
BASELINE = 6
#: By migration, the rows of a database in which it was the newest one.
ROWS = {
    int(path.name[:4]): path.read_text(encoding="utf-8")
    for path in (Path(__file__).parents[2] / "support" / "data" / "upgrades").glob("*.sql")
}
Interruption = Callable[[SqlConnection, "asyncio.Task[list[SchemaMigration]]"], Awaitable[None]]


@pytest.fixture
async def empty_sql(empty_database_url: str) -> AsyncIterator[SqlConnection]:
    """Yield a connection to an empty database."""
    connection = await asyncpg.connect(empty_database_url)
    try:
        yield connection
    finally:
        await connection.close()


def with_next_migration(sql: str, number: int = NEXT) -> list[SchemaMigration]:
    """Return the migrations and one more."""
    return [*read_migrations(), SchemaMigration(number, f"{number:04}_next.sql", sql)]


async def list_applied_numbers(connection: SqlConnection) -> list[int]:
    """Return the numbers of the applied migrations in the database."""
    rows = await connection.fetch("SELECT number FROM schema_migrations ORDER BY number")
    return [row["number"] for row in rows]


async def relation_exists(connection: SqlConnection, name: str) -> bool:
    """Return whether a table or index of that name exists."""
    is_found: bool = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name)
    return is_found


async def find_sleeping_pid(connection: SqlConnection) -> int | None:
    """Return the process id of the session in `pg_sleep` in this database."""
    pid: int | None = await connection.fetchval(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    )
    return pid


async def test_empty_database_gets_every_migration_once(
    empty_sql: SqlConnection, empty_database_url: str
) -> None:
    """The first run applies all in order and stores the name and hash of each."""
    assert await migrate(empty_database_url) == read_migrations()
    rows = await empty_sql.fetch("SELECT number, name, sha256 FROM schema_migrations ORDER BY number")
    assert [tuple(row) for row in rows] == [
        (migration.number, migration.name, migration.text_sha256) for migration in read_migrations()
    ]


async def test_second_run_applies_no_migration(empty_sql: SqlConnection, empty_database_url: str) -> None:
    """A run is safe at any time."""
    await migrate(empty_database_url)
    before = await read_catalog(empty_sql)
    assert await migrate(empty_database_url) == []
    assert await read_catalog(empty_sql) == before


@pytest.mark.parametrize("runs", [2, 10])
async def test_concurrent_runs_apply_each_migration_once(
    empty_sql: SqlConnection, empty_database_url: str, runs: int
) -> None:
    """Exactly one of them applies each file, and all of them succeed."""
    applied_by_run = await asyncio.gather(*(migrate(empty_database_url) for _ in range(runs)))
    assert sorted(migration.number for applied in applied_by_run for migration in applied) == NUMBERS
    assert await list_applied_numbers(empty_sql) == NUMBERS


async def test_changed_migration_is_rejected(empty_sql: SqlConnection, empty_database_url: str) -> None:
    """The error names the changed file, and the run has no effect."""
    await migrate(empty_database_url)
    first, *rest = with_next_migration("CREATE TABLE next_one ()")
    with pytest.raises(MigrationError, match=f"{first.name} has changed"):
        await migrate(empty_database_url, [replace(first, sql_text=first.sql_text + "\n"), *rest])
    assert not await relation_exists(empty_sql, "next_one")


async def test_database_of_a_later_version_is_rejected(
    empty_sql: SqlConnection, empty_database_url: str
) -> None:
    """An older program does not use an unknown schema."""
    await migrate(empty_database_url, with_next_migration("CREATE TABLE next_one ()"))
    with pytest.raises(MigrationError, match=rf"later version: \[{NEXT}\]"):
        await migrate(empty_database_url)


async def test_failing_migration_is_rolled_back(empty_sql: SqlConnection, empty_database_url: str) -> None:
    """An error in its last statement rolls back the first one. Earlier files stay applied."""
    with pytest.raises(asyncpg.UndefinedTableError):
        await migrate(
            empty_database_url, with_next_migration("CREATE TABLE half (); INSERT INTO nowhere VALUES (1)")
        )
    assert not await relation_exists(empty_sql, "half")
    assert await list_applied_numbers(empty_sql) == NUMBERS


async def _terminate(connection: SqlConnection, _run: "asyncio.Task[list[SchemaMigration]]") -> None:
    await connection.execute("SELECT pg_terminate_backend($1)", await find_sleeping_pid(connection))


async def _cancel_query(connection: SqlConnection, _run: "asyncio.Task[list[SchemaMigration]]") -> None:
    await connection.execute("SELECT pg_cancel_backend($1)", await find_sleeping_pid(connection))


async def _cancel_run(_connection: SqlConnection, run: "asyncio.Task[list[SchemaMigration]]") -> None:
    run.cancel()


@pytest.mark.parametrize("interrupt", [_terminate, _cancel_query, _cancel_run])
async def test_interrupted_run_leaves_only_complete_migrations(
    empty_sql: SqlConnection, empty_database_url: str, interrupt: Interruption
) -> None:
    """The interrupted file is rolled back, and the next run applies it."""
    sleeping_migrations = with_next_migration("CREATE TABLE half (); SELECT pg_sleep(60)")
    run = asyncio.create_task(migrate(empty_database_url, sleeping_migrations))
    await eventually(lambda: find_sleeping_pid(empty_sql))
    await interrupt(empty_sql, run)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncio.CancelledError)):
        await run
    assert not await relation_exists(empty_sql, "half")
    assert await list_applied_numbers(empty_sql) == NUMBERS
    fixed_migrations = with_next_migration("CREATE TABLE half ()")
    assert await migrate(empty_database_url, fixed_migrations) == fixed_migrations[-1:]


async def test_migration_without_a_transaction_runs_its_statements(
    empty_sql: SqlConnection, empty_database_url: str
) -> None:
    """This allows statements that Postgres rejects in a transaction."""
    await migrate(
        empty_database_url,
        with_next_migration(
            "-- no transaction\n"
            "-- A comment; with a semicolon.\n"
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS one ON orders (customer_id);\n\n"
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS two ON orders (status);\n"
        ),
    )
    assert await relation_exists(empty_sql, "one")
    assert await relation_exists(empty_sql, "two")
    assert await list_applied_numbers(empty_sql) == [*NUMBERS, NEXT]


async def test_interrupted_migration_without_a_transaction_is_repeated(
    empty_sql: SqlConnection, empty_database_url: str
) -> None:
    """It is not recorded, and the next run starts it again."""
    sql_template = (
        "-- no transaction\nCREATE TABLE IF NOT EXISTS one ();\n{};\nCREATE TABLE IF NOT EXISTS two ()"
    )
    run = asyncio.create_task(
        migrate(empty_database_url, with_next_migration(sql_template.format("SELECT pg_sleep(60)")))
    )
    await eventually(lambda: find_sleeping_pid(empty_sql))
    await _terminate(empty_sql, run)
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await run
    assert (await relation_exists(empty_sql, "one"), await relation_exists(empty_sql, "two")) == (True, False)
    assert await list_applied_numbers(empty_sql) == NUMBERS
    await migrate(empty_database_url, with_next_migration(sql_template.format("SELECT 1")))
    assert await relation_exists(empty_sql, "two")


async def test_index_is_created_concurrently_while_other_runs_wait(
    empty_sql: SqlConnection, empty_database_url: str
) -> None:
    """Waiting runs have no snapshot, because CREATE INDEX CONCURRENTLY waits for snapshots."""
    await migrate(empty_database_url)
    migrations = with_next_migration(
        "-- no transaction\nSELECT pg_sleep(0.5);\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS one ON orders (customer_id)"
    )
    applied_by_run = await asyncio.gather(*(migrate(empty_database_url, migrations) for _ in range(5)))
    assert sorted(len(applied) for applied in applied_by_run) == [0, 0, 0, 0, 1]
    assert await relation_exists(empty_sql, "one")


@pytest.mark.parametrize("oldest", NUMBERS[BASELINE - 1 :])
async def test_database_of_every_earlier_version_is_migrated(
    empty_sql: SqlConnection, empty_database_url: str, database_url: str, oldest: int
) -> None:
    """With rows of its version, the schema becomes the one of a fresh database."""
    for number in range(BASELINE, oldest + 1):
        await migrate(
            empty_database_url, [migration for migration in read_migrations() if migration.number <= number]
        )
        await empty_sql.execute(ROWS[number])
    counts_before = await _count_rows(empty_sql)
    await migrate(empty_database_url)
    fresh = await asyncpg.connect(database_url)
    try:
        assert await read_catalog(empty_sql) == await read_catalog(fresh)
    finally:
        await fresh.close()
    counts_after = await _count_rows(empty_sql)
    assert {table: counts_after[table] for table in counts_before} == counts_before


async def _count_rows(connection: SqlConnection) -> dict[str, int]:
    tables = await connection.fetch(
        """SELECT tablename FROM pg_tables
            WHERE schemaname = 'public' AND tablename NOT IN ('schema_migrations', 'schema_definitions')"""
    )
    return {
        row["tablename"]: await connection.fetchval(f'SELECT count(*) FROM "{row["tablename"]}"')  # noqa: S608
        for row in tables
    }


def test_every_migration_has_sample_rows() -> None:
    """A new migration needs sample rows of its version, which test later migrations."""
    assert sorted(ROWS) == NUMBERS[BASELINE - 1 :]


def test_migrations_are_numbered_without_a_gap() -> None:
    """This detects branches that add the same number."""
    assert list(range(1, len(NUMBERS) + 1)) == NUMBERS


@pytest.mark.one_postgres
async def test_two_servers_start_concurrently_on_an_empty_database(
    empty_database_url: str,
) -> None:
    """Real processes: one applies the migrations, the other waits, and both serve."""
    addresses = [f"127.0.0.1:{find_free_port()}" for _ in range(2)]
    async with contextlib.AsyncExitStack() as stack:
        for address in addresses:
            await stack.enter_async_context(_server(empty_database_url, address))
        for address in addresses:
            # Without this limit the client would retry slowly starting servers at growing intervals.
            options = [("grpc.max_reconnect_backoff_ms", 500)]
            async with grpc.aio.insecure_channel(address, options) as channel:
                await eventually(lambda channel=channel: is_ready(channel), within=60)  # type: ignore[misc]
    connection = await asyncpg.connect(empty_database_url)
    try:
        assert await list_applied_numbers(connection) == NUMBERS
        assert await connection.fetchval("SELECT count(*) FROM warehouses") == 1
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def _server(url: str, address: str) -> AsyncIterator[None]:
    variables = {"DATABASE_URL": url, "SERVER_ADDR": address, "HTTP_ADDR": "", "SERVER_PROCESSES": "1"}
    process = await asyncio.create_subprocess_exec(
        *with_parent_death_signal([sys.executable, "-m", "wms_core.cli", "server"]),
        env={**os.environ, **variables},
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        assert await with_timeout(process.wait(), 15) == 0
