"""Spans of calls by OpenTelemetry's conventions: their parent, name, attributes and status."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor
from opentelemetry.trace import Span, SpanKind, StatusCode

from wms_core.domain.call_context import Caller
from wms_core.runtime.tracing import SpanTracing, format_traceparent, record_database_error
from wms_server.calls.call import Call

_GrpcCode = grpc.StatusCode
#: Codes that mean an error of the server; other codes are errors of the caller (semantic conventions).
_SERVER_ERROR_CODES = (
    _GrpcCode.UNKNOWN,
    _GrpcCode.DEADLINE_EXCEEDED,
    _GrpcCode.UNIMPLEMENTED,
    _GrpcCode.INTERNAL,
    _GrpcCode.UNAVAILABLE,
    _GrpcCode.DATA_LOSS,
)


def start_call_span(
    span_tracing: SpanTracing, method: MethodDescriptor, caller: Caller
) -> tuple[Span, Caller]:
    """Start a call's span as a child of the caller's; return it and the caller with the new parent."""
    service = method.containing_service.full_name
    span = span_tracing.start_span(f"{service}/{method.name}", SpanKind.SERVER, caller.traceparent)
    if not span.is_recording():
        return span, caller
    span.set_attributes(
        {
            "rpc.system": "grpc",
            "rpc.service": service,
            "rpc.method": method.name,
            "wms.correlation_id": caller.correlation_id,
            "wms.wave_number": caller.wave_number,
            "wms.workflow_id": caller.workflow_id,
        }
    )
    return span, replace(caller, traceparent=format_traceparent(span))


def end_call_span(span: Span, code: grpc.StatusCode) -> None:
    """End a call's span with the code of its response."""
    if span.is_recording():
        span.set_attribute("rpc.grpc.status_code", code.value[0])
        if code in _SERVER_ERROR_CODES:
            span.set_status(StatusCode.ERROR)
        span.end()


T = TypeVar("T")


async def trace_operation(
    span_tracing: SpanTracing,
    calls: Sequence[Call],
    shared_by: int,
    operation_name: str,
    database_call: Awaitable[T],
) -> T:
    """Run an operation (`transaction` or `read`) within a span for each traced call.

    The operation is shared by `shared_by` calls in all, traced or not. An error is recorded in each span.
    """
    operation_spans = [_start_operation_span(span_tracing, call, shared_by, operation_name) for call in calls]
    try:
        return await database_call
    except BaseException as error:
        for span in operation_spans:
            record_database_error(span, error)
        raise
    finally:
        for span in operation_spans:
            span.end()


def _start_operation_span(span_tracing: SpanTracing, call: Call, shared_by: int, operation_name: str) -> Span:
    span = span_tracing.start_span(f"postgresql {operation_name}", SpanKind.CLIENT, call.caller.traceparent)
    span.set_attributes({"db.system.name": "postgresql", "db.operation.name": operation_name})
    if shared_by > 1:
        span.set_attribute("db.operation.batch.size", shared_by)
    return span
