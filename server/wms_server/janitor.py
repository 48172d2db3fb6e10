"""Removes what was kept for long enough: answers, and events by the million; adds up what was counted."""

import asyncio
from datetime import timedelta

import structlog

from wms_core.application.ports import Database
from wms_core.domain.errors import WmsError
from wms_core.logs import in_words
from wms_core.postgres.errors import DRIVER

_BATCH = 1_000
_PAUSE = 60.0  # seconds between two rounds
_COUNTS = 10_000
_FOLDING_PAUSE = 5.0
_log = structlog.get_logger(__name__)


async def forget_answers(database: Database, kept: timedelta) -> None:
    """Remove old answers for ever, in small batches; a fault of the database is waited out."""
    while True:
        try:
            removed = await database.transact(lambda transaction: transaction.requests.forget(kept, _BATCH))
        except (WmsError, *DRIVER) as error:
            _log.warning("janitor_waits", error=in_words(error))
            removed = 0
        if removed < _BATCH:
            await asyncio.sleep(_PAUSE)


async def forget_events(database: Database, kept: timedelta) -> None:
    """Drop old partitions of the event log for ever; long readers and faults are waited out."""
    while True:
        try:
            dropped = await database.transact(lambda transaction: transaction.events.drop_oldest(kept))
        except (WmsError, *DRIVER) as error:
            _log.warning("janitor_waits", error=in_words(error))
            dropped = None
        if dropped is None:
            await asyncio.sleep(_PAUSE)
        else:
            _log.info("events_dropped", partition=dropped)


async def fold_counts(database: Database) -> None:
    """Keep the rows few by which the dead letter queue is counted; a fault of the database is waited out."""
    while True:
        try:
            folded = await database.transact(lambda it: it.dead_letters.fold_counts(_COUNTS))
        except (WmsError, *DRIVER) as error:
            _log.warning("janitor_waits", error=in_words(error))
            folded = 0
        if folded < _COUNTS:
            await asyncio.sleep(_FOLDING_PAUSE)
