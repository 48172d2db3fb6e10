"""The subscriber of events, which receives them from the end of its own reading on."""

from collections.abc import Iterable, Sequence

from wms_core.application.database import EventFilter
from wms_server.subscriptions.broadcaster import Subscriber, SubscriberLimits
from wms_server.subscriptions.event_buffer import EventBuffer
from wms_server.subscriptions.logged_event import EncodedMessage, LoggedEvent, encode_heartbeat


class EventSubscriber(Subscriber[EncodedMessage]):
    """A subscriber to the events that match a filter."""

    def __init__(
        self,
        event_filter: EventFilter,
        position: int,
        event_buffer: EventBuffer,
        subscriber_limits: SubscriberLimits,
    ) -> None:
        super().__init__(
            subscriber_limits,
            lambda: encode_heartbeat(max(position, event_buffer.end)),
            lambda encoded_message: len(encoded_message.message),
        )
        self.event_filter = event_filter
        self._position = position
        self.enqueue_initial(_encode_matching(event_buffer.list_after(position), event_filter))

    def receive(self, encoded_messages: Sequence[EncodedMessage]) -> None:
        """Enqueue new events, without those before the start: the shared reader may be behind it."""
        if encoded_messages[0].position <= self._position:
            encoded_messages = [
                encoded_message
                for encoded_message in encoded_messages
                if encoded_message.position > self._position
            ]
        self.enqueue(encoded_messages)


def _encode_matching(logged_events: Iterable[LoggedEvent], event_filter: EventFilter) -> list[EncodedMessage]:
    return [logged_event.encoded for logged_event in logged_events if logged_event.matches(event_filter)]
