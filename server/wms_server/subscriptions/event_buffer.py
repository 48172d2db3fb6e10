"""The newest events of the log in memory: a client that reconnects soon reads its missed events here."""

from collections import deque
from collections.abc import Iterable

from wms_server.subscriptions.logged_event import LoggedEvent

_MAX_EVENTS, _MAX_CHARACTERS = 2_000, 16 * 1024 * 1024


class EventBuffer:
    """All events after `start` up to `end`; adding new events evicts the oldest."""

    def __init__(self, position: int) -> None:
        self.start = self.end = position
        self._buffered_events: deque[LoggedEvent] = deque()
        self._character_count = 0

    def add_events(self, logged_events: Iterable[LoggedEvent]) -> None:
        """Add the next events of the log."""
        for logged_event in logged_events:
            self._buffered_events.append(logged_event)
            self._character_count += len(logged_event.event.payload)
            self.end = logged_event.position
        while len(self._buffered_events) > _MAX_EVENTS or self._character_count > _MAX_CHARACTERS:
            oldest_event = self._buffered_events.popleft()
            self._character_count -= len(oldest_event.event.payload)
            self.start = oldest_event.position

    def list_after(self, position: int) -> list[LoggedEvent]:
        """Return the events after a position that is not before `start`."""
        return [logged_event for logged_event in self._buffered_events if logged_event.position > position]
