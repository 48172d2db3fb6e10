"""Brings the schema up to date: numbered SQL files, each once, each with its hash; then the definitions.

A run that was killed leaves whole files or nothing. Two runs at once wait for each other.

A file whose first line is `-- no transaction` runs statement by statement outside a transaction, and again
from its beginning when it did not get to its end: each of its statements has to bear that. A statement ends
with a semicolon at the end of a line.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import asyncpg

from wms_core.postgres.address import parse_database_url
from wms_core.postgres.definitions import (
    REVISION,
    Definition,
    applied_revision,
    are_applied,
    definitions,
    replace_definitions,
)

_Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_LOCK = 7300
_TURN = 0.1  # seconds between two looks whether it is our turn
_NO_TRANSACTION = "-- no transaction"
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationError(Exception):
    """The schema can't be brought up to date."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The hash of the file's text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Read the files of the package, in order of their numbers."""
    found = [
        Migration(int(file.name.split("_")[0]), file.name, file.read_text(encoding="utf-8"))
        for file in files("wms_core.postgres").joinpath("migrations").iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


async def migrate(
    url: str, wanted: list[Migration] | None = None, defined: list[Definition] | None = None
) -> list[Migration]:
    """Apply the migrations that are missing, and the definitions when anything has changed.

    Returns the migrations that were applied. Raises MigrationError when an applied file has changed since,
    when the database has what this version does not know, or when the database can't hold what we store (see
    `check_database`).
    """
    defined = definitions() if defined is None else defined
    async with _connected(url) as connection, _our_turn(url):
        await check_database(connection)
        await connection.execute(_TABLE)
        if await applied_revision(connection) > REVISION:
            raise MigrationError("the database has functions and views of a later version")
        applied = await _apply(connection, wanted if wanted is not None else migrations())
        # A view has the columns that its tables had when it was made; a migration may drop a definition.
        if applied or not await are_applied(connection, defined):
            await replace_definitions(connection, defined)
        return applied


async def check_database(connection: _Connection) -> None:
    """Raise MigrationError unless this is Postgres 15 or newer with a database in UTF8."""
    version = connection.get_server_version()
    if version.major < 15:
        raise MigrationError(f"Postgres 15 or newer is needed; this is {version.major}.{version.minor}")
    # Read from the database itself: a PgBouncer tells of the first one that it has connected to.
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise MigrationError(
            f"the database has the encoding {encoding}, which can't hold every text; make another: "
            "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0 LOCALE 'C.UTF-8'"
        )


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[_Connection]:
    # Keeps no prepared statement, which a PgBouncer that shares sessions may not know.
    connection = await parse_database_url(url).connect(10, statement_cache_size=0)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


@asynccontextmanager
async def _our_turn(url: str) -> AsyncIterator[None]:
    """Keep other runs out until the end of the block.

    The lock is that of a transaction on a connection of its own: behind a PgBouncer no session is ours. It is
    asked for again and again: one who waits inside a statement holds a snapshot, for whose end the CREATE
    INDEX CONCURRENTLY of another run would wait. Between its statements the transaction holds none.
    """
    async with _connected(url) as connection:
        while True:
            async with connection.transaction(isolation="read_committed"):
                if await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
                    await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                    yield
                    return
            await asyncio.sleep(_TURN)


async def _apply(connection: _Connection, wanted: list[Migration]) -> list[Migration]:
    rows = await connection.fetch("SELECT number, name, sha256 FROM schema_migrations")
    applied = {row["number"]: row for row in rows}
    unknown = sorted(set(applied) - {migration.number for migration in wanted})
    if unknown:
        raise MigrationError(f"the database has migrations of a later version: {unknown}")
    missing = []
    for migration in wanted:
        if migration.number not in applied:
            missing.append(migration)
        elif applied[migration.number]["sha256"] != migration.sha256:
            raise MigrationError(f"{migration.name} has changed since it was applied")
    for migration in missing:
        await _run(connection, migration)
    return missing


async def _run(connection: _Connection, migration: Migration) -> None:
    if migration.sql.startswith(_NO_TRANSACTION):
        for statement in migration.sql.split(";\n"):
            if statement.strip():
                await connection.execute(statement)
        await _note(connection, migration)
        return
    async with connection.transaction():
        await connection.execute(migration.sql)
        await _note(connection, migration)


async def _note(connection: _Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO schema_migrations (number, name, sha256) VALUES ($1, $2, $3)",
        migration.number,
        migration.name,
        migration.sha256,
    )
