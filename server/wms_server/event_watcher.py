"""One watcher of events, from the end of what it has read on."""

from collections.abc import Iterable, Sequence

from wms_core.application.ports import EventFilter
from wms_server.event_news import News, Told, heartbeat
from wms_server.recent_events import RecentEvents
from wms_server.watcher import Patience, Watcher


class EventWatcher(Watcher[Told]):
    """A watcher of the events that a filter lets through."""

    def __init__(self, wanted: EventFilter, position: int, recent: RecentEvents, patience: Patience) -> None:
        """Begin after a position with those events that were read already; `recent.end` is where all are."""
        super().__init__(
            patience, lambda: heartbeat(max(position, recent.end)), lambda told: len(told.message)
        )
        self.wanted = wanted
        self._position = position
        self.begin(_told(recent.after(position), wanted))

    def hear(self, news: Sequence[Told]) -> None:
        """Take what is new; where the log was read for all may be behind where this one began."""
        if news[0].position <= self._position:
            news = [told for told in news if told.position > self._position]
        self.tell(news)


def _told(news: Iterable[News], wanted: EventFilter) -> list[Told]:
    return [one.told for one in news if one.suits(wanted)]
