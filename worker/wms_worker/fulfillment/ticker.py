"""Run a task at fixed intervals. Only this module imports APScheduler.

APScheduler uses the wall clock. If the clock is set back by an hour, the next tick comes an hour late. If it
is set ahead, APScheduler lists each tick that it considers missed. This module therefore compares the wall
clock with the monotonic clock, wakes the scheduler after each step of the clock, and skips missed ticks.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from wms_core.runtime.background_tasks import background_task

#: Interval of the clock comparison, and the smallest difference that counts as a step of the clock.
_CLOCK_COMPARISON_SECONDS, _CLOCK_STEP_SECONDS = 0.25, 0.5


class _CoalescingIntervalTrigger(BaseTrigger):
    """Fire once per interval. APScheduler's own interval trigger lists each missed time, days of them."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the previous time plus the interval, or now plus the interval if that has passed."""
        next_fire_time = (previous_fire_time or now) + self._interval
        return next_fire_time if next_fire_time > now else now + self._interval


class CycleTicker:
    """Run a task repeatedly, one run at a time."""

    def __init__(self, run_task: Callable[[], Awaitable[None]]) -> None:
        self._run_task = run_task
        self._should_run_again = False
        self._idle_event = asyncio.Event()
        self._idle_event.set()
        self.wake_scheduler: Callable[[], None] = lambda: None

    async def run_tick(self) -> None:
        """Run the task, and once more if a tick was requested during the run."""
        self._idle_event.clear()
        try:
            self._should_run_again = True
            while self._should_run_again:
                self._should_run_again = False
                await self._run_task()
        finally:
            self._idle_event.set()

    def request_tick(self) -> None:
        """Run the task immediately, or once more after the current run."""
        if self._idle_event.is_set():
            self.wake_scheduler()
        else:
            self._should_run_again = True

    async def wait_until_idle(self, timeout_seconds: float) -> None:
        """Wait until the task does not run, for at most `timeout_seconds`."""
        self._should_run_again = False
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._idle_event.wait()
        except TimeoutError:
            return


@asynccontextmanager
async def open_ticker(
    run_task: Callable[[], Awaitable[None]], interval: timedelta, grace_period: timedelta
) -> AsyncIterator[CycleTicker]:
    """Run a task now and at each interval, and yield its ticker.

    Steps of the wall clock do not delay ticks, and several missed ticks become one. On exit no tick starts
    any more, and the running task has `grace_period` to finish. (APScheduler's own shutdown cancels it.)
    """
    cycle_ticker = CycleTicker(run_task)
    async_scheduler = AsyncIOScheduler(
        executors={"default": AsyncIOExecutor()},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=UTC,
    )
    scheduled_job = async_scheduler.add_job(
        cycle_ticker.run_tick, _CoalescingIntervalTrigger(interval), next_run_time=datetime.now(UTC)
    )
    cycle_ticker.wake_scheduler = lambda: scheduled_job.modify(next_run_time=datetime.now(UTC))
    async_scheduler.start()
    try:
        async with background_task(_call_after_clock_steps(cycle_ticker.wake_scheduler)):
            yield cycle_ticker
    finally:
        async_scheduler.pause()
        try:
            await cycle_ticker.wait_until_idle(grace_period.total_seconds())
        finally:
            async_scheduler.shutdown(wait=False)


async def _call_after_clock_steps(wake_scheduler: Callable[[], None]) -> None:
    """Call `wake_scheduler` after each step of the wall clock against the monotonic clock."""
    clock_offset_seconds = time.time() - time.monotonic()
    while True:
        await asyncio.sleep(_CLOCK_COMPARISON_SECONDS)
        new_offset_seconds = time.time() - time.monotonic()
        if abs(new_offset_seconds - clock_offset_seconds) > _CLOCK_STEP_SECONDS:
            clock_offset_seconds = new_offset_seconds
            wake_scheduler()
