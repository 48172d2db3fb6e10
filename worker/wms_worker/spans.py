"""The spans of a cycle: one for it and one for each step of it that did something.

An event that a step writes belongs to the step's span, not to the trace of the request that its order came
with: a step works for hundreds of orders at once. The correlation id is what ties the two together.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode

from wms_core.traces import Tracing, traceparent_of


class CycleSpans:
    """See `wms_core.application.traced.Trace`. A span of nothing done is never ended, and so never sent."""

    def __init__(self, tracing: Tracing, epoch: int) -> None:
        """Follow the cycles of one term."""
        self._tracing = tracing
        self._epoch = epoch
        self._cycle: Span = INVALID_SPAN
        self._step: Span = INVALID_SPAN
        self._worth_telling = False

    @contextmanager
    def cycle(self) -> Iterator[None]:
        """Follow one cycle."""
        self._cycle = self._tracing.begin("fulfillment cycle", SpanKind.INTERNAL, "")
        self._cycle.set_attribute("wms.epoch", self._epoch)
        self._worth_telling = False
        try:
            yield
        finally:
            if self._worth_telling:
                self._cycle.end()
            self._cycle = INVALID_SPAN

    def begin(self, step: str) -> str:
        """Begin a step under the cycle, if that has a span."""
        if not self._cycle.is_recording():
            return ""
        self._step = self._tracing.begin(step, SpanKind.INTERNAL, traceparent_of(self._cycle))
        return traceparent_of(self._step)

    def end(self, count: int, error: str = "") -> None:
        """End the step; one that did nothing is not told of."""
        if count or error:
            self._worth_telling = True
            self._step.set_attribute("wms.count", count)
            if error:
                self._step.set_status(StatusCode.ERROR, error)
                self._cycle.set_status(StatusCode.ERROR, error)
            self._step.end()
        self._step = INVALID_SPAN
