"""Progress of the active replica, measured by the steps that it finishes."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wms_worker.spans import CycleSpans

#: The shortest time without progress after which a replica steps down.
MIN_STALL_SECONDS = 30.0
#: So many intervals are as long, where they are longer than that.
STALL_INTERVALS = 10
_POLL_SECONDS = 1.0


class CycleProgress:
    """Follows the steps of a cycle (see `wms_core.application.traced.Trace`) and hands them on to its spans.

    Progress is a step that ends without a fault, and each transaction that a step commits: a long step makes
    progress before its end.
    """

    def __init__(self, spans: CycleSpans) -> None:
        """Start with progress made now."""
        self._spans = spans
        self._in_step = False
        self._polls_without_progress = 0

    def begin(self, step: str) -> str:
        """Begin a step."""
        self._in_step = True
        return self._spans.begin(step)

    def end(self, count: int, error: str = "") -> None:
        """End the step."""
        if not error:
            self._polls_without_progress = 0
        self._in_step = False
        self._spans.end(count, error)

    @contextmanager
    def in_database(self, operation: str) -> Iterator[None]:
        """Follow what a step does in the database."""
        with self._spans.in_database(operation):
            yield
        if self._in_step and operation == "transaction":
            self._polls_without_progress = 0

    async def wait_until_stalled(self, interval_seconds: float, is_database_up: Callable[[], bool]) -> None:
        """Return after max(10 intervals, 30 s) without progress in which the database answered.

        Polls are counted, not seconds: a process that was suspended has polled as little as it has worked.
        """
        limit = max(STALL_INTERVALS * interval_seconds, MIN_STALL_SECONDS)
        while self._polls_without_progress * _POLL_SECONDS < limit:
            await asyncio.sleep(_POLL_SECONDS)
            self._polls_without_progress = self._polls_without_progress + 1 if is_database_up() else 0
