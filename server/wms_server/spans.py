"""The span of a call by OpenTelemetry's conventions: whose child it is, what it is called, how it ends."""

from dataclasses import replace

import grpc
from google.protobuf.descriptor import MethodDescriptor
from opentelemetry.trace import Span, SpanKind, StatusCode

from wms_core.domain.caller import Caller
from wms_core.traces import Tracing, traceparent_of

_C = grpc.StatusCode
#: The codes that say that the server failed; all others are the caller's affair (semantic conventions).
_FAULTS = (_C.UNKNOWN, _C.DEADLINE_EXCEEDED, _C.UNIMPLEMENTED, _C.INTERNAL, _C.UNAVAILABLE, _C.DATA_LOSS)


def begin_span(tracing: Tracing, method: MethodDescriptor, caller: Caller) -> tuple[Span, Caller]:
    """Begin a call's span under that of its caller; what the call does is then done on behalf of this one."""
    service = method.containing_service.full_name
    span = tracing.begin(f"{service}/{method.name}", SpanKind.SERVER, caller.traceparent)
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
    return span, replace(caller, traceparent=traceparent_of(span))


def end_span(span: Span, code: grpc.StatusCode) -> None:
    """End a call's span with the code that the caller is given."""
    if span.is_recording():
        span.set_attribute("rpc.grpc.status_code", code.value[0])
        if code in _FAULTS:
            span.set_status(StatusCode.ERROR)
        span.end()
