"""Tracing of a cycle. Spans are created outside of core; here they are `traceparent` texts."""

from typing import Protocol


class CycleTrace(Protocol):
    """Traces the steps of the cycle, one after the other."""

    def start_step(self, step_name: str) -> str:
        """Start a step. Return the `traceparent` for its events, empty without a span."""
        ...

    def end_step(self, count: int, error: str = "") -> None:
        """End the current step; `count` is the number of processed items."""
        ...


class NoCycleTrace:
    """Creates no spans."""

    def start_step(self, step_name: str) -> str:  # noqa: ARG002 # see CycleTrace
        """See CycleTrace."""
        return ""

    def end_step(self, count: int, error: str = "") -> None:
        """See CycleTrace."""


NO_CYCLE_TRACE = NoCycleTrace()
