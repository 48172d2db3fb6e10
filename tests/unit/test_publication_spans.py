"""Which published events have a span, and what it says."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from wms_core.domain.publishing import LogEvent
from wms_core.traces import Tracing
from wms_worker.publication_spans import MOST, PublicationSpans

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def _event(number: int, flags: str | None) -> LogEvent:
    traceparent = "" if flags is None else f"00-{TRACE}-{PARENT}-{flags}"
    at = "2026-01-01T00:00:00Z"
    return LogEvent(
        number,
        "ORD-1",
        f"E-{number}",
        number,
        "wms.order.received",
        at,
        "WH-01",
        "C",
        "",
        "",
        traceparent,
        "{}",
    )


def _spans() -> tuple[PublicationSpans, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return PublicationSpans(Tracing(provider.get_tracer("test")), "topic"), exporter


def test_only_events_that_somebody_traces_have_a_span() -> None:
    """By the flag of their trace, whatever other flags are beside it; one without a trace has none."""
    spans, exporter = _spans()
    events = [_event(1, None), _event(2, "00"), _event(3, "01"), _event(4, "02"), _event(5, "03")]
    spans.tell(events, [], 1_000)
    told = exporter.get_finished_spans()
    assert [(span.attributes or {})["messaging.message.id"] for span in told] == ["E-3", "E-5"]
    assert [f"{span.parent.span_id:016x}" for span in told if span.parent] == [PARENT, PARENT]
    assert [span.start_time for span in told] == [1_000, 1_000]


def test_a_refused_event_is_an_error() -> None:
    """The others of its round are none."""
    spans, exporter = _spans()
    spans.tell([_event(1, "01"), _event(2, "01")], ["E-2"], 1_000)
    codes = [span.status.status_code for span in exporter.get_finished_spans()]
    assert codes == [StatusCode.UNSET, StatusCode.ERROR]


def test_of_a_large_round_a_part_is_told() -> None:
    """So that Kafka need not wait while thousands of spans are made; the next round is told of anew."""
    spans, exporter = _spans()
    events = [_event(number, "01") for number in range(1, MOST + 100)]
    for _ in range(2):
        spans.tell(events, [], 1_000)
    assert len(exporter.get_finished_spans()) == 2 * MOST


def test_without_tracing_nothing_is_looked_at() -> None:
    """Not even the events."""

    def untouched() -> object:
        raise AssertionError

    PublicationSpans(Tracing(), "topic").tell(iter(untouched, None), [], 1_000)  # type: ignore[arg-type]
