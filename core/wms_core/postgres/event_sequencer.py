"""Move committed events from the outbox into the event log and assign positions (docs/adr/0004).

A loop runs in every server process, and an advisory lock admits one at a time. No leader is needed, so the
event log is complete without a worker.
"""

import asyncio
import time

import structlog

from wms_core.domain.errors import ConcurrentChange, WmsError
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.errors import DRIVER_ERRORS
from wms_core.postgres.named_queries import query

MAX_BATCH_EVENTS = 5_000
#: Poll interval after a poll with events, and the delay after an error. A poll is one round trip, and a
#: commit if there are events: a poll per event of a single caller costs as much as the call itself.
_BUSY_POLL_SECONDS, _ERROR_DELAY_SECONDS = 0.01, 1.0
#: Longest poll interval without events, and the poll interval while another process is the sequencer.
IDLE_POLL_SECONDS, STANDBY_POLL_SECONDS = 0.1, 1.0
#: The outbox is truncated above this size. At most this many events are moved while it is locked.
LARGE_OUTBOX_BYTES, MAX_ROTATION_EVENTS = 64 * 1024 * 1024, 1_000
#: The partitions of the log are checked after this many positions.
_PARTITION_CHECK_POSITIONS = 100_000
_ACQUIRE_TIMEOUT_SECONDS = 5.0
#: Interval of the size check of the outbox, which doubles up to the maximum while the lock is not granted.
_ROTATION_CHECK_SECONDS, _MAX_ROTATION_DELAY_SECONDS = 1.0, 60.0
_log = structlog.get_logger(__name__)


class EventSequencer:
    """Run until cancelled; retry after errors of the database."""

    def __init__(self, database: PostgresDatabase, idle_poll_seconds: float = IDLE_POLL_SECONDS) -> None:
        self._database = database
        self._idle_poll_seconds = idle_poll_seconds
        # A restored database may be at the end of its last partition.
        self._should_extend_log = True
        self._newest_position = 0
        self._rotation_delay_seconds = _ROTATION_CHECK_SECONDS
        self._next_rotation_at = 0.0

    async def run(self) -> None:
        """Move events until cancelled, with a shorter delay the more events there are.

        The delay grows step by step after the last event, because more events usually follow soon.
        """
        delay_seconds = self._idle_poll_seconds
        while True:
            try:
                sequenced_count = await self.sequence_batch()
                if sequenced_count < MAX_ROTATION_EVENTS and time.monotonic() > self._next_rotation_at:
                    await self.truncate_large_outbox()
                delay_seconds = self._choose_delay(sequenced_count, delay_seconds)
            except (WmsError, *DRIVER_ERRORS) as error:
                _log.warning("sequencer_failed", error=type(error.__cause__ or error).__name__)
                delay_seconds = _ERROR_DELAY_SECONDS
            await asyncio.sleep(delay_seconds)

    def _choose_delay(self, sequenced_count: int, last_delay_seconds: float) -> float:
        if sequenced_count == MAX_BATCH_EVENTS:
            return 0.0
        return (
            _BUSY_POLL_SECONDS
            if sequenced_count
            else min(2 * max(last_delay_seconds, _BUSY_POLL_SECONDS), self._idle_poll_seconds)
        )

    async def sequence_batch(self) -> int:
        """Move one batch and return its size; 0 without events or while another process sequences."""
        async with self._database.acquire_connection(
            acquire_timeout_seconds=_ACQUIRE_TIMEOUT_SECONDS
        ) as connection:
            row = await connection.fetchrow(
                query("events.sequence_events"), MAX_BATCH_EVENTS, self._should_extend_log
            )
        assert row is not None
        if row["moved_count"] is None:
            return 0
        # Partitions are created long before they are needed, also if other transactions assign positions.
        self._should_extend_log = (
            row["newest_position"] // _PARTITION_CHECK_POSITIONS
            != self._newest_position // _PARTITION_CHECK_POSITIONS
        )
        self._newest_position = row["newest_position"]
        return int(row["moved_count"])

    async def truncate_large_outbox(self) -> bool:
        """Truncate a large outbox, which frees also the space that a long transaction keeps from vacuum.

        Return False if the outbox is not large or its lock is not granted immediately. The delay to the next
        attempt doubles each time.
        """
        try:
            is_truncated = await self._truncate_outbox()
        except ConcurrentChange:
            self._rotation_delay_seconds = min(2 * self._rotation_delay_seconds, _MAX_ROTATION_DELAY_SECONDS)
            _log.info("outbox_truncation_failed", again_in=self._rotation_delay_seconds)
            is_truncated = False
        else:
            self._rotation_delay_seconds = _ROTATION_CHECK_SECONDS
        self._next_rotation_at = time.monotonic() + self._rotation_delay_seconds
        return is_truncated

    async def _truncate_outbox(self) -> bool:
        async with (
            self._database.acquire_connection(acquire_timeout_seconds=_ACQUIRE_TIMEOUT_SECONDS) as connection,
            connection.transaction(),
        ):
            if not await connection.fetchval(query("events.try_lock_sequencer")):
                return False
            outbox_bytes = await connection.fetchval(query("events.get_outbox_size"))
            if outbox_bytes <= LARGE_OUTBOX_BYTES:
                return False
            await connection.execute(query("events.limit_lock_wait"))
            await connection.execute(query("events.lock_outbox"))
            # A separate statement, whose snapshot sees all rows that were written before the lock.
            sequenced_count = await connection.fetchval(
                query("events.sequence_events"), MAX_ROTATION_EVENTS, False
            )
            if sequenced_count == MAX_ROTATION_EVENTS or sequenced_count is None:
                return False
            await connection.execute(query("events.truncate_outbox"))
            _log.info("outbox_truncated", bytes=outbox_bytes, moved=sequenced_count)
            return True
