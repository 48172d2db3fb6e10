"""Progress of the active replica, measured by its finished steps and committed transactions."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wms_worker.fulfillment.tracing import CycleSpans

#: A replica steps down after this time without progress at the earliest.
MIN_STALL_SECONDS = 30.0
#: The limit is this many cycle intervals if they are longer than `MIN_STALL_SECONDS`.
STALL_INTERVALS = 10
_POLL_SECONDS = 1.0


class CycleProgress:
    """Observe the steps of a cycle as `CycleTrace`, and forward them to `CycleSpans`.

    A step that ends without an error is progress. Each transaction that a step commits is progress, too,
    because a step may take long.
    """

    def __init__(self, cycle_spans: CycleSpans) -> None:
        self._cycle_spans = cycle_spans
        self._is_in_step = False
        self._polls_without_progress = 0

    def start_step(self, step_name: str) -> str:
        """Start a step."""
        self._is_in_step = True
        return self._cycle_spans.start_step(step_name)

    def end_step(self, count: int, error: str = "") -> None:
        """End the step."""
        if not error:
            self._polls_without_progress = 0
        self._is_in_step = False
        self._cycle_spans.end_step(count, error)

    @contextmanager
    def trace_operation(self, operation_name: str) -> Iterator[None]:
        """Trace a database operation; a committed transaction within a step is progress."""
        with self._cycle_spans.trace_operation(operation_name):
            yield
        if self._is_in_step and operation_name == "transaction":
            self._polls_without_progress = 0

    async def wait_until_stalled(self, interval_seconds: float, is_database_up: Callable[[], bool]) -> None:
        """Return after max(10 intervals, 30 s) without progress while the database was available.

        The method counts polls and not seconds, because a suspended process neither polls nor works.
        """
        stall_limit_seconds = max(STALL_INTERVALS * interval_seconds, MIN_STALL_SECONDS)
        while self._polls_without_progress * _POLL_SECONDS < stall_limit_seconds:
            await asyncio.sleep(_POLL_SECONDS)
            self._polls_without_progress = self._polls_without_progress + 1 if is_database_up() else 0
