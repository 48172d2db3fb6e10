"""The spans of what is done in the database for calls: one for each traced call, by the usual conventions.

Calls that share a transaction have a span of it each, as each is in another trace. Who is not traced costs
nothing here: there is nothing to begin.
"""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from opentelemetry.trace import Span, SpanKind

from wms_core.traces import Tracing, fail_in_database
from wms_server.calls import Call

T = TypeVar("T")


async def in_database(
    tracing: Tracing, calls: Sequence[Call], shared_by: int, operation: str, work: Awaitable[T]
) -> T:
    """Do the work of these traced calls, and of others, `shared_by` in all: a `transaction` or a `read`."""
    spans = [_begun(tracing, call, shared_by, operation) for call in calls]
    try:
        return await work
    except BaseException as error:
        for span in spans:
            fail_in_database(span, error)
        raise
    finally:
        for span in spans:
            span.end()


def _begun(tracing: Tracing, call: Call, shared_by: int, operation: str) -> Span:
    span = tracing.begin(f"postgresql {operation}", SpanKind.CLIENT, call.caller.traceparent)
    span.set_attributes({"db.system.name": "postgresql", "db.operation.name": operation})
    if shared_by > 1:
        span.set_attribute("db.operation.batch.size", shared_by)
    return span
