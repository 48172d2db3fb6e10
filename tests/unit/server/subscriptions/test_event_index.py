"""The subscription index and the event buffer: the events that a subscriber receives, and their cost."""

from datetime import UTC, datetime

import pytest

from wms_core.application.database import EventFilter
from wms_core.domain.call_context import Caller
from wms_core.domain.events.events import EventRecord
from wms_core.domain.orders.status import OrderStatus
from wms_server.subscriptions import event_buffer
from wms_server.subscriptions.broadcaster import SubscriberLimits
from wms_server.subscriptions.event_buffer import EventBuffer
from wms_server.subscriptions.event_index import SubscriptionIndex
from wms_server.subscriptions.logged_event import LoggedEvent
from wms_server.subscriptions.order_subscriber import EventSubscriber

NOW = datetime(2024, 6, 1, tzinfo=UTC)
LIMITS = SubscriberLimits(max_backlog=100, heartbeat_seconds=10.0)
FILTERS = [
    EventFilter(),
    EventFilter(order_ids=frozenset({"A", "B"})),
    EventFilter(types=frozenset({"wms.order.shipped"})),
    EventFilter(statuses=frozenset({OrderStatus.SHIPPED})),
    EventFilter(customer_id="C-1"),
    EventFilter(warehouse_id="WH-02"),
    EventFilter(order_ids=frozenset({"A"}), customer_id="C-1", types=frozenset({"wms.order.updated"})),
]


def _logged_event(
    position: int, order_id: str = "A", customer: str = "C-1", to_status: OrderStatus | None = None
) -> LoggedEvent:
    kind = "wms.order.shipped" if to_status else "wms.order.updated"
    warehouse = "WH-01" if position % 2 else "WH-02"
    payload = f'{{"customerId":"{customer}"}}'
    caller = Caller("test", "", "", "", "")
    return LoggedEvent(
        EventRecord(order_id, 1, 1, kind, NOW, None, to_status, "", warehouse, caller, payload, "E", position)
    )


LOGGED_EVENTS = [
    _logged_event(1),
    _logged_event(2, "B", "C-2", OrderStatus.SHIPPED),
    _logged_event(3, "C", "C-1", OrderStatus.SHIPPED),
    _logged_event(4, "A", "C-2"),
]


async def _received_positions(subscriber: EventSubscriber) -> list[int]:
    return [(await subscriber.next_message()).position for _ in range(len(subscriber._waiting_messages))]


def _subscriber(event_filter: EventFilter, position: int = 0) -> EventSubscriber:
    return EventSubscriber(event_filter, position, EventBuffer(position), LIMITS)


async def test_each_subscriber_receives_the_events_of_its_filter() -> None:
    """The result is independent of the index key. A removed subscriber receives nothing."""
    index = SubscriptionIndex()
    subscribers = [_subscriber(event_filter) for event_filter in FILTERS for _ in range(2)]
    for subscriber in subscribers:
        index.add_subscriber(subscriber)
    index.publish(LOGGED_EVENTS)
    for subscriber in subscribers:
        assert await _received_positions(subscriber) == [
            event.position for event in LOGGED_EVENTS if event.matches(subscriber.event_filter)
        ]
        index.discard_subscriber(subscriber)
    index.publish(LOGGED_EVENTS)
    assert [await _received_positions(subscriber) for subscriber in subscribers] == [[]] * len(subscribers)
    assert not any(index._groups_by_key.values())


async def test_event_does_not_cost_subscribers_of_other_orders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thousand other filters are not evaluated, and payload and message of the event are not touched."""
    index = SubscriptionIndex()
    for number in range(1_000):
        index.add_subscriber(_subscriber(EventFilter(order_ids=frozenset({f"ORD-{number}"}))))
    evaluated_filters: list[EventFilter] = []
    matches = LoggedEvent.matches

    def count_and_match(event: LoggedEvent, event_filter: EventFilter) -> bool:
        evaluated_filters.append(event_filter)
        return matches(event, event_filter)

    monkeypatch.setattr(LoggedEvent, "matches", count_and_match)
    other_event, matching_event = _logged_event(1, "elsewhere"), _logged_event(2, "ORD-7")
    index.publish([other_event, matching_event])
    assert [event_filter.order_ids for event_filter in evaluated_filters] == [{"ORD-7"}]
    assert "encoded" not in vars(other_event)
    assert "encoded" in vars(matching_event)


async def test_subscriber_starts_in_the_buffer_without_duplicates() -> None:
    """This holds even if all other subscribers are behind its start position."""
    buffer = EventBuffer(0)
    buffer.add_events(LOGGED_EVENTS[:2])
    behind, ahead = (
        EventSubscriber(FILTERS[0], 1, buffer, LIMITS),
        EventSubscriber(FILTERS[0], 3, buffer, LIMITS),
    )
    buffer.add_events(LOGGED_EVENTS[2:])
    for subscriber in (behind, ahead):
        subscriber.receive([event.encoded for event in LOGGED_EVENTS[2:]])
    assert await _received_positions(behind) == [2, 3, 4]
    assert await _received_positions(ahead) == [4]


@pytest.mark.parametrize("limit", ["_MAX_EVENTS", "_MAX_CHARACTERS"])
def test_buffer_keeps_the_newest_events(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """It is limited by the number and by the size of events."""
    size = len(LOGGED_EVENTS[0].event.payload)
    monkeypatch.setattr(event_buffer, limit, 3 if limit == "_MAX_EVENTS" else 3 * size)
    buffer = EventBuffer(0)
    for event in LOGGED_EVENTS:
        buffer.add_events([event])
    assert (buffer.start, buffer.end) == (1, 4)
    assert [event.position for event in buffer.list_after(1)] == [2, 3, 4]
    assert [event.position for event in buffer.list_after(3)] == [4]
