"""What every call over HTTP begins with, unary or stream."""

from collections.abc import Mapping
from datetime import timedelta

from opentelemetry.trace import Span
from starlette.types import Scope

from wms_core.domain.errors import FieldFault, InvalidFields
from wms_core.settings import duration
from wms_server.calls import UTF_8, Call
from wms_server.http.bindings import Binding
from wms_server.http.conditions import IF_MATCH, IF_NONE_MATCH
from wms_server.pipeline import Pipeline

#: How long the caller waits, such as 500ms, 2.5 (seconds) or 1m; the server's own limit holds beside it.
TIMEOUT = "x-wms-timeout"


#: Headers that are lists, of which each line has a part.
_LISTS = (IF_MATCH, IF_NONE_MATCH)


def headers_of(scope: Scope) -> dict[str, str]:
    """Give the headers by their lower-case names; of one that is there twice, the last, or all of a list.

    Bytes that are not UTF-8 become half surrogates, which no field and no header of the caller takes.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode(UTF_8, "surrogateescape")
        headers[name] = f"{headers[name]}, {value}" if name in _LISTS and name in headers else value
    return headers


def begun(pipeline: Pipeline, binding: Binding, headers: Mapping[str, str], scope: Scope) -> Call:
    """Begin the call of a request; its end is what the caller's header says, or the cap."""
    peer, _ = scope.get("client") or ("", 0)
    call = pipeline.begin(binding.call, tuple(headers.items()), _seconds(headers), peer, UTF_8)
    _describe(call.span, binding)
    return call


def check_headers(call: Call, headers: Mapping[str, str]) -> None:
    """Raise InvalidFields when the header of the timeout is none, or those of the caller are no text."""
    call.expect_headers()
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
