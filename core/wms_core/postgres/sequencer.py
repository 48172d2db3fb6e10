"""Moves committed events from the outbox into the log and gives each its position (docs/adr/0004).

One loop runs in every server process; an advisory lock lets one at a time work. It needs no leader, so the
history of an order is whole with the server alone.
"""

import asyncio

import structlog

from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.errors import DRIVER
from wms_core.postgres.queries import query

BATCH = 5_000
_BUSY, _IDLE, _DOWN = 0.002, 0.1, 1.0  # seconds between two looks; idle by and by
_log = structlog.get_logger(__name__)


class Sequencer:
    """Runs until it is cancelled; a fault of the database is waited out."""

    def __init__(self, database: PostgresDatabase) -> None:
        """Use connections of the database's pool."""
        self._pool = database.pool
        self._position = 0
        self._looked_ahead = False

    async def run(self) -> None:
        """Move events for ever, faster when there are many.

        A pause between two of them is no reason to fall asleep: where some came, more will come soon.
        """
        pause = _IDLE
        while True:
            try:
                pause = _BUSY if await self.move() else min(2 * pause, _IDLE)
            except DRIVER as error:
                _log.warning("sequencer_waits", error=type(error).__name__)
                pause = _DOWN
            await asyncio.sleep(pause)

    async def move(self) -> int:
        """Move one batch; 0 when there is nothing, or when another process is at it."""
        async with self._pool.acquire(timeout=5) as connection, connection.transaction():
            # A statement of its own: the rows are read by a snapshot taken when the lock is ours.
            if not await connection.fetchval(query("events.try_lock")):
                return 0
            if not self._looked_ahead:
                # A database that was restored may be at the end of its last partition.
                await connection.execute(query("events.extend"))
                self._looked_ahead = True
            row = await connection.fetchrow(query("events.sequence"), BATCH)
            if row is None or not row["moved"]:
                return 0
            if row["newest"] // 100_000 != self._position // 100_000:
                await connection.execute(query("events.extend"))
            self._position = row["newest"]
            moved: int = row["moved"]
            return moved
