"""Wait for a condition, within bounds, instead of sleeping for luck.

A bound holds for the product, not for the machine: seconds in which work waits for a processor do not count.
What never comes on a busy machine fails after `_MAX_WALL_SECONDS`: before the timeout of pytest,
which does not say what was waited for.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_MAX_WALL_SECONDS = 90.0


def open_pressure(file: str) -> int | None:
    """Return a descriptor of the file that tells for how long work has waited; None where there is none."""
    try:
        return os.open(file, os.O_RDONLY)
    except OSError:
        return None


#: Kept open: a test may leave no descriptor for it.
_pressure = open_pressure("/proc/pressure/cpu")


class Stopwatch:
    """Measures the seconds in which nothing on the machine waited for a processor.

    Where the system does not tell, these are all seconds.
    """

    def __init__(self) -> None:
        """Start it."""
        self._began = _unstalled_seconds()

    @property
    def seconds(self) -> float:
        """The seconds since its start."""
        return _unstalled_seconds() - self._began


def _unstalled_seconds() -> float:
    return time.monotonic() - _stalled_seconds()


def _stalled_seconds() -> float:
    """Return for how long work has waited for a processor, since any point in time."""
    if _pressure is None:
        return 0.0
    some, *_ = os.pread(_pressure, 1000, 0).splitlines()
    return int(some.rpartition(b"total=")[2]) / 1_000_000


async def eventually(condition: Callable[[], Awaitable[T]], within: float = 20.0) -> T:
    """Return the first true value of the condition; AssertionError when there is none in time."""
    watch, began = Stopwatch(), time.monotonic()
    while True:
        value = await condition()
        if value:
            return value
        waited = time.monotonic() - began
        if watch.seconds > within or waited > max(_MAX_WALL_SECONDS, within):
            raise AssertionError(f"still {value!r} after {waited:.2f} s; {within} s were allowed")
        await asyncio.sleep(0.02)


def until(condition: Callable[[], bool], within: float) -> bool:
    """Return whether the condition comes to hold in time; for tests without an event loop."""
    watch = Stopwatch()
    while not condition():
        if watch.seconds > within:
            return False
        time.sleep(0.02)
    return True


def exit_code(process: "subprocess.Popen[Any]", within: float) -> int:
    """Return the exit code of a process once it has ended; AssertionError when it has not in time."""
    assert until(lambda: process.poll() is not None, within), f"{process.args!r} still runs after {within} s"
    return int(process.returncode)


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """Raise TimeoutError when the block takes longer."""
    async with asyncio.timeout(None) as limit:
        expiring = asyncio.create_task(_expire(limit, Stopwatch(), seconds))
        try:
            yield
        finally:
            expiring.cancel()


async def _expire(limit: asyncio.Timeout, watch: Stopwatch, seconds: float) -> None:
    while (left := seconds - watch.seconds) > 0:  # noqa: ASYNC110 # no event says that time is over
        await asyncio.sleep(max(left, 0.01))
    limit.reschedule(asyncio.get_running_loop().time())


async def bounded(awaitable: Awaitable[T], seconds: float) -> T:
    """Return the result of the awaitable; TimeoutError when it takes longer."""
    async with time_limit(seconds):
        return await awaitable
