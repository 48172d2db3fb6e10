"""Index of event subscribers by filter: an event costs only as much as the subscribers that may match.

Subscribers with equal filters form one group. A group is indexed by the narrowest condition of its filter, so
a thousand subscribers of different orders cost an event hardly more than one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from wms_core.application.database import EventFilter
from wms_server.subscriptions.logged_event import EncodedMessage, LoggedEvent
from wms_server.subscriptions.order_subscriber import EventSubscriber

#: The kinds of index keys, and the key that an event has of each kind.
_INDEX_KEYS: dict[str, Callable[[LoggedEvent], str]] = {
    "order": lambda logged_event: logged_event.event.order_id,
    "customer": lambda logged_event: logged_event.customer_id,
    "type": lambda logged_event: logged_event.event.type,
    "any": lambda _logged_event: "",
}


class SubscriberGroup:
    """The subscribers with the same filter."""

    def __init__(self, event_filter: EventFilter) -> None:
        self.event_filter = event_filter
        self.group_subscribers: set[EventSubscriber] = set()


class SubscriptionIndex:
    """All event subscribers of one process."""

    def __init__(self) -> None:
        self._groups_by_filter: dict[EventFilter, SubscriberGroup] = {}
        self._groups_by_key: dict[str, dict[str, set[SubscriberGroup]]] = {kind: {} for kind in _INDEX_KEYS}

    def add_subscriber(self, event_subscriber: EventSubscriber) -> None:
        """Add a subscriber; it receives the events published from now on."""
        group = self._groups_by_filter.get(event_subscriber.event_filter)
        if group is None:
            group = self._groups_by_filter[event_subscriber.event_filter] = SubscriberGroup(
                event_subscriber.event_filter
            )
            kind, key_names = _get_index_entry(group.event_filter)
            for name in key_names:
                self._groups_by_key[kind].setdefault(name, set()).add(group)
        group.group_subscribers.add(event_subscriber)

    def discard_subscriber(self, event_subscriber: EventSubscriber) -> None:
        """Remove a subscriber."""
        group = self._groups_by_filter.get(event_subscriber.event_filter)
        if group is None:
            return
        group.group_subscribers.discard(event_subscriber)
        if not group.group_subscribers:
            del self._groups_by_filter[group.event_filter]
            kind, key_names = _get_index_entry(group.event_filter)
            for name in key_names:
                self._groups_by_key[kind][name].discard(group)
                if not self._groups_by_key[kind][name]:
                    del self._groups_by_key[kind][name]

    def publish(self, logged_events: Sequence[LoggedEvent]) -> None:
        """Enqueue the next events for the groups whose filters match."""
        messages_by_group: defaultdict[SubscriberGroup, list[EncodedMessage]] = defaultdict(list)
        for logged_event in logged_events:
            for group in self._find_groups(logged_event):
                if logged_event.matches(group.event_filter):
                    messages_by_group[group].append(logged_event.encoded)
        for group, encoded_messages in messages_by_group.items():
            for event_subscriber in group.group_subscribers:
                event_subscriber.receive(encoded_messages)

    def _find_groups(self, logged_event: LoggedEvent) -> Iterator[SubscriberGroup]:
        for kind, get_key in _INDEX_KEYS.items():
            if groups_by_name := self._groups_by_key[kind]:
                yield from groups_by_name.get(get_key(logged_event), ())


def _get_index_entry(event_filter: EventFilter) -> tuple[str, frozenset[str]]:
    """Return the kind and the keys by which a group is indexed."""
    if event_filter.order_ids:
        return "order", event_filter.order_ids
    if event_filter.customer_id:
        return "customer", frozenset({event_filter.customer_id})
    if event_filter.types:
        return "type", event_filter.types
    return "any", frozenset({""})
