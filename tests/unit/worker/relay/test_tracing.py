"""Spans of published events."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from wms_core.domain.events.kafka import LogEvent
from wms_core.runtime.tracing import SpanTracing
from wms_worker.relay.tracing import MAX_SPANS_PER_BATCH, PublicationSpans

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def _build_log_event(number: int, flags: str | None) -> LogEvent:
    traceparent = "" if flags is None else f"00-{TRACE}-{PARENT}-{flags}"
    occurred_at = "2026-01-01T00:00:00Z"
    return LogEvent(
        number,
        "ORD-1",
        f"E-{number}",
        number,
        "wms.order.received",
        occurred_at,
        "WH-01",
        "C",
        "",
        "",
        traceparent,
        "{}",
    )


def _create_spans() -> tuple[PublicationSpans, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return PublicationSpans(SpanTracing(provider.get_tracer("test")), "topic"), exporter


def test_only_sampled_events_have_a_span() -> None:
    """The sampled flag of the trace decides, beside any other flags. An event without a trace has no span."""
    spans, exporter = _create_spans()
    events = [
        _build_log_event(1, None),
        _build_log_event(2, "00"),
        _build_log_event(3, "01"),
        _build_log_event(4, "02"),
        _build_log_event(5, "03"),
    ]
    spans.record_published(events, [], 1_000)
    finished_spans = exporter.get_finished_spans()
    assert [(span.attributes or {})["messaging.message.id"] for span in finished_spans] == ["E-3", "E-5"]
    assert [f"{span.parent.span_id:016x}" for span in finished_spans if span.parent] == [PARENT, PARENT]
    assert [span.start_time for span in finished_spans] == [1_000, 1_000]


def test_rejected_event_is_an_error_span() -> None:
    """The other events of its batch have no error."""
    spans, exporter = _create_spans()
    spans.record_published([_build_log_event(1, "01"), _build_log_event(2, "01")], ["E-2"], 1_000)
    codes = [span.status.status_code for span in exporter.get_finished_spans()]
    assert codes == [StatusCode.UNSET, StatusCode.ERROR]


def test_spans_of_a_batch_are_limited() -> None:
    """Kafka must not wait while thousands of spans are created. The limit applies to each batch anew."""
    spans, exporter = _create_spans()
    events = [_build_log_event(number, "01") for number in range(1, MAX_SPANS_PER_BATCH + 100)]
    for _ in range(2):
        spans.record_published(events, [], 1_000)
    assert len(exporter.get_finished_spans()) == 2 * MAX_SPANS_PER_BATCH


def test_without_tracing_events_are_not_iterated() -> None:
    """Disabled tracing must cost nothing."""

    def fail() -> object:
        raise AssertionError

    PublicationSpans(SpanTracing(), "topic").record_published(iter(fail, None), [], 1_000)  # type: ignore[arg-type]
