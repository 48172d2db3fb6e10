"""One call of the API: its method, caller, deadline and metadata."""

import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from os import urandom

from opentelemetry.trace import INVALID_SPAN, Span

from wms_core.application.database import RequestKey
from wms_core.domain.call_context import ANONYMOUS_ACTOR, Caller
from wms_core.domain.errors import DeadlinePassed, FieldError, InvalidFields, TimeInFuture
from wms_core.domain.events.events import format_json_time
from wms_core.runtime.tracing import parse_traceparent
from wms_server.observability.call_metrics import RequestMetrics

CORRELATION_ID_HEADER = "x-wms-correlation-id"
WAVE_NUMBER_HEADER = "x-wms-wave-number"
WORKFLOW_ID_HEADER = "x-wms-workflow-id"
ACTOR_HEADER = "x-wms-actor"
#: The actor in UTF-8, for names that gRPC's text metadata cannot carry.
BINARY_ACTOR_HEADER = "x-wms-actor-bin"
TRACEPARENT_HEADER = "traceparent"
_READ_HEADERS = frozenset(
    {
        CORRELATION_ID_HEADER,
        WAVE_NUMBER_HEADER,
        WORKFLOW_ID_HEADER,
        ACTOR_HEADER,
        BINARY_ACTOR_HEADER,
        TRACEPARENT_HEADER,
    }
)
#: Encodings of header values: gRPC metadata is ASCII; the HTTP API accepts UTF-8.
ASCII_ENCODING, UTF_8_ENCODING = "ascii", "utf-8"
_MAX_HEADER_CHARACTERS = 256
_MAX_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(slots=True)
class Call:
    """A call of the API.

    `now` is the time of its arrival and of every change that it makes. `stream_position` is the progress of a
    stream; the error that ends the stream contains it. `request_metrics` counts the call when it ends.
    `broken_headers` are headers of the caller with an invalid encoding. `source` is the key of fair queueing
    for connections: the actor, or the peer address of an anonymous caller.
    """

    rpc_name: str
    caller: Caller
    now: datetime
    deadline: float
    key: RequestKey | None = None
    span: Span = INVALID_SPAN
    broken_headers: tuple[FieldError, ...] = ()
    stream_position: dict[str, str] = field(default_factory=dict, compare=False)
    request_metrics: RequestMetrics = field(default_factory=RequestMetrics, compare=False)
    source: str = ""

    @property
    def is_traced(self) -> bool:
        """Whether the call has a span that is recorded."""
        return self.span is not INVALID_SPAN

    def raise_if_expired(self) -> None:
        """Raise `DeadlinePassed` when the caller no longer waits for the response."""
        if time.monotonic() > self.deadline:
            raise DeadlinePassed

    def reject_broken_headers(self) -> None:
        """Raise `InvalidFields` when headers of the caller are not valid text."""
        if self.broken_headers:
            raise InvalidFields(self.broken_headers)

    def reject_future_time(self, field: str, timestamp: datetime | None) -> None:
        """Raise `TimeInFuture` when the reported time lies more than 5 minutes ahead."""
        if timestamp is not None and timestamp > self.now + _MAX_CLOCK_SKEW:
            raise TimeInFuture(field=field, now=format_json_time(self.now))


def parse_caller(metadata: Sequence[tuple[str, str | bytes]], encoding: str = ASCII_ENCODING) -> Caller:
    """Parse the caller from the headers; create a missing correlation id, ignore a malformed trace.

    Headers with an invalid encoding are omitted, because the response returns the correlation id.
    """
    headers = {
        name: text
        for name, value in metadata
        if name in _READ_HEADERS
        and _is_encoded(name, value, encoding)
        and (text := _read_header_text(name, value))
    }
    return Caller(
        actor_name=headers.get(BINARY_ACTOR_HEADER) or headers.get(ACTOR_HEADER, ANONYMOUS_ACTOR),
        correlation_id=headers.get(CORRELATION_ID_HEADER) or _new_uuid(),
        wave_number=headers.get(WAVE_NUMBER_HEADER, ""),
        workflow_id=headers.get(WORKFLOW_ID_HEADER, ""),
        traceparent=parse_traceparent(headers.get(TRACEPARENT_HEADER, "")),
    )


def find_broken_headers(
    metadata: Sequence[tuple[str, str | bytes]], encoding: str = ASCII_ENCODING
) -> tuple[FieldError, ...]:
    """Return a field error for each header of the caller with an invalid encoding."""
    return tuple(
        FieldError(name, f"must be {_get_encoding(name, encoding).upper()}", "header.encoding")
        for name, value in metadata
        if name in _READ_HEADERS and not _is_encoded(name, value, encoding)
    )


def _get_encoding(name: str, encoding: str) -> str:
    return UTF_8_ENCODING if name == BINARY_ACTOR_HEADER else encoding


def _is_encoded(name: str, value: str | bytes, encoding: str) -> bool:
    """Return whether a header is in the encoding; bytes that are not text arrive as lone surrogates."""
    if value.isascii():
        return True
    try:
        value.decode(UTF_8_ENCODING) if isinstance(value, bytes) else value.encode(
            _get_encoding(name, encoding)
        )
    except UnicodeError:
        return False
    return True


def _new_uuid() -> str:
    """Return a random UUID of version 4. `uuid.uuid4` takes twice as long, because it creates an object."""
    text = urandom(16).hex()
    variant_digit = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant_digit}{text[17:20]}-{text[20:]}"


def _read_header_text(name: str, value: str | bytes) -> str:
    """Return the text of a header, empty if the value's type does not suit its name."""
    if name != BINARY_ACTOR_HEADER:
        return clean_header_text(value)
    return clean_header_text(value.decode("utf-8", "replace")) if isinstance(value, bytes) else ""


def clean_header_text(value: str | bytes) -> str:
    """Return a header's text without control characters, cut to 256 characters; for bytes, return ""."""
    if not isinstance(value, str):
        return ""
    if not value.isprintable():
        value = "".join(filter(_is_text_character, value))
    return value[:_MAX_HEADER_CHARACTERS]


def _is_text_character(character: str) -> bool:
    """Return whether a character is printable, a space of any width, or a joiner or non-joiner of letters."""
    return character.isprintable() or character in "\u200c\u200d" or unicodedata.category(character) == "Zs"
