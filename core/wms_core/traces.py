"""Traces: the edges make spans, this sends them to a collector, and core carries their ids as text.

A span is made for a call whose caller traces it, and for a share of those that nobody traces yet. For every
other there is none, which costs nothing: what came in is handed on as it is.
"""

import asyncio
import os
import random
import re
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import copy_context
from importlib.metadata import version
from pathlib import Path

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from wms_core.domain.errors import Aborted, Unavailable, WmsError
from wms_core.settings import CoreSettings, header_pairs, secret_text

_FORM = re.compile(r"(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})(-.*)?")
_NOBODY = Context()
_FAREWELL = 1.0  # seconds that the last spans may take
_PATIENCE = 5.0  # seconds that a collector may take for a batch
_log = structlog.get_logger(__name__)


def read_traceparent(text: str) -> str:
    """Give a `traceparent` (W3C Trace Context) in the version that we speak, empty when it is malformed."""
    match = _FORM.fullmatch(text)
    if match is None or (match[1] == "00" and match[3]):
        return ""
    return f"00-{match[2]}"


def traceparent_of(span: Span) -> str:
    """Give what tells others that they work on behalf of a span; empty for none."""
    context = span.get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def fail_in_database(span: Span, error: BaseException) -> None:
    """Say of the span of work in the database what it failed by; that an order is not there is no failure."""
    if isinstance(error, WmsError) and not isinstance(error, Unavailable | Aborted):
        return
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(StatusCode.ERROR)


class Tracing:
    """Makes the spans of one process; without a tracer, none."""

    def __init__(self, tracer: Tracer | None = None, ratio: float = 1.0) -> None:
        """Trace this share of what no caller traces."""
        self._tracer = tracer
        self._ratio = ratio

    @property
    def is_on(self) -> bool:
        """Whether there are spans at all."""
        return self._tracer is not None

    def begin(self, name: str, kind: SpanKind, traceparent: str, began: int | None = None) -> Span:
        """Begin a span, under its parent if there is one; INVALID_SPAN when nobody wants it.

        `began` is when, in nanoseconds since 1970, if not now.
        """
        if self._tracer is None or not self._wanted(traceparent):
            return INVALID_SPAN
        return self._tracer.start_span(name, _under(traceparent), kind, start_time=began)

    def _wanted(self, traceparent: str) -> bool:
        if traceparent:
            return bool(int(traceparent[-1], 16) & TraceFlags.SAMPLED)
        return random.random() < self._ratio  # noqa: S311 # nothing is to be guessed


def _under(traceparent: str) -> Context:
    if not traceparent:
        return _NOBODY
    _, trace_id, span_id, flags = traceparent.split("-")
    parent = SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(parent), _NOBODY)


class Collector(SpanExporter):
    """Hands spans to a collector by OTLP. One that can't be reached is said once, and costs spans only."""

    def __init__(
        self, endpoint: str, said: Path | None = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Speak TLS only with an `https://` endpoint; the headers go with each batch.

        Of several processes that have the file `said` in common one says it; the file is there meanwhile.
        """
        self._endpoint = endpoint
        self._said_file = said
        # Spans are handed over by a thread, which knows nothing of what the log is to say of this process.
        self._context = copy_context()
        self._closed = False
        self._reached = True
        insecure = not endpoint.startswith("https://")
        self._exporter = OTLPSpanExporter(
            endpoint=endpoint, insecure=insecure, timeout=_PATIENCE, headers=headers
        )

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand a batch over, or lose it."""
        result = SpanExportResult.FAILURE if self._closed else self._exporter.export(spans)
        self._say(reached=result is SpanExportResult.SUCCESS)
        return result

    def _say(self, *, reached: bool) -> None:
        if reached != self._reached and not self._closed:
            self._reached = reached
            if not self._is_said(reached):
                log = _log.info if reached else _log.warning
                event = "traces_delivered_again" if reached else "traces_not_delivered"
                self._context.run(log, event, endpoint=self._endpoint)

    def _is_said(self, reached: bool) -> bool:
        """Say whether another process has said so; if not, the others know from now on that we do."""
        if self._said_file is None:
            return False
        try:
            if reached:
                self._said_file.unlink()
            else:
                self._said_file.touch(exist_ok=False)
        except (FileExistsError, FileNotFoundError):
            return True
        return False

    def shutdown(self) -> None:
        """Cut off what is under way."""
        if not self._closed:
            self._closed = True
            self._exporter.shutdown()


@asynccontextmanager
async def open_tracing(
    settings: CoreSettings, service: str, exporter: SpanExporter | None = None, said: Path | None = None
) -> AsyncIterator[Tracing]:
    """Make spans in the name of a service; they go to the exporter, by default to the collector.

    `said` is as `Collector` has it.
    """
    if not settings.tracing_enabled:
        yield Tracing()
        return
    if exporter is None:
        headers = secret_text(settings.otel_exporter_otlp_headers)
        told = header_pairs(headers) if headers else ()
        exporter = Collector(settings.otel_exporter_otlp_endpoint, said, told)
    resource = Resource.create(
        {
            "service.name": service,
            "service.version": version("wms-orders"),
            # Several processes may have the same name.
            "service.instance.id": str(uuid.uuid4()),
            "process.pid": os.getpid(),
        }
    )
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield Tracing(provider.get_tracer("wms-orders"), settings.otel_traces_sampler_arg)
    finally:
        await _close(provider, exporter)


async def _close(provider: TracerProvider, exporter: SpanExporter) -> None:
    """Hand over what is left, for a moment; what a collector does not take by then is lost."""
    closing = asyncio.ensure_future(asyncio.to_thread(provider.shutdown))
    try:
        await asyncio.wait({closing}, timeout=_FAREWELL)
    finally:
        # Cuts off what is under way, so that the thread ends too.
        exporter.shutdown()
