"""The time of Postgres, which every process writes and compares with (docs/adr/0032).

A process counts on from Postgres's time by its monotonic clock. Its own wall clock, which may be wrong or be
set at any moment, has no say in what is stored.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

#: Seconds from which on a wall clock that differs from Postgres's is a fault (docs/operations.md).
MAX_SKEW_SECONDS = 5.0
#: The metric of it.
CLOCK_SKEW = "wms_clock_skew_seconds"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock:
    """Postgres's time, as far as this process knows it; before the first sample its own wall clock's."""

    def __init__(self) -> None:
        """Start with the wall clock of this process."""
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._skew_seconds: float | None = None

    @property
    def skew_seconds(self) -> float | None:
        """How far the wall clock of this process is ahead of Postgres's, surely; None before a sample."""
        return self._skew_seconds

    @property
    def fault(self) -> str:
        """What is wrong with the wall clock of this process, in words; empty when nothing is known to be."""
        skew = self._skew_seconds or 0.0
        if abs(skew) <= MAX_SKEW_SECONDS:
            return ""
        side = "ahead of" if skew > 0 else "behind"
        return f"the clock of this process is {abs(skew):.0f} s {side} Postgres's"

    def now_ns(self) -> int:
        """Return the time in nanoseconds since 1970."""
        return time.monotonic_ns() + self._offset_ns

    def now(self) -> datetime:
        """Return the time."""
        return self.at(time.monotonic())

    def at(self, monotonic_seconds: float) -> datetime:
        """Return the time of a moment that was read from `time.monotonic`."""
        return datetime.fromtimestamp(monotonic_seconds + self._offset_ns / 1e9, UTC)

    async def sample(self, read: Callable[[], Awaitable[datetime]]) -> None:
        """Read Postgres's clock, and correct this one by as much as the answer proves it wrong.

        Postgres read its clock at some moment between the question and the answer, so that a slow answer
        proves little, and a clock that is right stays as it is.
        """
        asked = time.monotonic_ns()
        told = (await read() - _EPOCH) // _MICROSECOND * 1000
        answered, wall = time.monotonic_ns(), time.time_ns()
        least, most = told - answered, told - asked
        self._offset_ns = min(max(self._offset_ns, least), most)
        wall_offset = wall - answered
        self._skew_seconds = (wall_offset - min(max(wall_offset, least), most)) / 1e9


#: The clock of this process.
CLOCK = Clock()
