"""Count the events of the log by position while this replica is active."""

import asyncio

import structlog

from wms_core.application.database import Database
from wms_core.domain.backlog_metrics import EventCounts
from wms_core.domain.errors import WmsError
from wms_core.runtime.logging_setup import describe_error
from wms_worker.observability.metrics import WorkerMetrics

MAX_BATCH_EVENTS = 5_000
_BUSY_POLL_SECONDS, _IDLE_POLL_SECONDS = 0.05, 1.0
#: Time by which the first read may delay a tenure.
_START_TIMEOUT_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class EventMetricsConsumer:
    """Count events from the end of the log on; an earlier leader counted the events before."""

    def __init__(self, database: Database, worker_metrics: WorkerMetrics) -> None:
        self._database = database
        self._worker_metrics = worker_metrics
        self._position: int | None = None

    async def start_at_log_end(self) -> None:
        """Read the position of the newest event. If that fails or takes long, `run` does it later."""
        try:
            # asyncio.wait_for in Python 3.11 may swallow the cancellation that ends the worker.
            async with asyncio.timeout(_START_TIMEOUT_SECONDS):
                await self.poll()
        except Exception as error:
            # An error of the metrics must not stop the fulfillment.
            _log.warning("event_metrics_read_failed", error=describe_error(error))

    async def run(self) -> None:
        """Count events until cancelled; log errors and retry."""
        while True:
            read_count = 0
            try:
                read_count = await self.poll()
            except WmsError as error:
                _log.debug("event_metrics_read_failed", error=str(error))
            except Exception:
                # An error of the metrics must not stop the fulfillment.
                _log.exception("event_metrics_read_failed")
            await asyncio.sleep(_BUSY_POLL_SECONDS if read_count == MAX_BATCH_EVENTS else _IDLE_POLL_SECONDS)

    async def poll(self) -> int:
        """Count at most one batch of events since the last poll; return their number."""
        if self._position is None:
            self._position = await self._database.read(
                lambda transaction: transaction.backlog_metrics.read_newest_position()
            )
            return 0
        event_counts = await self._count_events(self._position)
        self._position = event_counts.position
        self._worker_metrics.record_events(event_counts)
        return event_counts.event_count

    async def _count_events(self, position: int) -> EventCounts:
        return await self._database.read(
            lambda transaction: transaction.backlog_metrics.count_events(position, MAX_BATCH_EVENTS)
        )
