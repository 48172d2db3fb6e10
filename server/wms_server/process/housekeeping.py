"""Housekeeping: deletes expired responses and old events, and compacts counters."""

import asyncio
from datetime import timedelta

import structlog

from wms_core.application.database import Database
from wms_core.domain.errors import WmsError
from wms_core.postgres.errors import DRIVER_ERRORS
from wms_core.runtime.logging_setup import describe_error

_DELETE_BATCH_ROWS = 1_000
_DELETE_INTERVAL_SECONDS = 60.0  # seconds between two rounds
_COMPACT_BATCH_ROWS = 10_000
_COMPACT_INTERVAL_SECONDS = 5.0
_log = structlog.get_logger(__name__)


async def delete_expired_responses(database: Database, retention_period: timedelta) -> None:
    """Delete expired responses in small batches, until cancelled; database errors are retried."""
    while True:
        try:
            deleted_count = await database.run_in_transaction(
                lambda transaction: transaction.idempotency_keys.delete_expired(
                    retention_period, _DELETE_BATCH_ROWS
                )
            )
        except (WmsError, *DRIVER_ERRORS) as error:
            _log.warning("housekeeping_retry", error=describe_error(error))
            deleted_count = 0
        if deleted_count < _DELETE_BATCH_ROWS:
            await asyncio.sleep(_DELETE_INTERVAL_SECONDS)


async def delete_expired_events(database: Database, retention_period: timedelta) -> None:
    """Drop old partitions of the event log, until cancelled; locks and database errors are retried."""
    while True:
        try:
            dropped_partition = await database.run_in_transaction(
                lambda transaction: transaction.event_log.drop_oldest_partition(retention_period)
            )
        except (WmsError, *DRIVER_ERRORS) as error:
            _log.warning("housekeeping_retry", error=describe_error(error))
            dropped_partition = None
        if dropped_partition is None:
            await asyncio.sleep(_DELETE_INTERVAL_SECONDS)
        else:
            _log.info("events_dropped", partition=dropped_partition)


async def compact_counters(database: Database) -> None:
    """Compact the counter rows of the dead letter queue, until cancelled; database errors are retried."""
    while True:
        try:
            compacted_count = await database.run_in_transaction(
                lambda transaction: transaction.dead_letters.compact_counters(_COMPACT_BATCH_ROWS)
            )
        except (WmsError, *DRIVER_ERRORS) as error:
            _log.warning("housekeeping_retry", error=describe_error(error))
            compacted_count = 0
        if compacted_count < _COMPACT_BATCH_ROWS:
            await asyncio.sleep(_COMPACT_INTERVAL_SECONDS)
