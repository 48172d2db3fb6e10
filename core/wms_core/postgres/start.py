"""What a process does before it works: wait for the database, bring the schema up to date, read the time."""

import asyncio
import random
import time

import asyncpg
import structlog

from wms_core.logs import in_words
from wms_core.postgres.address import parse_database_url
from wms_core.postgres.errors import DRIVER, cancellations_kept
from wms_core.postgres.migrate import migrate
from wms_core.postgres.queries import query
from wms_core.postgres.timekeeping import read_clock

_LONGEST_PAUSE_SECONDS = 1.0
#: Seconds after which the same reason is logged again.
_SAID_AGAIN_SECONDS = 30.0
_log = structlog.get_logger(__name__)


class DatabaseRefused(Exception):
    """The database can't be used as DATABASE_URL says, and waiting would not help."""


async def prepare(url: str, default_warehouse_id: str) -> None:
    """Migrate, make the default warehouse exist, read the time; waits for the database as long as it takes.

    It waits as well for a password or a grant that is being changed: a log entry says what for. Raises
    MigrationError when the schema can't be brought up to date, and DatabaseRefused when it lies with the URL.
    """
    reasons = _Reasons()
    pause = 0.2
    while True:
        try:
            with cancellations_kept():
                applied = await migrate(url)
                await _make_warehouse(url, default_warehouse_id)
        except asyncpg.ClientConfigurationError as error:
            raise DatabaseRefused(f"the database of DATABASE_URL can't be used ({in_words(error)})") from None
        except DRIVER as error:
            reasons.say(in_words(error))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 # jitter, no secret
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        else:
            _log.info("schema_ready", applied=[migration.name for migration in applied])
            return


class _Reasons:
    """Logs why the database is waited for, once each and then now and again."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def say(self, reason: str) -> None:
        now = time.monotonic()
        if now > self._said.get(reason, -_SAID_AGAIN_SECONDS) + _SAID_AGAIN_SECONDS:
            self._said[reason] = now
            _log.warning("waiting_for_database", variable="DATABASE_URL", error=reason)


async def _make_warehouse(url: str, warehouse_id: str) -> None:
    connection = await parse_database_url(url).connect(5, statement_cache_size=0)
    try:
        await connection.execute(query("storage.put_warehouse"), warehouse_id)
        await read_clock(connection)
    finally:
        await connection.close(timeout=5)
