"""Wait for conditions with timeouts instead of fixed sleeps.

Timeouts limit the product, not the machine: seconds in which work waits for a processor do not count. On a
busy machine, `eventually` fails after `_MAX_WALL_SECONDS`. This is before the timeout of pytest, whose
message does not show the awaited value.
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


def open_pressure_file(file: str) -> int | None:
    """Return a descriptor of the kernel's file of CPU pressure; None if there is none."""
    try:
        return os.open(file, os.O_RDONLY)
    except OSError:
        return None


#: Kept open: a test may use up all descriptors.
_pressure_descriptor = open_pressure_file("/proc/pressure/cpu")


class Stopwatch:
    """Measures the seconds in which no work on the machine waited for a processor.

    Without CPU pressure information, all seconds count.
    """

    def __init__(self) -> None:
        self._started_at = _unstalled_seconds()

    @property
    def seconds(self) -> float:
        """The seconds since its creation."""
        return _unstalled_seconds() - self._started_at


def _unstalled_seconds() -> float:
    return time.monotonic() - _stalled_seconds()


def _stalled_seconds() -> float:
    """Return the seconds in which work has waited for a processor, since an arbitrary time."""
    if _pressure_descriptor is None:
        return 0.0
    some, *_ = os.pread(_pressure_descriptor, 1000, 0).splitlines()
    return int(some.rpartition(b"total=")[2]) / 1_000_000


async def eventually(condition: Callable[[], Awaitable[T]], within: float = 20.0) -> T:
    """Return the first true value of the condition. Raises AssertionError after the timeout."""
    stopwatch, started_at = Stopwatch(), time.monotonic()
    while True:
        value = await condition()
        if value:
            return value
        wall_seconds = time.monotonic() - started_at
        if stopwatch.seconds > within or wall_seconds > max(_MAX_WALL_SECONDS, within):
            raise AssertionError(f"still {value!r} after {wall_seconds:.2f} s; the timeout is {within} s")
        await asyncio.sleep(0.02)


def wait_until(condition: Callable[[], bool], within: float) -> bool:
    """Return whether the condition becomes true in time; for tests without an event loop."""
    stopwatch = Stopwatch()
    while not condition():
        if stopwatch.seconds > within:
            return False
        time.sleep(0.02)
    return True


def exit_code(process: "subprocess.Popen[Any]", within: float) -> int:
    """Return the exit code of a process when it has ended. Raises AssertionError after the timeout."""
    assert wait_until(lambda: process.poll() is not None, within), (
        f"{process.args!r} still runs after {within} s"
    )
    return int(process.returncode)


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """Raise TimeoutError if the block takes longer."""
    async with asyncio.timeout(None) as limit:
        expiry_task = asyncio.create_task(_expire(limit, Stopwatch(), seconds))
        try:
            yield
        finally:
            expiry_task.cancel()


async def _expire(limit: asyncio.Timeout, stopwatch: Stopwatch, seconds: float) -> None:
    while (remaining_seconds := seconds - stopwatch.seconds) > 0:  # noqa: ASYNC110 # there is no event for it
        await asyncio.sleep(max(remaining_seconds, 0.01))
    limit.reschedule(asyncio.get_running_loop().time())


async def with_timeout(awaitable: Awaitable[T], seconds: float) -> T:
    """Return the result of the awaitable. Raises TimeoutError if it takes longer."""
    async with time_limit(seconds):
        return await awaitable
