"""Ticks of the worker with the real scheduler."""

import asyncio
import time
from datetime import timedelta

import pytest

from tests.support.waiting import Stopwatch, eventually
from wms_worker.fulfillment.ticker import open_ticker

SHORT = timedelta(milliseconds=20)
LONG = timedelta(seconds=30)


class _RecordedTick:
    """Count runs and concurrent runs. Each run takes `seconds`, or lasts until it is released."""

    def __init__(self, seconds: float = 0.0, *, until_released: bool = False) -> None:
        self.seconds = seconds
        self.released = asyncio.Event()
        if not until_released:
            self.released.set()
        self.started = self.finished = self.cancelled = self.max_concurrent = 0

    async def __call__(self) -> None:
        self.started += 1
        self.max_concurrent = max(self.max_concurrent, self.started - self.finished - self.cancelled)
        try:
            await asyncio.sleep(self.seconds)
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.finished += 1

    async def has_started(self, times: int = 1) -> bool:
        """Return whether at least `times` runs have started."""
        return self.started >= times


async def test_the_first_tick_is_immediate() -> None:
    """A replica that has just become active does not wait for an interval."""
    tick = _RecordedTick()
    async with open_ticker(tick, LONG, LONG):
        await eventually(tick.has_started, within=1)
    assert tick.started == 1


async def test_ticks_repeat_each_interval() -> None:
    """As long as the replica is active."""
    tick = _RecordedTick()
    async with open_ticker(tick, SHORT, LONG):
        await eventually(lambda: tick.has_started(5), within=5)


async def test_ticks_never_overlap() -> None:
    """A tick that takes longer than the interval delays the next one."""
    tick = _RecordedTick(0.07)
    async with open_ticker(tick, SHORT, LONG):
        await eventually(lambda: tick.has_started(4), within=5)
    assert tick.max_concurrent == 1


async def test_missed_ticks_are_merged() -> None:
    """After the process hung for several intervals there is one tick, not one for each interval."""
    tick = _RecordedTick()
    async with open_ticker(tick, timedelta(milliseconds=200), LONG):
        await eventually(tick.has_started)
        time.sleep(1.0)  # noqa: ASYNC251 # the process is to hang for five intervals
        before, woken = tick.started, time.monotonic()
        await eventually(lambda: tick.has_started(before + 1))
        assert tick.started - before <= 1 + (time.monotonic() - woken) / 0.2


async def test_a_failing_tick_is_followed_by_the_next() -> None:
    """No failure ends the ticking."""
    started = 0

    async def fail() -> None:
        nonlocal started
        started += 1
        raise RuntimeError("broken")

    async def has_repeated() -> bool:
        return started >= 3

    async with open_ticker(fail, SHORT, LONG):
        await eventually(has_repeated, within=5)


async def test_the_running_tick_finishes_at_shutdown() -> None:
    """The ticker waits for it, and starts no other one."""
    tick = _RecordedTick(until_released=True)
    async with open_ticker(tick, SHORT, LONG):
        await eventually(tick.has_started)
        asyncio.get_running_loop().call_later(0.2, tick.released.set)
    assert (tick.started, tick.finished, tick.cancelled) == (1, 1, 0)
    await asyncio.sleep(0.1)
    assert tick.started == 1


async def test_a_tick_that_exceeds_the_grace_is_cancelled() -> None:
    """The shutdown does not wait forever."""
    tick = _RecordedTick(60)
    watch = Stopwatch()
    async with open_ticker(tick, SHORT, timedelta(milliseconds=100)):
        await eventually(tick.has_started)
    assert watch.seconds < 2

    async def cancelled() -> bool:
        return tick.cancelled == 1

    await eventually(cancelled, within=1)


async def test_an_error_of_the_body_is_raised_after_the_tick_has_ended() -> None:
    """The error is raised unchanged, and no tick runs afterwards."""
    tick = _RecordedTick(until_released=True)
    with pytest.raises(ValueError, match="body"):  # noqa: PT012 # the body is what fails
        async with open_ticker(tick, SHORT, LONG):
            await eventually(tick.has_started)
            asyncio.get_running_loop().call_later(0.1, tick.released.set)
            raise ValueError("body")
    assert tick.finished == 1
