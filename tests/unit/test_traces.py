"""Which spans are made, whose children they are, and which text is a trace at all."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind

from wms_core.traces import Tracing, read_traceparent, traceparent_of
from wms_dev.stack.plan import COLLECTOR, dev_plan

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
UNSAMPLED = f"00-{TRACE}-{PARENT}-00"


def _begin(traceparent: str, ratio: float = 1.0) -> Span:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    return Tracing(tracer, ratio).begin("name", SpanKind.SERVER, traceparent)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (SAMPLED, SAMPLED),
        (UNSAMPLED, UNSAMPLED),
        # A later version may have more at its end; what we know of it is handed on in ours.
        (f"cc-{TRACE}-{PARENT}-09-what-comes-later", f"00-{TRACE}-{PARENT}-09"),
    ],
)
def test_a_trace_is_read(text: str, read: str) -> None:
    """As W3C Trace Context writes it, later versions included."""
    assert read_traceparent(text) == read


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
def test_what_is_no_trace_is_ignored(text: str) -> None:
    """A malformed header is as good as none."""
    assert read_traceparent(text) == ""


def test_a_span_is_a_child_of_a_traced_caller() -> None:
    """Same trace, another span, and others are told of the new one; whatever share of calls is traced."""
    span = _begin(SAMPLED, ratio=0.0)
    assert traceparent_of(span).startswith(f"00-{TRACE}-")
    assert PARENT not in traceparent_of(span)
    assert traceparent_of(span).endswith("-01")
    assert span.parent.span_id == int(PARENT, 16)  # type: ignore[attr-defined] # of the SDK's spans


def test_what_the_caller_does_not_trace_has_no_span() -> None:
    """The caller decided it for all who come after."""
    assert _begin(UNSAMPLED, ratio=1.0) is INVALID_SPAN


def test_a_share_of_what_nobody_traces_is_traced() -> None:
    """None at 0, all at 1, and about as many as was said between."""
    assert _begin("", ratio=0.0) is INVALID_SPAN
    first, second = _begin(""), _begin("")
    assert first.get_span_context().trace_id != second.get_span_context().trace_id
    made = sum(_begin("", ratio=0.5) is not INVALID_SPAN for _ in range(400))
    assert 100 < made < 300


def test_without_a_tracer_there_are_no_spans() -> None:
    """Also for a caller that is traced; of no span there is nothing to tell."""
    assert Tracing().begin("name", SpanKind.SERVER, SAMPLED) is INVALID_SPAN
    assert traceparent_of(INVALID_SPAN) == ""


def test_in_development_nothing_is_traced_unless_somebody_collects_it() -> None:
    """`make dev` says nothing of a missing collector; naming one, or saying so, switches spans on."""
    assert dev_plan({}).child_environment("", "")["TRACING_ENABLED"] == "false"
    assert "TRACING_ENABLED" not in dev_plan({COLLECTOR: "host:4317"}).child_environment("", "")
    assert dev_plan({"TRACING_ENABLED": "true"}).child_environment("", "")["TRACING_ENABLED"] == "true"
