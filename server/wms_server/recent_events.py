"""The end of the event log in memory: who comes back after a short while finds here what he missed."""

from collections import deque
from collections.abc import Iterable

from wms_server.event_news import News

_EVENTS, _CHARACTERS = 2_000, 16 * 1024 * 1024


class RecentEvents:
    """Every event after `start`, up to `end`; the oldest are given up as others come."""

    def __init__(self, position: int) -> None:
        """Begin at a position, with none."""
        self.start = self.end = position
        self._kept: deque[News] = deque()
        self._characters = 0

    def add(self, news: Iterable[News]) -> None:
        """Take the next events of the log."""
        for one in news:
            self._kept.append(one)
            self._characters += len(one.event.payload)
            self.end = one.position
        while len(self._kept) > _EVENTS or self._characters > _CHARACTERS:
            oldest = self._kept.popleft()
            self._characters -= len(oldest.event.payload)
            self.start = oldest.position

    def after(self, position: int) -> list[News]:
        """Give the events after a position that is not before `start`."""
        return [one for one in self._kept if one.position > position]
