"""What a process does before it works: wait for the database, bring the schema up to date."""

import asyncio
import random

import asyncpg
import structlog

from wms_core.logs import in_words
from wms_core.postgres.errors import DRIVER, cancellations_kept, translate
from wms_core.postgres.migrate import migrate
from wms_core.postgres.queries import query

#: A wrong URL, password, user or database, or a user that may not make the schema.
_REFUSALS = (
    asyncpg.ClientConfigurationError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
_log = structlog.get_logger(__name__)


class DatabaseRefused(Exception):
    """The database can't be used as DATABASE_URL says, and waiting would not help."""


async def prepare(url: str, default_warehouse_id: str) -> None:
    """Migrate and make the default warehouse exist, trying again for as long as the database is away.

    Raises MigrationError when the schema can't be brought up to date, DatabaseRefused.
    """
    wait = 0.2
    while True:
        try:
            with cancellations_kept():
                applied = await migrate(url)
                await _make_warehouse(url, default_warehouse_id)
        except _REFUSALS as error:
            reason = in_words(error)
            raise DatabaseRefused(f"the database of DATABASE_URL can't be used ({reason})") from None
        except DRIVER as error:
            if translate(error, connection_closed=True) is None:
                raise
            _log.warning("waiting_for_database", error=in_words(error))
            await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 # jitter, no secret
            wait = min(wait * 2, 2.0)
        else:
            _log.info("schema_ready", applied=[migration.name for migration in applied])
            return


async def _make_warehouse(url: str, warehouse_id: str) -> None:
    connection = await asyncpg.connect(url, timeout=5, statement_cache_size=0)
    try:
        await connection.execute(query("storage.put_warehouse"), warehouse_id)
    finally:
        await connection.close(timeout=5)
