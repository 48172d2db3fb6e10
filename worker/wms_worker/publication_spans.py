"""The spans of events that were published: each under the span that its event was written in.

The record in Kafka carries that one, not these: the same event has the same bytes however often it is sent.
"""

import time
from collections.abc import Collection, Iterable

from opentelemetry.trace import SpanKind, StatusCode

from wms_core.domain.publishing import LogEvent
from wms_core.traces import Tracing

#: Spans of one round at most; the more there are, the longer Kafka would wait for the next one.
MOST = 200
#: The last digit of a `traceparent` that somebody traces.
_SAMPLED = frozenset("13579bdf")


class PublicationSpans:
    """Tells of what was published to a topic."""

    def __init__(self, tracing: Tracing, topic: str) -> None:
        """Tell nothing where tracing is off."""
        self._tracing = tracing
        self._topic = topic

    def tell(self, events: Iterable[LogEvent], refused: Collection[str], began: int) -> None:
        """Tell of the traced ones of a round that began then (nanoseconds since 1970) and is over now.

        `refused` are the ids of those that Kafka refused.
        """
        if not self._tracing.is_on:
            return
        ends, left = time.time_ns(), MOST
        for event in events:
            if event.traceparent[-1:] in _SAMPLED and left:
                left -= 1
                self._tell(event, event.event_id in refused, began, ends)

    def _tell(self, event: LogEvent, is_refused: bool, began: int, ends: int) -> None:
        span = self._tracing.begin(f"send {self._topic}", SpanKind.PRODUCER, event.traceparent, began)
        span.set_attributes(
            {
                "messaging.system": "kafka",
                "messaging.operation.type": "send",
                "messaging.destination.name": self._topic,
                "messaging.message.id": event.event_id,
                "wms.event": event.type,
                "wms.correlation_id": event.correlation_id,
            }
        )
        if is_refused:
            span.set_status(StatusCode.ERROR)
        span.end(ends)
