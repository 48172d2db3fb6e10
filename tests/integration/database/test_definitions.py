"""SQL definitions (functions, triggers, views): applied again after a change, dropped with their file."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

from tests.support.invariants.database import SqlConnection
from wms_core.postgres import definitions as module
from wms_core.postgres.definitions import (
    DEFINITION_ORDER,
    DEFINITIONS_REVISION,
    SchemaDefinition,
    read_definitions,
)
from wms_core.postgres.migrate import MigrationError, SchemaMigration, migrate, read_migrations
from wms_dev.docs_generator.catalog import read_catalog

pytestmark = pytest.mark.every_postgres

#: The hash of all files of revision `REVISION`, in their order.
SHA256 = "fa03fe17d4f25094c6dd97f7c69f884fff82cacb2aba07123ba71a3146837ae8"
_EXTRA_DEFINITION = SchemaDefinition(
    "functions/one", "CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1'"
)


@pytest.fixture
async def empty_sql(empty_database_url: str) -> AsyncIterator[SqlConnection]:
    """Yield a connection to an empty database."""
    connection = await asyncpg.connect(empty_database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def _function_exists(connection: SqlConnection, function: str) -> bool:
    is_found: bool = await connection.fetchval("SELECT to_regproc($1) IS NOT NULL", function)
    return is_found


@pytest.mark.one_postgres
def test_changed_file_requires_a_new_revision() -> None:
    """Otherwise a process of an earlier version would apply its own definitions again."""
    text = "\n".join(definition.sql_text for definition in read_definitions())
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == SHA256, f"raise REVISION in {module.__file__} and set SHA256 here to {digest}"
    assert DEFINITIONS_REVISION >= 1


@pytest.mark.one_postgres
def test_every_file_is_in_the_definition_order() -> None:
    """A file outside of it is never applied."""
    folder = Path(str(files("wms_core.postgres").joinpath("definitions")))
    file_names = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.sql")}
    assert file_names == set(DEFINITION_ORDER)
    assert len(DEFINITION_ORDER) == len(set(DEFINITION_ORDER))


async def test_unchanged_definitions_are_not_replaced(
    empty_sql: SqlConnection, empty_database_url: str
) -> None:
    """The second run keeps every object."""
    await migrate(empty_database_url)
    before = await empty_sql.fetch(
        "SELECT oid, proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    await migrate(empty_database_url)
    after = await empty_sql.fetch(
        "SELECT oid, proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    assert before == after


async def test_definitions_are_created_replaced_and_dropped(
    empty_sql: SqlConnection, empty_database_url: str
) -> None:
    """This includes a changed result type, which Postgres can not replace in place."""
    await migrate(empty_database_url, expected_definitions=[*read_definitions(), _EXTRA_DEFINITION])
    assert await empty_sql.fetchval("SELECT one()") == 1
    changed_definition = SchemaDefinition(
        _EXTRA_DEFINITION.name, "CREATE FUNCTION one() RETURNS text LANGUAGE sql AS $$SELECT 'one'$$"
    )
    await migrate(empty_database_url, expected_definitions=[*read_definitions(), changed_definition])
    assert await empty_sql.fetchval("SELECT one()") == "one"
    await migrate(empty_database_url)
    assert not await _function_exists(empty_sql, "one")


async def test_repeatedly_changed_database_equals_a_fresh_one(
    empty_sql: SqlConnection, empty_database_url: str, database_url: str
) -> None:
    """Replaced definitions leave no objects."""
    await migrate(empty_database_url, expected_definitions=[*read_definitions()[:6], _EXTRA_DEFINITION])
    await migrate(empty_database_url)
    fresh = await asyncpg.connect(database_url)
    try:
        assert await read_catalog(empty_sql) == await read_catalog(fresh)
    finally:
        await fresh.close()


async def test_failing_file_keeps_the_earlier_definitions(
    empty_sql: SqlConnection, empty_database_url: str
) -> None:
    """New definitions are applied all or not at all."""
    await migrate(empty_database_url, expected_definitions=[*read_definitions(), _EXTRA_DEFINITION])
    before = await read_catalog(empty_sql)
    invalid_definition = SchemaDefinition(
        "functions/wrong", "CREATE FUNCTION wrong() RETURNS nothing_known LANGUAGE sql AS ''"
    )
    with pytest.raises(asyncpg.UndefinedObjectError):
        await migrate(empty_database_url, expected_definitions=[*read_definitions()[:-1], invalid_definition])
    assert await read_catalog(empty_sql) == before


async def test_migration_may_drop_a_view(empty_sql: SqlConnection, empty_database_url: str) -> None:
    """Views are created again after it, with the current columns of their tables."""
    await migrate(empty_database_url)
    number = len(read_migrations()) + 1
    sql = "DROP VIEW order_documents; ALTER TABLE orders ADD COLUMN added text"
    await migrate(
        empty_database_url, [*read_migrations(), SchemaMigration(number, f"{number:04}_added.sql", sql)]
    )
    assert await empty_sql.fetchval("SELECT count(added) FROM order_documents") == 0


async def test_definitions_of_a_later_version_are_rejected(
    empty_sql: SqlConnection, empty_database_url: str
) -> None:
    """A process of an earlier version does not apply its own definitions."""
    await migrate(empty_database_url)
    await empty_sql.execute("UPDATE schema_definitions SET revision = revision + 1")
    with pytest.raises(MigrationError, match="later version"):
        await migrate(empty_database_url)


async def test_concurrent_runs_replace_definitions_once(
    empty_sql: SqlConnection, empty_database_url: str
) -> None:
    """They wait for each other."""
    await migrate(empty_database_url)
    definitions = [*read_definitions(), _EXTRA_DEFINITION]
    await asyncio.gather(*(migrate(empty_database_url, expected_definitions=definitions) for _ in range(5)))
    apply_times = await empty_sql.fetch("SELECT DISTINCT applied_at FROM schema_definitions")
    assert len(apply_times) == 1
