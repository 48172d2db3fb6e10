"""Migrate the schema: apply each numbered SQL file once, check its hash, then apply the definitions.

A killed run leaves each file applied completely or not at all. Concurrent runs wait for each other.

A file whose first line is `-- no transaction` runs statement by statement outside a transaction. If it fails,
it runs again from its beginning, so each of its statements must be idempotent. A statement ends with a
semicolon at the end of a line.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import asyncpg

from wms_core.postgres.database_url import parse_database_url
from wms_core.postgres.definitions import (
    DEFINITIONS_REVISION,
    SchemaDefinition,
    are_definitions_applied,
    read_applied_revision,
    read_definitions,
    replace_definitions,
)

_AsyncpgConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_ADVISORY_LOCK_KEY = 7300
_LOCK_POLL_SECONDS = 0.1
_NO_TRANSACTION_MARKER = "-- no transaction"
_CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationError(Exception):
    """The schema cannot be migrated; the message has the cause."""


@dataclass(frozen=True, slots=True)
class SchemaMigration:
    """One numbered SQL file."""

    number: int
    name: str
    sql_text: str

    @property
    def text_sha256(self) -> str:
        """The hash of the file's text."""
        return hashlib.sha256(self.sql_text.encode()).hexdigest()


def read_migrations() -> list[SchemaMigration]:
    """Read the files of the package, in order of their numbers."""
    unsorted_migrations = [
        SchemaMigration(
            int(migration_file.name.split("_")[0]),
            migration_file.name,
            migration_file.read_text(encoding="utf-8"),
        )
        for migration_file in files("wms_core.postgres").joinpath("migrations").iterdir()
        if migration_file.name.endswith(".sql")
    ]
    return sorted(unsorted_migrations, key=lambda schema_migration: schema_migration.number)


async def migrate(
    url: str,
    expected_migrations: list[SchemaMigration] | None = None,
    expected_definitions: list[SchemaDefinition] | None = None,
) -> list[SchemaMigration]:
    """Apply missing migrations, and the definitions if anything has changed.

    Return the migrations that were applied.

    Raises:
        MigrationError: an applied file has changed, the database has migrations or definitions of a later
            version, or `check_database` rejects the database.
    """
    expected_definitions = read_definitions() if expected_definitions is None else expected_definitions
    async with _open_connection(url) as connection, _hold_migration_lock(url):
        await check_database(connection)
        await connection.execute(_CREATE_TABLE)
        if await read_applied_revision(connection) > DEFINITIONS_REVISION:
            raise MigrationError("the database has functions and views of a later version")
        applied_migrations = await _apply_missing(
            connection, expected_migrations if expected_migrations is not None else read_migrations()
        )
        # A view keeps the columns that its tables had at its creation, and a migration may drop a definition.
        if applied_migrations or not await are_definitions_applied(connection, expected_definitions):
            await replace_definitions(connection, expected_definitions)
        return applied_migrations


async def check_database(connection: _AsyncpgConnection) -> None:
    """Raise `MigrationError` unless this is Postgres 15 or newer and the database is in UTF8."""
    version = connection.get_server_version()
    if version.major < 15:
        raise MigrationError(f"Postgres 15 or newer is needed; this is {version.major}.{version.minor}")
    # The parameter that a PgBouncer reports is that of its first connection, so the database is queried.
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise MigrationError(
            f"the database has the encoding {encoding}, which cannot store every text; create another: "
            "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0 LOCALE 'C.UTF-8'"
        )


@asynccontextmanager
async def _open_connection(url: str) -> AsyncIterator[_AsyncpgConnection]:
    # No prepared statements, which a PgBouncer in transaction mode may not support.
    connection = await parse_database_url(url).open_connection(10, statement_cache_size=0)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


@asynccontextmanager
async def _hold_migration_lock(url: str) -> AsyncIterator[None]:
    """Exclude other runs until the end of the block.

    The lock belongs to a transaction on a separate connection, because behind a PgBouncer a session may
    change. It is polled: a statement that waits for a lock holds a snapshot, and the CREATE INDEX
    CONCURRENTLY of another run would wait for the end of that snapshot. Between statements the transaction
    has no snapshot.
    """
    async with _open_connection(url) as connection:
        while True:
            async with connection.transaction(isolation="read_committed"):
                if await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _ADVISORY_LOCK_KEY):
                    await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                    yield
                    return
            await asyncio.sleep(_LOCK_POLL_SECONDS)


async def _apply_missing(
    connection: _AsyncpgConnection, expected_migrations: list[SchemaMigration]
) -> list[SchemaMigration]:
    rows = await connection.fetch("SELECT number, name, sha256 FROM schema_migrations")
    applied_rows = {row["number"]: row for row in rows}
    unknown_numbers = sorted(
        set(applied_rows) - {schema_migration.number for schema_migration in expected_migrations}
    )
    if unknown_numbers:
        raise MigrationError(f"the database has migrations of a later version: {unknown_numbers}")
    missing_migrations = []
    for schema_migration in expected_migrations:
        if schema_migration.number not in applied_rows:
            missing_migrations.append(schema_migration)
        elif applied_rows[schema_migration.number]["sha256"] != schema_migration.text_sha256:
            raise MigrationError(f"{schema_migration.name} has changed since it was applied")
    for schema_migration in missing_migrations:
        await _run_migration(connection, schema_migration)
    return missing_migrations


async def _run_migration(connection: _AsyncpgConnection, schema_migration: SchemaMigration) -> None:
    if schema_migration.sql_text.startswith(_NO_TRANSACTION_MARKER):
        for sql_statement in schema_migration.sql_text.split(";\n"):
            if sql_statement.strip():
                await connection.execute(sql_statement)
        await _record_migration(connection, schema_migration)
        return
    async with connection.transaction():
        await connection.execute(schema_migration.sql_text)
        await _record_migration(connection, schema_migration)


async def _record_migration(connection: _AsyncpgConnection, schema_migration: SchemaMigration) -> None:
    await connection.execute(
        "INSERT INTO schema_migrations (number, name, sha256) VALUES ($1, $2, $3)",
        schema_migration.number,
        schema_migration.name,
        schema_migration.text_sha256,
    )
