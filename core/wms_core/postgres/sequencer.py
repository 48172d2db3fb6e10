"""Moves committed events from the outbox into the log and gives each its position (docs/adr/0004).

One loop runs in every server process; an advisory lock lets one at a time work. It needs no leader, so the
history of an order is whole with the server alone.
"""

import asyncio
import time

import structlog

from wms_core.domain.errors import ConcurrentChange, WmsError
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.errors import DRIVER
from wms_core.postgres.queries import query

BATCH = 5_000
#: Seconds between two looks, after some events and after a fault. A look is one trip to Postgres, and a
#: commit when it finds something: one after each event of a lone caller costs as much as the call.
_BUSY, _DOWN = 0.01, 1.0
#: Those of one that finds nothing, by and by; and of one beside which another looks.
IDLE, STANDING_BY = 0.1, 1.0
#: Bytes above which the outbox gives its room back, and the rows that may be moved while it is closed.
LARGE, REST = 64 * 1024 * 1024, 1_000
#: Positions after which the partitions of the log are looked after.
_STRETCH = 100_000
_ACQUIRE_SECONDS = 5.0  # that a connection is waited for
_ROTATION, _LONGEST = 1.0, 60.0  # seconds between two looks at its size; they double while it is refused
_log = structlog.get_logger(__name__)


class Sequencer:
    """Runs until it is cancelled; a fault of the database is waited out."""

    def __init__(self, database: PostgresDatabase, idle: float = IDLE) -> None:
        """Use connections of the database's pool; look that seldom, in seconds, when there is nothing."""
        self._database = database
        self._idle = idle
        # A database that was restored may be at the end of its last partition.
        self._near_the_end = True
        self._newest = 0
        self._pause = _ROTATION
        self._rotation_due = 0.0

    async def run(self) -> None:
        """Move events for ever, faster when there are many.

        A pause between two of them is no reason to fall asleep: where some came, more will come soon.
        """
        pause = self._idle
        while True:
            try:
                moved = await self.move()
                if moved < REST and time.monotonic() > self._rotation_due:
                    await self.rotate()
                pause = self._rest(moved, pause)
            except (WmsError, *DRIVER) as error:
                _log.warning("sequencer_waits", error=type(error.__cause__ or error).__name__)
                pause = _DOWN
            await asyncio.sleep(pause)

    def _rest(self, moved: int, last: float) -> float:
        if moved == BATCH:
            return 0.0
        return _BUSY if moved else min(2 * max(last, _BUSY), self._idle)

    async def move(self) -> int:
        """Move one batch; 0 when there is nothing, or when another process is at it."""
        async with self._database.connection(within=_ACQUIRE_SECONDS) as connection:
            row = await connection.fetchrow(query("events.sequence"), BATCH, self._near_the_end)
        assert row is not None
        if row["moved"] is None:
            return 0
        # New partitions come long before they are needed, whoever gives positions.
        self._near_the_end = row["newest"] // _STRETCH != self._newest // _STRETCH
        self._newest = row["newest"]
        return int(row["moved"])

    async def rotate(self) -> bool:
        """Give the room of a large outbox back, also what a long transaction keeps from being cleared away.

        False when it is not large, or when it can't be closed at once: it is left alone then, for longer
        each time.
        """
        try:
            rotated = await self._rotated()
        except ConcurrentChange:
            self._pause = min(2 * self._pause, _LONGEST)
            _log.info("outbox_not_rotated", again_in=self._pause)
            rotated = False
        else:
            self._pause = _ROTATION
        self._rotation_due = time.monotonic() + self._pause
        return rotated

    async def _rotated(self) -> bool:
        async with self._database.connection(within=_ACQUIRE_SECONDS) as connection, connection.transaction():
            if not await connection.fetchval(query("events.try_lock")):
                return False
            size = await connection.fetchval(query("events.outbox_size"))
            if size <= LARGE:
                return False
            await connection.execute(query("events.lock_briefly"))
            await connection.execute(query("events.close_outbox"))
            # A statement of its own: it sees all that was written before the outbox was closed.
            moved = await connection.fetchval(query("events.sequence"), REST, False)
            if moved == REST or moved is None:
                return False
            await connection.execute(query("events.empty_outbox"))
            _log.info("outbox_rotated", bytes=size, moved=moved)
            return True
