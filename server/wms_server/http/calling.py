"""What every call over HTTP begins with, unary or stream."""

from collections.abc import Mapping
from datetime import timedelta

from opentelemetry.trace import Span
from starlette.types import Scope

from wms_core.domain.errors import FieldFault, InvalidFields
from wms_core.settings import duration
from wms_server.calls import Call
from wms_server.http.bindings import Binding
from wms_server.pipeline import Pipeline

#: How long the caller waits, such as 500ms, 2.5 (seconds) or 1m; the server's own limit holds beside it.
TIMEOUT = "x-wms-timeout"


def headers_of(scope: Scope) -> dict[str, str]:
    """Give the headers by their lower-case names; of one that is there twice, the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def begun(pipeline: Pipeline, binding: Binding, headers: Mapping[str, str], scope: Scope) -> Call:
    """Begin the call of a request; its end is what the caller's header says, or the cap."""
    peer, _ = scope.get("client") or ("", 0)
    call = pipeline.begin(binding.call, tuple(headers.items()), _seconds(headers), peer)
    _describe(call.span, binding)
    return call


def check_timeout(headers: Mapping[str, str]) -> None:
    """Raise InvalidFields when the header of the timeout is none."""
    if TIMEOUT in headers and _seconds(headers) is None:
        wrong = "must be a number of seconds, or one with ms, s or m, such as 500ms"
        raise InvalidFields([FieldFault(TIMEOUT, wrong, "header.timeout")])


def _seconds(headers: Mapping[str, str]) -> float | None:
    try:
        given = duration(headers.get(TIMEOUT))
    except ValueError:
        return None
    return given.total_seconds() if isinstance(given, timedelta) else None


def _describe(span: Span, binding: Binding) -> None:
    """Say what kind of call it is, by OpenTelemetry's conventions for HTTP."""
    if span.is_recording():
        span.update_name(f"{binding.method} {binding.template.text}")
        span.set_attributes(
            {
                "rpc.system": "http",
                "http.request.method": binding.method,
                "http.route": binding.template.text,
                "url.scheme": "http",
            }
        )
