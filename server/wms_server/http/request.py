"""Parsing of HTTP requests: body (size and time limits), headers, deadline and caller."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

from opentelemetry.trace import Span
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from wms_core.config.settings import parse_duration
from wms_core.domain.errors import FieldError, InvalidFields, MessageTooLarge
from wms_server.calls.call import UTF_8_ENCODING, Call
from wms_server.calls.pipeline import CallPipeline
from wms_server.http.bindings import HttpBinding
from wms_server.http.conditional_requests import IF_MATCH, IF_NONE_MATCH
from wms_server.http.responses import RequestTooSlow, UnsupportedMediaType
from wms_server.limits.memory_budget import ByteReservation
from wms_server.limits.request_limits import MAX_REQUEST_BYTES


def has_body(headers: Mapping[str, str]) -> bool:
    """Return whether a request has a body, by its headers."""
    return headers.get("content-length", "0").strip() != "0" or "transfer-encoding" in headers


async def read_body(
    headers: Mapping[str, str],
    receive: Receive,
    timeout_seconds: float,
    max_bytes: int,
    memory_reservation: ByteReservation,
) -> bytes | None:
    """Read a JSON body, counted in the memory budget; return None if it is empty.

    Raises:
        MessageTooLarge: the body exceeds `max_bytes`; if Content-Length does, nothing is read.
        TooManyBytes: the memory budget is exhausted.
        RequestTooSlow: the body did not arrive within `timeout_seconds`.
        ClientDisconnect: the client disconnected.
        UnsupportedMediaType: the body is not declared as JSON.
    """
    if not has_body(headers):
        return None
    body = bytearray()

    def append_part(body_part: bytes) -> None:
        memory_reservation.receive_bytes(len(body_part))
        body.extend(body_part)

    await _read_all(headers, receive, timeout_seconds, max_bytes, append_part)
    if not body:
        # Transfer-Encoding announced a body, but it is empty; an empty body needs no content type.
        return None
    _check_content_type(headers)
    return bytes(body) if body.strip() else None


async def discard_body(headers: Mapping[str, str], receive: Receive, timeout_seconds: float) -> None:
    """Read and discard the body of a rejected request: a client that still sends would miss the response.

    Raises:
        MessageTooLarge: the body exceeds `MAX_REQUEST_BYTES`.
        RequestTooSlow: the body did not arrive in time.
        ClientDisconnect: the client disconnected.
    """
    await _read_all(headers, receive, timeout_seconds, MAX_REQUEST_BYTES, lambda _body_part: None)


async def _read_all(
    headers: Mapping[str, str],
    receive: Receive,
    timeout_seconds: float,
    max_bytes: int,
    take_part: Callable[[bytes], None],
) -> None:
    if int(headers.get("content-length", 0)) > max_bytes:
        raise MessageTooLarge(limit=max_bytes)
    try:
        async with asyncio.timeout(timeout_seconds):
            received_bytes, has_more = 0, True
            while has_more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                body_part: bytes = message.get("body", b"")
                received_bytes += len(body_part)
                if received_bytes > max_bytes:
                    raise MessageTooLarge(limit=max_bytes)
                take_part(body_part)
                has_more = message.get("more_body", False)
    except TimeoutError:
        raise RequestTooSlow(seconds=f"{timeout_seconds:g}") from None


def _check_content_type(headers: Mapping[str, str]) -> None:
    content_type = headers.get("content-type", "")
    media_type, _, type_parameters = content_type.lower().partition(";")
    is_compressed = headers.get("content-encoding", "identity").lower() != "identity"
    charset_parameter = type_parameters.replace('"', "").strip()
    if (
        media_type.strip() != "application/json"
        or charset_parameter not in ("", "charset=utf-8")
        or is_compressed
    ):
        described_type = f"{content_type}, compressed" if is_compressed else content_type
        raise UnsupportedMediaType(media_type=described_type[:100] or "nothing")


#: Header with the client's timeout, such as 500ms, 2.5 (seconds) or 1m; DEADLINE_CAP also applies.
TIMEOUT_HEADER = "x-wms-timeout"


#: Headers with list values; several lines of one are joined.
_LIST_HEADERS = (IF_MATCH, IF_NONE_MATCH)


def get_headers(scope: Scope) -> dict[str, str]:
    """Return the headers by lower-case name; of repeated ones the last, or all values of a list.

    Bytes that are not UTF-8 become lone surrogates, which validation rejects.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_header in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_header.decode(UTF_8_ENCODING, "surrogateescape")
        headers[name] = f"{headers[name]}, {value}" if name in _LIST_HEADERS and name in headers else value
    return headers


def start_call(
    call_pipeline: CallPipeline, http_binding: HttpBinding, headers: Mapping[str, str], scope: Scope
) -> Call:
    """Create the call of a request; its deadline comes from the timeout header or the cap."""
    peer_address, _ = scope.get("client") or ("", 0)
    call = call_pipeline.start_call(
        http_binding.method_descriptor,
        tuple(headers.items()),
        _parse_timeout(headers),
        peer_address,
        UTF_8_ENCODING,
    )
    _describe_span(call.span, http_binding)
    return call


def check_headers(call: Call, headers: Mapping[str, str]) -> None:
    """Raise `InvalidFields` when the timeout or a header of the caller is invalid."""
    call.reject_broken_headers()
    if TIMEOUT_HEADER in headers and _parse_timeout(headers) is None:
        error_description = "must be a number of seconds, or one with ms, s or m, such as 500ms"
        raise InvalidFields([FieldError(TIMEOUT_HEADER, error_description, "header.timeout")])


def _parse_timeout(headers: Mapping[str, str]) -> float | None:
    try:
        parsed_duration = parse_duration(headers.get(TIMEOUT_HEADER))
    except ValueError:
        return None
    return parsed_duration.total_seconds() if isinstance(parsed_duration, timedelta) else None


def _describe_span(span: Span, http_binding: HttpBinding) -> None:
    """Set the name and attributes of a span by OpenTelemetry's conventions for HTTP."""
    if span.is_recording():
        span.update_name(f"{http_binding.http_method} {http_binding.path_template.text}")
        span.set_attributes(
            {
                "rpc.system": "http",
                "http.request.method": http_binding.http_method,
                "http.route": http_binding.path_template.text,
                "url.scheme": "http",
            }
        )
