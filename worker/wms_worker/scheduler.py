"""Ticks: the only module that knows APScheduler."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler


class Ticker:
    """Work that is done again and again, never twice at a time."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        """Use `ticking` instead."""
        self._work = work
        self._again = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.at_once: Callable[[], None] = lambda: None

    async def tick(self) -> None:
        """Do the work, and once more if somebody asked for it meanwhile."""
        self._idle.clear()
        try:
            self._again = True
            while self._again:
                self._again = False
                await self._work()
        finally:
            self._idle.set()

    def now(self) -> None:
        """Ask for the work to be done at once, or once more after the one that is being done."""
        if self._idle.is_set():
            self.at_once()
        else:
            self._again = True

    async def rest(self, within: float) -> None:
        """Wait until no work is done, for that many seconds at most."""
        self._again = False
        try:
            async with asyncio.timeout(within):
                await self._idle.wait()
        except TimeoutError:
            return


@asynccontextmanager
async def ticking(
    work: Callable[[], Awaitable[None]], interval: timedelta, grace: timedelta
) -> AsyncIterator[Ticker]:
    """Do work now and then again each interval; ticks that were missed are one.

    At the end no tick begins any more and the one at work is waited for, for `grace`. (APScheduler's own
    shutdown would cancel it.)
    """
    ticker = Ticker(work)
    scheduler = AsyncIOScheduler(
        executors={"default": AsyncIOExecutor()},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=UTC,
    )
    job = scheduler.add_job(
        ticker.tick, "interval", seconds=interval.total_seconds(), next_run_time=datetime.now(UTC)
    )
    ticker.at_once = lambda: job.modify(next_run_time=datetime.now(UTC))
    scheduler.start()
    try:
        yield ticker
    finally:
        scheduler.pause()
        try:
            await ticker.rest(grace.total_seconds())
        finally:
            scheduler.shutdown(wait=False)
