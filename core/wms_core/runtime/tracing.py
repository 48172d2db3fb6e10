"""Tracing: entry points create spans, this module sends them to a collector, core passes ids as text.

A span is created for a call whose caller traces it, and for a share of all other calls. Calls without a span
cost nothing: their `traceparent` is passed on unchanged.
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

from wms_core.config.settings import CoreSettings, get_secret_text, parse_header_pairs
from wms_core.domain.errors import OperationAborted, ServiceUnavailable, WmsError

_TRACEPARENT_PATTERN = re.compile(
    r"(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})(-.*)?"
)
_EMPTY_CONTEXT = Context()
CLOSE_TIMEOUT_SECONDS = 1.0  # to send the last spans
_EXPORT_TIMEOUT_SECONDS = 5.0  # for one batch
_log = structlog.get_logger(__name__)


def parse_traceparent(text: str) -> str:
    """Return a `traceparent` (W3C Trace Context) in version 00, empty if it is malformed."""
    pattern_match = _TRACEPARENT_PATTERN.fullmatch(text)
    if pattern_match is None or (pattern_match[1] == "00" and pattern_match[3]):
        return ""
    return f"00-{pattern_match[2]}"


def format_traceparent(span: Span) -> str:
    """Return the `traceparent` of a span, empty for an invalid one."""
    span_context = span.get_span_context()
    if not span_context.is_valid:
        return ""
    return f"00-{span_context.trace_id:032x}-{span_context.span_id:016x}-{span_context.trace_flags:02x}"


def record_database_error(span: Span, error: BaseException) -> None:
    """Record an error on a database span; domain errors such as OrderNotFound are not recorded."""
    if isinstance(error, WmsError) and not isinstance(error, ServiceUnavailable | OperationAborted):
        return
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(StatusCode.ERROR)


class SpanTracing:
    """Creates the spans of one process; without a tracer, none."""

    def __init__(self, otel_tracer: Tracer | None = None, sample_ratio: float = 1.0) -> None:
        """Set the share of calls to trace that have no incoming trace."""
        self._otel_tracer = otel_tracer
        self._sample_ratio = sample_ratio

    @property
    def is_enabled(self) -> bool:
        """True if spans are created."""
        return self._otel_tracer is not None

    def start_span(
        self, name: str, kind: SpanKind, parent_traceparent: str, started_at_ns: int | None = None
    ) -> Span:
        """Start a span, under its parent if there is one; return INVALID_SPAN for a call that is not sampled.

        `started_at_ns` is in nanoseconds since 1970; default is now.
        """
        if self._otel_tracer is None or not self._is_sampled(parent_traceparent):
            return INVALID_SPAN
        return self._otel_tracer.start_span(
            name, _build_context(parent_traceparent), kind, start_time=started_at_ns
        )

    def _is_sampled(self, parent_traceparent: str) -> bool:
        if parent_traceparent:
            return bool(int(parent_traceparent[-1], 16) & TraceFlags.SAMPLED)
        return random.random() < self._sample_ratio  # noqa: S311 # sampling, no secret


def _build_context(parent_traceparent: str) -> Context:
    if not parent_traceparent:
        return _EMPTY_CONTEXT
    _, trace_id, span_id, trace_flags = parent_traceparent.split("-")
    parent_context = SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(trace_flags, 16)))
    return set_span_in_context(NonRecordingSpan(parent_context), _EMPTY_CONTEXT)


class CollectorExporter(SpanExporter):
    """Sends spans to a collector by OTLP. An unreachable collector is logged once and loses spans only."""

    def __init__(
        self,
        collector_endpoint: str,
        reported_file: Path | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Connect with TLS only if the endpoint is `https://`; the headers are sent with each batch.

        Processes with a common `reported_file` log the state once: the file exists while the collector is
        unreachable.
        """
        self._collector_endpoint = collector_endpoint
        self._reported_file = reported_file
        # A thread exports the spans, so the log context of this process has to be copied for it.
        self._log_context = copy_context()
        self._is_closed = False
        self._is_reachable = True
        is_insecure = not collector_endpoint.startswith("https://")
        self._otlp_exporter = OTLPSpanExporter(
            endpoint=collector_endpoint,
            insecure=is_insecure,
            timeout=_EXPORT_TIMEOUT_SECONDS,
            headers=headers,
        )

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; a batch that fails is lost."""
        export_status = SpanExportResult.FAILURE if self._is_closed else self._otlp_exporter.export(spans)
        self._log_reachability(is_reachable=export_status is SpanExportResult.SUCCESS)
        return export_status

    def _log_reachability(self, *, is_reachable: bool) -> None:
        if is_reachable != self._is_reachable and not self._is_closed:
            self._is_reachable = is_reachable
            if not self._already_reported(is_reachable):
                log_method = _log.info if is_reachable else _log.warning
                event = "traces_delivered_again" if is_reachable else "traces_not_delivered"
                self._log_context.run(log_method, event, endpoint=self._collector_endpoint)

    def _already_reported(self, is_reachable: bool) -> bool:
        """Return whether another process has logged this state; if not, mark it as logged."""
        if self._reported_file is None:
            return False
        try:
            if is_reachable:
                self._reported_file.unlink()
            else:
                self._reported_file.touch(exist_ok=False)
        except (FileExistsError, FileNotFoundError):
            return True
        return False

    def shutdown(self) -> None:
        """Cancel the current export."""
        if not self._is_closed:
            self._is_closed = True
            self._otlp_exporter.shutdown()


@asynccontextmanager
async def open_tracing(
    settings: CoreSettings,
    service_name: str,
    span_exporter: SpanExporter | None = None,
    reported_file: Path | None = None,
) -> AsyncIterator[SpanTracing]:
    """Create spans under a service name; they go to the exporter, by default to the collector.

    `reported_file` is that of `CollectorExporter`.
    """
    if not settings.tracing_enabled:
        yield SpanTracing()
        return
    if span_exporter is None:
        headers_text = get_secret_text(settings.otel_exporter_otlp_headers)
        collector_headers = parse_header_pairs(headers_text) if headers_text else ()
        span_exporter = CollectorExporter(
            settings.otel_exporter_otlp_endpoint, reported_file, collector_headers
        )
    otel_resource = Resource.create(
        {
            "service.name": service_name,
            "service.version": version("wms-orders"),
            # Several processes may have the same name.
            "service.instance.id": str(uuid.uuid4()),
            "process.pid": os.getpid(),
        }
    )
    tracer_provider = TracerProvider(sampler=ALWAYS_ON, resource=otel_resource, shutdown_on_exit=False)
    tracer_provider.add_span_processor(BatchSpanProcessor(span_exporter))
    try:
        yield SpanTracing(tracer_provider.get_tracer("wms-orders"), settings.otel_traces_sampler_arg)
    finally:
        await _close_provider(tracer_provider, span_exporter)


async def _close_provider(tracer_provider: TracerProvider, span_exporter: SpanExporter) -> None:
    """Send the last spans within the timeout; spans that are left then are lost."""
    shutdown_task = asyncio.ensure_future(asyncio.to_thread(tracer_provider.shutdown))
    try:
        await asyncio.wait({shutdown_task}, timeout=CLOSE_TIMEOUT_SECONDS)
    finally:
        # This cancels the current export, so that the thread ends, too.
        span_exporter.shutdown()
