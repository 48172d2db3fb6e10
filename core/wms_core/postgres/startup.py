"""Prepare the database at the start of a process: wait for it, migrate it, read its clock."""

import asyncio
import random
import time

import asyncpg
import structlog

from wms_core.postgres.clock_sync import sync_clock
from wms_core.postgres.database_url import parse_database_url
from wms_core.postgres.errors import DRIVER_ERRORS, preserve_cancellation
from wms_core.postgres.migrate import migrate
from wms_core.postgres.named_queries import query
from wms_core.runtime.logging_setup import describe_error

_MAX_RETRY_DELAY_SECONDS = 1.0
#: Interval after which the same reason is logged again.
_REPEAT_LOG_SECONDS = 30.0
_log = structlog.get_logger(__name__)


class DatabaseUnusable(Exception):
    """The database of DATABASE_URL cannot be used, and a retry will not help."""


async def prepare_database(url: str, default_warehouse_id: str) -> None:
    """Migrate the schema, create the default warehouse and read the clock.

    The function waits for the database without a limit, also while a password or a grant is wrong; the log
    has the reason.

    Raises:
        MigrationError: the schema cannot be migrated.
        DatabaseUnusable: the URL is wrong.
    """
    wait_reasons = _WaitReasonLog()
    retry_delay_seconds = 0.2
    while True:
        try:
            with preserve_cancellation():
                applied_migrations = await migrate(url)
                await _create_default_warehouse(url, default_warehouse_id)
        except asyncpg.ClientConfigurationError as error:
            raise DatabaseUnusable(
                f"the database of DATABASE_URL can't be used ({describe_error(error)})"
            ) from None
        except DRIVER_ERRORS as error:
            wait_reasons.log_reason(describe_error(error))
            await asyncio.sleep(retry_delay_seconds * random.uniform(0.5, 1))  # noqa: S311 # jitter, no secret
            retry_delay_seconds = min(retry_delay_seconds * 2, _MAX_RETRY_DELAY_SECONDS)
        else:
            _log.info(
                "schema_ready", applied=[applied_migration.name for applied_migration in applied_migrations]
            )
            return


class _WaitReasonLog:
    """Log why the process waits for the database: each reason once, then every 30 s."""

    def __init__(self) -> None:
        self._logged_at_by_reason: dict[str, float] = {}

    def log_reason(self, reason: str) -> None:
        now = time.monotonic()
        if now > self._logged_at_by_reason.get(reason, -_REPEAT_LOG_SECONDS) + _REPEAT_LOG_SECONDS:
            self._logged_at_by_reason[reason] = now
            _log.warning("waiting_for_database", variable="DATABASE_URL", error=reason)


async def _create_default_warehouse(url: str, warehouse_id: str) -> None:
    connection = await parse_database_url(url).open_connection(5, statement_cache_size=0)
    try:
        await connection.execute(query("storage.insert_warehouse"), warehouse_id)
        await sync_clock(connection)
    finally:
        await connection.close(timeout=5)
