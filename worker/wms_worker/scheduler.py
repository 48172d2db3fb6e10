"""Ticks: the only module that knows APScheduler.

APScheduler goes by the wall clock. When that is set back, the next tick is as far away as it was set; when it
is set ahead, APScheduler names each tick that it takes for missed. So the wall clock is compared with the
monotonic one all the time and the scheduler woken after each step, and missed ticks are left out.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from wms_core.tasks import running

#: Seconds between two comparisons of the clocks, and the least difference that is taken for a step.
_COMPARISON_SECONDS, _STEP_SECONDS = 0.25, 0.5


class _Every(BaseTrigger):
    """Fires each interval; its own interval trigger would name each time that was missed, days of them."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the time after the one before, or an interval from now when that has passed."""
        following = (previous_fire_time or now) + self._interval
        return following if following > now else now + self._interval


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
    """Do work now and then again each interval, also when the wall clock is set; missed ticks are one.

    At the end no tick begins any more and the one at work is waited for, for `grace`. (APScheduler's own
    shutdown would cancel it.)
    """
    ticker = Ticker(work)
    scheduler = AsyncIOScheduler(
        executors={"default": AsyncIOExecutor()},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=UTC,
    )
    job = scheduler.add_job(ticker.tick, _Every(interval), next_run_time=datetime.now(UTC))
    ticker.at_once = lambda: job.modify(next_run_time=datetime.now(UTC))
    scheduler.start()
    try:
        async with running(_call_after_steps(ticker.at_once)):
            yield ticker
    finally:
        scheduler.pause()
        try:
            await ticker.rest(grace.total_seconds())
        finally:
            scheduler.shutdown(wait=False)


async def _call_after_steps(wake: Callable[[], None]) -> None:
    """Call `wake` whenever the wall clock has left the monotonic one behind, or has fallen behind it."""
    ahead = time.time() - time.monotonic()
    while True:
        await asyncio.sleep(_COMPARISON_SECONDS)
        now_ahead = time.time() - time.monotonic()
        if abs(now_ahead - ahead) > _STEP_SECONDS:
            ahead = now_ahead
            wake()
