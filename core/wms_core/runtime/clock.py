"""The clock of Postgres, which all processes use for stored times and comparisons (docs/adr/0032).

A process extrapolates Postgres's time by its monotonic clock. Its own wall clock may be wrong or change at
any moment, so it does not affect stored times.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

#: Maximum tolerated skew between the wall clock and Postgres's clock (docs/guides/operations.md).
MAX_SKEW_SECONDS = 5.0
#: Name of the skew metric.
CLOCK_SKEW_METRIC = "wms_clock_skew_seconds"

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_MICROSECOND = timedelta(microseconds=1)


class DatabaseClock:
    """Estimate of Postgres's time in this process; equal to its wall clock before the first sample."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._skew_seconds: float | None = None

    @property
    def skew_seconds(self) -> float | None:
        """Minimum by which this process's wall clock is ahead of Postgres's; None before a sample."""
        return self._skew_seconds

    @property
    def skew_error(self) -> str:
        """Error of this process's wall clock as text; empty if its skew is unknown or tolerable."""
        skew_seconds = self._skew_seconds or 0.0
        if abs(skew_seconds) <= MAX_SKEW_SECONDS:
            return ""
        skew_direction = "ahead of" if skew_seconds > 0 else "behind"
        return f"the clock of this process is {abs(skew_seconds):.0f} s {skew_direction} Postgres's"

    def now_ns(self) -> int:
        """Return the time in nanoseconds since 1970."""
        return time.monotonic_ns() + self._offset_ns

    def now(self) -> datetime:
        """Return the time."""
        return self.to_datetime(time.monotonic())

    def to_datetime(self, monotonic_seconds: float) -> datetime:
        """Return the time of a value of `time.monotonic`."""
        return datetime.fromtimestamp(monotonic_seconds + self._offset_ns / 1e9, UTC)

    async def sync_with_database(self, read_database_clock: Callable[[], Awaitable[datetime]]) -> None:
        """Read Postgres's clock, and correct the estimate by the amount that the answer proves.

        Postgres reads its clock at some moment between request and response. A slow response therefore proves
        little, and a correct estimate does not change.
        """
        request_sent_ns = time.monotonic_ns()
        database_ns = (await read_database_clock() - _UNIX_EPOCH) // _ONE_MICROSECOND * 1000
        response_received_ns, wall_clock_ns = time.monotonic_ns(), time.time_ns()
        min_offset_ns, max_offset_ns = database_ns - response_received_ns, database_ns - request_sent_ns
        self._offset_ns = min(max(self._offset_ns, min_offset_ns), max_offset_ns)
        wall_offset_ns = wall_clock_ns - response_received_ns
        self._skew_seconds = (wall_offset_ns - min(max(wall_offset_ns, min_offset_ns), max_offset_ns)) / 1e9


#: The clock of this process.
DATABASE_CLOCK = DatabaseClock()
