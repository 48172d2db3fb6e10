"""Keeps the clock of this process in step with Postgres's, and says when its wall clock differs."""

import asyncio

import asyncpg
import structlog

from wms_core.clock import CLOCK
from wms_core.domain.errors import WmsError
from wms_core.postgres.connection import Connection
from wms_core.postgres.database import PostgresDatabase

_PERIOD_SECONDS = 1.0
_log = structlog.get_logger(__name__)


async def keep_time(database: PostgresDatabase) -> None:
    """Read Postgres's clock again and again, until cancelled; while it can't be read, time goes on."""
    told = ""
    while True:
        try:
            async with database.connection() as connection:
                await read_clock(connection)
        except WmsError as error:
            _log.debug("clock_not_read", error=str(error))
        if (fault := CLOCK.fault) and not told:
            _log.warning("clock_is_wrong", reason=fault, skew_seconds=CLOCK.skew_seconds)
        elif told and not fault:
            _log.info("clock_is_right", skew_seconds=CLOCK.skew_seconds)
        told = fault
        await asyncio.sleep(_PERIOD_SECONDS)


async def read_clock(connection: "Connection | asyncpg.Connection[asyncpg.Record]") -> None:
    """Correct the clock of this process by Postgres's."""
    await CLOCK.sample(lambda: connection.fetchval("SELECT clock_timestamp()"))
