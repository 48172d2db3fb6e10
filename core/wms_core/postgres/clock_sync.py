"""Synchronize the clock of this process with Postgres, and log a skew of the wall clock."""

import asyncio

import asyncpg
import structlog

from wms_core.domain.errors import WmsError
from wms_core.postgres.connection import Connection
from wms_core.postgres.database import PostgresDatabase
from wms_core.runtime.clock import DATABASE_CLOCK

_SYNC_INTERVAL_SECONDS = 1.0
_log = structlog.get_logger(__name__)


async def run_clock_sync(database: PostgresDatabase) -> None:
    """Read the clock of Postgres every second until cancelled. The clock also runs without Postgres."""
    reported_error = ""
    while True:
        try:
            async with database.acquire_connection() as connection:
                await sync_clock(connection)
        except WmsError as error:
            _log.debug("clock_read_failed", error=str(error))
        if (skew_error := DATABASE_CLOCK.skew_error) and not reported_error:
            _log.warning("clock_is_wrong", reason=skew_error, skew_seconds=DATABASE_CLOCK.skew_seconds)
        elif reported_error and not skew_error:
            _log.info("clock_is_right", skew_seconds=DATABASE_CLOCK.skew_seconds)
        reported_error = skew_error
        await asyncio.sleep(_SYNC_INTERVAL_SECONDS)


async def sync_clock(connection: "Connection | asyncpg.Connection[asyncpg.Record]") -> None:
    """Correct the clock of this process by that of Postgres."""
    await DATABASE_CLOCK.sync_with_database(lambda: connection.fetchval("SELECT clock_timestamp()"))
