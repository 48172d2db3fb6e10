"""Ticks of the worker, by the real scheduler."""

import asyncio
import time
from datetime import timedelta

import pytest

from tests.support.waiting import Stopwatch, eventually
from wms_worker.scheduler import ticking

SHORT = timedelta(milliseconds=20)
LONG = timedelta(seconds=30)


class _Work:
    """Counts its runs and how many are at a time; each takes as long as it is told, or until released."""

    def __init__(self, seconds: float = 0.0, *, until_released: bool = False) -> None:
        self.seconds = seconds
        self.released = asyncio.Event()
        if not until_released:
            self.released.set()
        self.begun = self.ended = self.cancelled = self.most_at_once = 0

    async def __call__(self) -> None:
        self.begun += 1
        self.most_at_once = max(self.most_at_once, self.begun - self.ended - self.cancelled)
        try:
            await asyncio.sleep(self.seconds)
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.ended += 1

    async def has_begun(self, times: int = 1) -> bool:
        """Say whether it has begun so often."""
        return self.begun >= times


async def test_the_first_tick_comes_at_once() -> None:
    """A replica that has just become active does not wait for an interval."""
    work = _Work()
    async with ticking(work, LONG, LONG):
        await eventually(work.has_begun, within=1)
    assert work.begun == 1


async def test_ticks_come_again_each_interval() -> None:
    """As long as the replica is active."""
    work = _Work()
    async with ticking(work, SHORT, LONG):
        await eventually(lambda: work.has_begun(5), within=5)


async def test_two_ticks_never_run_at_a_time() -> None:
    """A tick that takes longer than the interval is followed by the next one, not joined by it."""
    work = _Work(0.07)
    async with ticking(work, SHORT, LONG):
        await eventually(lambda: work.has_begun(4), within=5)
    assert work.most_at_once == 1


async def test_ticks_that_were_missed_are_one() -> None:
    """After a while in which the process did nothing there is one tick, not one for each interval."""
    work = _Work()
    async with ticking(work, timedelta(milliseconds=200), LONG):
        await eventually(work.has_begun)
        time.sleep(1.0)  # noqa: ASYNC251 # the process is to hang for five intervals
        before, woken = work.begun, time.monotonic()
        await eventually(lambda: work.has_begun(before + 1))
        assert work.begun - before <= 1 + (time.monotonic() - woken) / 0.2


async def test_a_tick_that_fails_is_followed_by_the_next() -> None:
    """No failure ends the ticking."""
    begun = 0

    async def fails() -> None:
        nonlocal begun
        begun += 1
        raise RuntimeError("broken")

    async def again() -> bool:
        return begun >= 3

    async with ticking(fails, SHORT, LONG):
        await eventually(again, within=5)


async def test_at_the_end_the_tick_at_work_is_finished() -> None:
    """It is waited for, and no other one begins."""
    work = _Work(until_released=True)
    async with ticking(work, SHORT, LONG):
        await eventually(work.has_begun)
        asyncio.get_running_loop().call_later(0.2, work.released.set)
    assert (work.begun, work.ended, work.cancelled) == (1, 1, 0)
    await asyncio.sleep(0.1)
    assert work.begun == 1


async def test_a_tick_that_outlasts_the_grace_is_cancelled() -> None:
    """The end does not wait for ever."""
    work = _Work(60)
    watch = Stopwatch()
    async with ticking(work, SHORT, timedelta(milliseconds=100)):
        await eventually(work.has_begun)
    assert watch.seconds < 2

    async def cancelled() -> bool:
        return work.cancelled == 1

    await eventually(cancelled, within=1)


async def test_a_body_that_fails_is_told_after_the_tick_has_ended() -> None:
    """The fault comes out as it is, and nothing goes on behind it."""
    work = _Work(until_released=True)
    with pytest.raises(ValueError, match="body"):  # noqa: PT012 # the body is what fails
        async with ticking(work, SHORT, LONG):
            await eventually(work.has_begun)
            asyncio.get_running_loop().call_later(0.1, work.released.set)
            raise ValueError("body")
    assert work.ended == 1
