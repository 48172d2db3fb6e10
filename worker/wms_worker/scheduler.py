"""Ticks: the only module that knows APScheduler."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler


@asynccontextmanager
async def ticking(
    work: Callable[[], Awaitable[None]], interval: timedelta, grace: timedelta
) -> AsyncIterator[None]:
    """Run work now and then again each interval, never twice at a time; ticks that were missed are one.

    At the end no tick begins any more and the one at work is waited for, for `grace`. (APScheduler's own
    shutdown would cancel it.)
    """
    idle = asyncio.Event()
    idle.set()

    async def tick() -> None:
        idle.clear()
        try:
            await work()
        finally:
            idle.set()

    scheduler = AsyncIOScheduler(
        executors={"default": AsyncIOExecutor()},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=UTC,
    )
    scheduler.add_job(tick, "interval", seconds=interval.total_seconds(), next_run_time=datetime.now(UTC))
    scheduler.start()
    try:
        yield
    finally:
        scheduler.pause()
        try:
            await asyncio.wait_for(idle.wait(), grace.total_seconds())
        except TimeoutError:
            pass
        finally:
            scheduler.shutdown(wait=False)
