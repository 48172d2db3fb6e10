"""Follows the event log by position while this replica is active, and counts what it tells."""

import asyncio

import structlog

from wms_core.application.ports import Database
from wms_core.domain.errors import WmsError
from wms_core.domain.levels import EventTally
from wms_core.logs import in_words
from wms_worker.metrics import Metrics

BATCH = 5_000
_BUSY, _IDLE = 0.05, 1.0  # seconds between two looks
_PATIENCE = 1.0  # seconds that a term waits for its beginning
_log = structlog.get_logger(__name__)


class EventFollower:
    """Counts from the newest event on; what was told before is the replica's that was active then."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        """Count in these metrics."""
        self._database = database
        self._metrics = metrics
        self._position: int | None = None

    async def begin(self) -> None:
        """Note where the log ends now; when that takes long, `run` does it. Raises nothing."""
        try:
            # Not wait_for: in Python 3.11 it may swallow the cancellation that ends the worker.
            async with asyncio.timeout(_PATIENCE):
                await self.look()
        except Exception as error:
            # Metrics never stop fulfillment.
            _log.warning("events_not_read", error=in_words(error))

    async def run(self) -> None:
        """Follow until cancelled; what goes wrong is said and tried again."""
        while True:
            read = 0
            try:
                read = await self.look()
            except WmsError as error:
                _log.debug("events_not_read", error=str(error))
            except Exception:
                # Metrics never stop fulfillment.
                _log.exception("events_not_read")
            await asyncio.sleep(_BUSY if read == BATCH else _IDLE)

    async def look(self) -> int:
        """Count the events since the last look, at most a batch; gives how many there were."""
        if self._position is None:
            self._position = await self._database.read(lambda t: t.metrics.newest_position())
            return 0
        tally = await self._tally(self._position)
        self._position = tally.position
        self._metrics.events_told(tally)
        return tally.events

    async def _tally(self, position: int) -> EventTally:
        return await self._database.read(lambda t: t.metrics.tally(position, BATCH))
