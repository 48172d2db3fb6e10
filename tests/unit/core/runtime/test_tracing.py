"""Tracing: which spans are created, their parents, and the parser of trace headers."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind

from wms_core.runtime.tracing import SpanTracing, format_traceparent, parse_traceparent
from wms_dev.local_stack.config import COLLECTOR_VARIABLE, dev_stack_config

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
UNSAMPLED = f"00-{TRACE}-{PARENT}-00"


def _start_span(traceparent: str, ratio: float = 1.0) -> Span:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    return SpanTracing(tracer, ratio).start_span("name", SpanKind.SERVER, traceparent)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (SAMPLED, SAMPLED),
        (UNSAMPLED, UNSAMPLED),
        # A later version may append fields. The known ones are passed on in our version.
        (f"cc-{TRACE}-{PARENT}-09-what-comes-later", f"00-{TRACE}-{PARENT}-09"),
    ],
)
def test_trace_header_is_parsed(text: str, parsed: str) -> None:
    """The format is W3C Trace Context, including later versions."""
    assert parse_traceparent(text) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        SAMPLED.upper(),
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{SAMPLED}-more",
        f"{SAMPLED} ",
        f"{SAMPLED}\n",
        SAMPLED[:-1],
        f"cc-{TRACE}-{PARENT}-01more",
    ],
)
def test_malformed_trace_header_is_ignored(text: str) -> None:
    """A malformed header counts as no header."""
    assert parse_traceparent(text) == ""


def test_span_is_a_child_of_a_traced_caller() -> None:
    """It has the caller's trace and a new span id, at any sampling ratio. Later calls receive the new id."""
    span = _start_span(SAMPLED, ratio=0.0)
    assert format_traceparent(span).startswith(f"00-{TRACE}-")
    assert PARENT not in format_traceparent(span)
    assert format_traceparent(span).endswith("-01")
    assert span.parent.span_id == int(PARENT, 16)  # type: ignore[attr-defined] # an attribute of the SDK's spans


def test_untraced_call_has_no_span() -> None:
    """The caller decides for all later calls."""
    assert _start_span(UNSAMPLED, ratio=1.0) is INVALID_SPAN


def test_calls_without_a_trace_are_sampled() -> None:
    """A ratio of 0 samples no call, 1 samples all, and others about their share."""
    assert _start_span("", ratio=0.0) is INVALID_SPAN
    first, second = _start_span(""), _start_span("")
    assert first.get_span_context().trace_id != second.get_span_context().trace_id
    span_count = sum(_start_span("", ratio=0.5) is not INVALID_SPAN for _ in range(400))
    assert 100 < span_count < 300


def test_without_a_tracer_there_are_no_spans() -> None:
    """This holds for a traced caller as well. An invalid span has no header."""
    assert SpanTracing().start_span("name", SpanKind.SERVER, SAMPLED) is INVALID_SPAN
    assert format_traceparent(INVALID_SPAN) == ""


def test_development_stack_traces_only_with_a_collector() -> None:
    """`make dev` logs nothing about a missing collector.

    A configured collector or an explicit setting enables spans.
    """
    assert dev_stack_config({}).child_environment("", "")["TRACING_ENABLED"] == "false"
    assert "TRACING_ENABLED" not in dev_stack_config({COLLECTOR_VARIABLE: "host:4317"}).child_environment(
        "", ""
    )
    assert (
        dev_stack_config({"TRACING_ENABLED": "true"}).child_environment("", "")["TRACING_ENABLED"] == "true"
    )
