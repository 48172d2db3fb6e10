"""The spans of a cycle: one for it, one for each step that did something, and those of the database in it.

An event that a step writes belongs to the step's span, not to the trace of the request that its order came
with: a step works for hundreds of orders at once. The correlation id is what ties the two together.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode

from wms_core.application.ports import Database, Fence, Transaction
from wms_core.application.workloads import BACKGROUND, Usage
from wms_core.traces import Tracing, fail_in_database, traceparent_of

T = TypeVar("T")


class CycleSpans:
    """See `wms_core.application.traced.Trace`. A span of nothing done is never ended, and so never sent."""

    def __init__(self, tracing: Tracing, epoch: int) -> None:
        """Follow the cycles of one term."""
        self._tracing = tracing
        self._epoch = epoch
        self._cycle: Span = INVALID_SPAN
        self._step: Span = INVALID_SPAN
        self._worth_telling = False
        self._in_database: list[tuple[Span, int]] = []

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
        self._in_database = []
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
            for span, ended in self._in_database:
                span.end(ended)
            self._step.end()
        self._step = INVALID_SPAN

    @contextmanager
    def in_database(self, operation: str) -> Iterator[None]:
        """Follow what a step does in the database; it is told of together with the step."""
        if not self._step.is_recording():
            yield
            return
        span = self._tracing.begin(f"postgresql {operation}", SpanKind.CLIENT, traceparent_of(self._step))
        span.set_attributes({"db.system.name": "postgresql", "db.operation.name": operation})
        try:
            yield
        except BaseException as error:
            fail_in_database(span, error)
            raise
        finally:
            self._in_database.append((span, time.time_ns()))


class DatabaseFollower(Protocol):
    """Who is told of what is done in a database."""

    def in_database(self, operation: str) -> AbstractContextManager[None]:
        """Follow one operation."""
        ...


class FollowedDatabase:
    """A database that somebody follows; see `application.ports.Database`."""

    def __init__(self, database: Database, follower: DatabaseFollower) -> None:
        """Hand everything on."""
        self._database = database
        self._follower = follower

    async def transact(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        fence: Fence | None = None,
        whole: bool = True,
        usage: Usage = BACKGROUND,
    ) -> T:
        """See `Database`."""
        with self._follower.in_database("transaction"):
            return await self._database.transact(work, fence=fence, whole=whole, usage=usage)

    async def read(self, work: Callable[[Transaction], Awaitable[T]], *, usage: Usage = BACKGROUND) -> T:
        """See `Database`."""
        with self._follower.in_database("read"):
            return await self._database.read(work, usage=usage)
