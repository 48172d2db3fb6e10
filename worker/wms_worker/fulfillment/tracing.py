"""Spans of a cycle, of its steps with results, and of their database operations.

An event that a step writes belongs to the step's span and not to the trace of the request that created the
order, because a step changes hundreds of orders at once. The correlation id links the two.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode

from wms_core.application.database import Database, Fence, Transaction
from wms_core.application.workloads import BACKGROUND_USAGE, PoolUsage
from wms_core.runtime.tracing import SpanTracing, format_traceparent, record_database_error

T = TypeVar("T")


class CycleSpans:
    """Create the spans of the cycles of one tenure; implement `CycleTrace`.

    The span of a step without results is never sent.
    """

    def __init__(self, span_tracing: SpanTracing, epoch: int) -> None:
        self._span_tracing = span_tracing
        self._epoch = epoch
        self._cycle_span: Span = INVALID_SPAN
        self._step_span: Span = INVALID_SPAN
        self._has_activity = False
        self._database_spans: list[tuple[Span, int]] = []

    @contextmanager
    def trace_cycle(self) -> Iterator[None]:
        """Create the span of one cycle."""
        self._cycle_span = self._span_tracing.start_span("fulfillment cycle", SpanKind.INTERNAL, "")
        self._cycle_span.set_attribute("wms.epoch", self._epoch)
        self._has_activity = False
        try:
            yield
        finally:
            if self._has_activity:
                self._cycle_span.end()
            self._cycle_span = INVALID_SPAN

    def start_step(self, step_name: str) -> str:
        """Start the span of a step under the span of the cycle; return its traceparent.

        The traceparent is empty if the cycle has no span.
        """
        if not self._cycle_span.is_recording():
            return ""
        self._database_spans = []
        self._step_span = self._span_tracing.start_span(
            step_name, SpanKind.INTERNAL, format_traceparent(self._cycle_span)
        )
        return format_traceparent(self._step_span)

    def end_step(self, count: int, error: str = "") -> None:
        """End the step. Its span is sent only if the step has a count or an error."""
        if count or error:
            self._has_activity = True
            self._step_span.set_attribute("wms.count", count)
            if error:
                self._step_span.set_status(StatusCode.ERROR, error)
                self._cycle_span.set_status(StatusCode.ERROR, error)
            for span, ended_at_ns in self._database_spans:
                span.end(ended_at_ns)
            self._step_span.end()
        self._step_span = INVALID_SPAN

    @contextmanager
    def trace_operation(self, operation_name: str) -> Iterator[None]:
        """Create the span of a database operation, which is sent together with the span of its step."""
        if not self._step_span.is_recording():
            yield
            return
        span = self._span_tracing.start_span(
            f"postgresql {operation_name}", SpanKind.CLIENT, format_traceparent(self._step_span)
        )
        span.set_attributes({"db.system.name": "postgresql", "db.operation.name": operation_name})
        try:
            yield
        except BaseException as error:
            record_database_error(span, error)
            raise
        finally:
            self._database_spans.append((span, time.time_ns()))


class DatabaseTracer(Protocol):
    """A tracer of database operations."""

    def trace_operation(self, operation_name: str) -> AbstractContextManager[None]:
        """Trace one operation."""
        ...


class TracedDatabase:
    """Trace the operations of a database; implement `wms_core.application.database.Database`."""

    def __init__(self, database: Database, database_tracer: DatabaseTracer) -> None:
        self._database = database
        self._database_tracer = database_tracer

    async def run_in_transaction(
        self,
        operation: Callable[[Transaction], Awaitable[T]],
        *,
        fence: Fence | None = None,
        is_transactional: bool = True,
        pool_usage: PoolUsage = BACKGROUND_USAGE,
    ) -> T:
        """See `Database`."""
        with self._database_tracer.trace_operation("transaction"):
            return await self._database.run_in_transaction(
                operation, fence=fence, is_transactional=is_transactional, pool_usage=pool_usage
            )

    async def read(
        self, operation: Callable[[Transaction], Awaitable[T]], *, pool_usage: PoolUsage = BACKGROUND_USAGE
    ) -> T:
        """See `Database`."""
        with self._database_tracer.trace_operation("read"):
            return await self._database.read(operation, pool_usage=pool_usage)
