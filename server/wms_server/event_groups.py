"""Watchers of events by what they want: an event costs as much as there are those who may want it.

Those who want the same are one group. A group is entered under the narrowest thing that it asks for, so
that a thousand watchers of an order each cost an event hardly more than one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from wms_core.application.ports import EventFilter
from wms_server.event_news import News, Told
from wms_server.event_watcher import EventWatcher

#: What groups are entered under, and what of an event leads to them.
_LEADS: dict[str, Callable[[News], str]] = {
    "order": lambda news: news.event.order_id,
    "customer": lambda news: news.customer_id,
    "type": lambda news: news.event.type,
    "any": lambda _news: "",
}


class Group:
    """The watchers that want the same."""

    def __init__(self, wanted: EventFilter) -> None:
        """Start with none."""
        self.wanted = wanted
        self.watchers: set[EventWatcher] = set()


class EventGroups:
    """All watchers of events of one process."""

    def __init__(self) -> None:
        """Start with none."""
        self._groups: dict[EventFilter, Group] = {}
        self._entered: dict[str, dict[str, set[Group]]] = {kind: {} for kind in _LEADS}

    def add(self, watcher: EventWatcher) -> None:
        """Tell a watcher from now on."""
        group = self._groups.get(watcher.wanted)
        if group is None:
            group = self._groups[watcher.wanted] = Group(watcher.wanted)
            kind, names = _entry(group.wanted)
            for name in names:
                self._entered[kind].setdefault(name, set()).add(group)
        group.watchers.add(watcher)

    def discard(self, watcher: EventWatcher) -> None:
        """Tell a watcher no more."""
        group = self._groups.get(watcher.wanted)
        if group is None:
            return
        group.watchers.discard(watcher)
        if not group.watchers:
            del self._groups[group.wanted]
            kind, names = _entry(group.wanted)
            for name in names:
                self._entered[kind][name].discard(group)
                if not self._entered[kind][name]:
                    del self._entered[kind][name]

    def tell(self, news: Sequence[News]) -> None:
        """Tell each group what it wants of the next events."""
        found: defaultdict[Group, list[Told]] = defaultdict(list)
        for one in news:
            for group in self._led_to(one):
                if one.suits(group.wanted):
                    found[group].append(one.told)
        for group, told in found.items():
            for watcher in group.watchers:
                watcher.hear(told)

    def _led_to(self, news: News) -> Iterator[Group]:
        for kind, lead in _LEADS.items():
            if entered := self._entered[kind]:
                yield from entered.get(lead(news), ())


def _entry(wanted: EventFilter) -> tuple[str, frozenset[str]]:
    """Give the kind and the names that a group is entered under."""
    if wanted.order_ids:
        return "order", wanted.order_ids
    if wanted.customer_id:
        return "customer", frozenset({wanted.customer_id})
    if wanted.types:
        return "type", wanted.types
    return "any", frozenset({""})
