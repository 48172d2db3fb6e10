"""Spans of published events, each a child of the span in which its event was written.

The record in Kafka contains the parent's traceparent and not that of the span here, because the same event
has the same bytes each time it is sent.
"""

import time
from collections.abc import Collection, Iterable

from opentelemetry.trace import SpanKind, StatusCode

from wms_core.domain.events.kafka import LogEvent
from wms_core.runtime.tracing import SpanTracing

#: Maximum spans of one publish batch. Creating them delays the next batch.
MAX_SPANS_PER_BATCH = 200
#: Last digits of a `traceparent` with the sampled flag.
_SAMPLED_FLAG_DIGITS = frozenset("13579bdf")


class PublicationSpans:
    """Create spans for the events published to a topic, if tracing is enabled."""

    def __init__(self, span_tracing: SpanTracing, topic_name: str) -> None:
        self._span_tracing = span_tracing
        self._topic_name = topic_name

    def record_published(
        self, log_events: Iterable[LogEvent], rejected_event_ids: Collection[str], started_at_ns: int
    ) -> None:
        """Create spans for the sampled events of a publish batch that ends now.

        `started_at_ns` is in nanoseconds since 1970. `rejected_event_ids` are the events that Kafka rejected.
        """
        if not self._span_tracing.is_enabled:
            return
        ended_at_ns, remaining_spans = time.time_ns(), MAX_SPANS_PER_BATCH
        for event in log_events:
            if event.traceparent[-1:] in _SAMPLED_FLAG_DIGITS and remaining_spans:
                remaining_spans -= 1
                self._record_event(event, event.event_id in rejected_event_ids, started_at_ns, ended_at_ns)

    def _record_event(self, event: LogEvent, is_rejected: bool, started_at_ns: int, ended_at_ns: int) -> None:
        span = self._span_tracing.start_span(
            f"send {self._topic_name}", SpanKind.PRODUCER, event.traceparent, started_at_ns
        )
        span.set_attributes(
            {
                "messaging.system": "kafka",
                "messaging.operation.type": "send",
                "messaging.destination.name": self._topic_name,
                "messaging.message.id": event.event_id,
                "wms.event": event.type,
                "wms.correlation_id": event.correlation_id,
            }
        )
        if is_rejected:
            span.set_status(StatusCode.ERROR)
        span.end(ended_at_ns)
