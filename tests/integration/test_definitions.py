"""Functions, triggers and views: applied again when a file changes, dropped when it is gone."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

from tests.support.invariants import Sql
from wms_core.postgres import definitions as module
from wms_core.postgres.definitions import ORDER, REVISION, Definition, definitions
from wms_core.postgres.migrate import Migration, MigrationError, migrate, migrations
from wms_dev.documents.catalog import read_catalog

pytestmark = pytest.mark.every_postgres

#: Of all files of revision `REVISION`, in their order.
SHA256 = "07221cb8fb85df0fa7805182d4403ce1437a68321c59bc886fa82f03a3429f2d"
_ONE = Definition("functions/one", "CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1'")


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[Sql]:
    """Give a connection to the database with nothing in it."""
    connection = await asyncpg.connect(empty_database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def _exists(connection: Sql, function: str) -> bool:
    found: bool = await connection.fetchval("SELECT to_regproc($1) IS NOT NULL", function)
    return found


@pytest.mark.one_postgres
def test_a_change_of_a_file_raises_the_revision() -> None:
    """Else a process of an earlier version would put its own back."""
    text = "\n".join(definition.sql for definition in definitions())
    found = hashlib.sha256(text.encode()).hexdigest()
    assert found == SHA256, f"raise REVISION in {module.__file__} and set SHA256 here to {found}"
    assert REVISION >= 1


@pytest.mark.one_postgres
def test_every_file_is_in_the_order() -> None:
    """One that is not would never be applied."""
    folder = Path(str(files("wms_core.postgres").joinpath("definitions")))
    found = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.sql")}
    assert found == set(ORDER)
    assert len(ORDER) == len(set(ORDER))


async def test_nothing_is_done_when_nothing_has_changed(empty: Sql, empty_database_url: str) -> None:
    """The second run leaves every object as it is."""
    await migrate(empty_database_url)
    before = await empty.fetch("SELECT oid, proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    await migrate(empty_database_url)
    after = await empty.fetch("SELECT oid, proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    assert before == after


async def test_what_is_new_is_created_what_is_changed_replaced_what_is_gone_dropped(
    empty: Sql, empty_database_url: str
) -> None:
    """Also with another result, which Postgres does not replace in place."""
    await migrate(empty_database_url, defined=[*definitions(), _ONE])
    assert await empty.fetchval("SELECT one()") == 1
    text = Definition(_ONE.name, "CREATE FUNCTION one() RETURNS text LANGUAGE sql AS $$SELECT 'one'$$")
    await migrate(empty_database_url, defined=[*definitions(), text])
    assert await empty.fetchval("SELECT one()") == "one"
    await migrate(empty_database_url)
    assert not await _exists(empty, "one")


async def test_a_database_that_was_changed_back_and_forth_is_as_a_fresh_one(
    empty: Sql, empty_database_url: str, database_url: str
) -> None:
    """Nothing of a replaced definition stays behind."""
    await migrate(empty_database_url, defined=[*definitions()[:6], _ONE])
    await migrate(empty_database_url)
    fresh = await asyncpg.connect(database_url)
    try:
        assert await read_catalog(empty) == await read_catalog(fresh)
    finally:
        await fresh.close()


async def test_a_file_that_fails_leaves_those_before(empty: Sql, empty_database_url: str) -> None:
    """A half of the new ones is never in force."""
    await migrate(empty_database_url, defined=[*definitions(), _ONE])
    before = await read_catalog(empty)
    wrong = Definition("functions/wrong", "CREATE FUNCTION wrong() RETURNS nothing_known LANGUAGE sql AS ''")
    with pytest.raises(asyncpg.UndefinedObjectError):
        await migrate(empty_database_url, defined=[*definitions()[:-1], wrong])
    assert await read_catalog(empty) == before


async def test_a_migration_may_drop_a_view_that_is_in_its_way(empty: Sql, empty_database_url: str) -> None:
    """Views are made again after it, with the columns that their tables have now."""
    await migrate(empty_database_url)
    number = len(migrations()) + 1
    sql = "DROP VIEW order_documents; ALTER TABLE orders ADD COLUMN added text"
    await migrate(empty_database_url, [*migrations(), Migration(number, f"{number:04}_added.sql", sql)])
    assert await empty.fetchval("SELECT count(added) FROM order_documents") == 0


async def test_definitions_of_a_later_version_are_refused(empty: Sql, empty_database_url: str) -> None:
    """A process of an earlier version does not put its own back."""
    await migrate(empty_database_url)
    await empty.execute("UPDATE schema_definitions SET revision = revision + 1")
    with pytest.raises(MigrationError, match="later version"):
        await migrate(empty_database_url)


async def test_runs_at_the_same_time_replace_them_once(empty: Sql, empty_database_url: str) -> None:
    """They wait for each other."""
    await migrate(empty_database_url)
    wanted = [*definitions(), _ONE]
    await asyncio.gather(*(migrate(empty_database_url, defined=wanted) for _ in range(5)))
    times = await empty.fetch("SELECT DISTINCT applied_at FROM schema_definitions")
    assert len(times) == 1
