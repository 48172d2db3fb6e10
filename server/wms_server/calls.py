"""One call: what it is, who makes it, until when."""

import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from os import urandom

from opentelemetry.trace import INVALID_SPAN, Span

from wms_core.application.ports import RequestKey
from wms_core.domain.caller import ANONYMOUS, Caller
from wms_core.domain.errors import DeadlinePassed, FieldFault, InvalidFields, TimeInFuture
from wms_core.domain.events import json_time
from wms_core.traces import read_traceparent
from wms_server.requests import Requests

CORRELATION = "x-wms-correlation-id"
WAVE = "x-wms-wave-number"
WORKFLOW = "x-wms-workflow-id"
ACTOR = "x-wms-actor"
#: The same as UTF-8, for names that gRPC's metadata can't have as text.
ACTOR_BYTES = "x-wms-actor-bin"
TRACEPARENT = "traceparent"
_READ = frozenset({CORRELATION, WAVE, WORKFLOW, ACTOR, ACTOR_BYTES, TRACEPARENT})
#: Encodings of headers: that of gRPC's metadata, which has no other, and that of HTTP here.
ASCII, UTF_8 = "ascii", "utf-8"
_LONGEST = 256
_CLOCK_SLACK = timedelta(minutes=5)


@dataclass(slots=True)
class Call:
    """A call of the API. `now` is the time of its arrival, the time of everything that it changes.

    `reached` is how far a stream has come; the error that ends it tells of it. `requests` counts its end.
    `broken_headers` are those of the caller's that can't be taken as they were sent.
    `source` is by whom calls take turns: the actor, or of one who does not say who he is the address.
    """

    rpc: str
    caller: Caller
    now: datetime
    ends: float
    key: RequestKey | None = None
    span: Span = INVALID_SPAN
    broken_headers: tuple[FieldFault, ...] = ()
    reached: dict[str, str] = field(default_factory=dict, compare=False)
    requests: Requests = field(default_factory=Requests, compare=False)
    source: str = ""

    @property
    def is_traced(self) -> bool:
        """Whether it has a span that somebody wants."""
        return self.span is not INVALID_SPAN

    def expect_time(self) -> None:
        """Raise DeadlinePassed when nobody waits for the answer any more."""
        if time.monotonic() > self.ends:
            raise DeadlinePassed

    def expect_headers(self) -> None:
        """Raise InvalidFields when some of the caller's headers are no text."""
        if self.broken_headers:
            raise InvalidFields(self.broken_headers)

    def expect_past(self, field: str, moment: datetime | None) -> None:
        """Raise TimeInFuture when a time at which something happened lies more than 5 minutes ahead."""
        if moment is not None and moment > self.now + _CLOCK_SLACK:
            raise TimeInFuture(field=field, now=json_time(self.now))


def caller_from(metadata: Sequence[tuple[str, str | bytes]], encoding: str = ASCII) -> Caller:
    """Read who calls from the headers; a missing correlation id is made, a malformed trace ignored.

    Headers that are not in the encoding are left out, so that what goes back to the caller can be sent.
    """
    headers = {
        name: text
        for name, value in metadata
        if name in _READ and _is_encoded(name, value, encoding) and (text := _text_of(name, value))
    }
    return Caller(
        actor=headers.get(ACTOR_BYTES) or headers.get(ACTOR, ANONYMOUS),
        correlation_id=headers.get(CORRELATION) or _new_uuid(),
        wave_number=headers.get(WAVE, ""),
        workflow_id=headers.get(WORKFLOW, ""),
        traceparent=read_traceparent(headers.get(TRACEPARENT, "")),
    )


def broken_headers(
    metadata: Sequence[tuple[str, str | bytes]], encoding: str = ASCII
) -> tuple[FieldFault, ...]:
    """Return a fault for each header of the caller that is not in the encoding."""
    return tuple(
        FieldFault(name, f"must be {_encoding_of(name, encoding).upper()}", "header.encoding")
        for name, value in metadata
        if name in _READ and not _is_encoded(name, value, encoding)
    )


def _encoding_of(name: str, encoding: str) -> str:
    return UTF_8 if name == ACTOR_BYTES else encoding


def _is_encoded(name: str, value: str | bytes, encoding: str) -> bool:
    """Say whether a header is in the encoding; bytes that could not be read as text are half surrogates."""
    if value.isascii():
        return True
    try:
        value.decode(UTF_8) if isinstance(value, bytes) else value.encode(_encoding_of(name, encoding))
    except UnicodeError:
        return False
    return True


def _new_uuid() -> str:
    """Write a random UUID of version 4. `uuid.uuid4` takes twice as long, for an object that nobody needs."""
    text = urandom(16).hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def _text_of(name: str, value: str | bytes) -> str:
    """Return the text of a header; one whose value does not have the form of its name has none."""
    if name != ACTOR_BYTES:
        return header_text(value)
    return header_text(value.decode("utf-8", "replace")) if isinstance(value, bytes) else ""


def header_text(value: str | bytes) -> str:
    """Give a header's text without control characters, cut to 256 characters; bytes are no text."""
    if not isinstance(value, str):
        return ""
    if not value.isprintable():
        value = "".join(filter(_is_text, value))
    return value[:_LONGEST]


def _is_text(sign: str) -> bool:
    """Say whether a sign is printable, a space of any width, or one that joins or parts letters."""
    return sign.isprintable() or sign in "\u200c\u200d" or unicodedata.category(sign) == "Zs"
