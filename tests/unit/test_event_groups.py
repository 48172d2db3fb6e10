"""Watchers by what they want, and the end of the log in memory: who is told what, and at what cost."""

from datetime import UTC, datetime

import pytest

from wms_core.application.ports import EventFilter
from wms_core.domain.caller import Caller
from wms_core.domain.events import EventRecord
from wms_core.domain.order_status import OrderStatus
from wms_server import recent_events
from wms_server.event_groups import EventGroups
from wms_server.event_news import News
from wms_server.event_watcher import EventWatcher
from wms_server.recent_events import RecentEvents
from wms_server.watcher import Patience

NOW = datetime(2024, 6, 1, tzinfo=UTC)
PATIENCE = Patience(room=100, quiet=10.0)
FILTERS = [
    EventFilter(),
    EventFilter(order_ids=frozenset({"A", "B"})),
    EventFilter(types=frozenset({"wms.order.shipped"})),
    EventFilter(statuses=frozenset({OrderStatus.SHIPPED})),
    EventFilter(customer_id="C-1"),
    EventFilter(warehouse_id="WH-02"),
    EventFilter(order_ids=frozenset({"A"}), customer_id="C-1", types=frozenset({"wms.order.updated"})),
]


def _news(position: int, order_id: str = "A", customer: str = "C-1", to: OrderStatus | None = None) -> News:
    kind = "wms.order.shipped" if to else "wms.order.updated"
    warehouse = "WH-01" if position % 2 else "WH-02"
    payload = f'{{"customerId":"{customer}"}}'
    caller = Caller("test", "", "", "", "")
    return News(
        EventRecord(order_id, 1, 1, kind, NOW, None, to, "", warehouse, caller, payload, "E", position)
    )


NEWS = [
    _news(1),
    _news(2, "B", "C-2", OrderStatus.SHIPPED),
    _news(3, "C", "C-1", OrderStatus.SHIPPED),
    _news(4, "A", "C-2"),
]


async def _heard(watcher: EventWatcher) -> list[int]:
    return [(await watcher.next()).position for _ in range(len(watcher._waiting))]


def _watcher(wanted: EventFilter, position: int = 0) -> EventWatcher:
    return EventWatcher(wanted, position, RecentEvents(position), PATIENCE)


async def test_each_watcher_is_told_what_its_filter_lets_through() -> None:
    """Whatever it is found by; once it has left, nothing more."""
    groups = EventGroups()
    watchers = [_watcher(wanted) for wanted in FILTERS for _ in range(2)]
    for watcher in watchers:
        groups.add(watcher)
    groups.tell(NEWS)
    for watcher in watchers:
        assert await _heard(watcher) == [one.position for one in NEWS if one.suits(watcher.wanted)]
        groups.discard(watcher)
    groups.tell(NEWS)
    assert [await _heard(watcher) for watcher in watchers] == [[]] * len(watchers)
    assert not any(groups._entered.values())


async def test_an_event_costs_nothing_of_those_who_watch_other_orders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thousand of them are not even asked, nor is its payload read or its message written."""
    groups = EventGroups()
    for number in range(1_000):
        groups.add(_watcher(EventFilter(order_ids=frozenset({f"ORD-{number}"}))))
    asked: list[EventFilter] = []
    suits = News.suits

    def counted(news: News, wanted: EventFilter) -> bool:
        asked.append(wanted)
        return suits(news, wanted)

    monkeypatch.setattr(News, "suits", counted)
    elsewhere, wanted = _news(1, "elsewhere"), _news(2, "ORD-7")
    groups.tell([elsewhere, wanted])
    assert [filter_.order_ids for filter_ in asked] == [{"ORD-7"}]
    assert "told" not in vars(elsewhere)
    assert "told" in vars(wanted)


async def test_a_watcher_begins_with_what_is_in_memory_and_hears_nothing_twice() -> None:
    """Also when all others are still behind the place where it begins."""
    recent = RecentEvents(0)
    recent.add(NEWS[:2])
    behind, ahead = (
        EventWatcher(FILTERS[0], 1, recent, PATIENCE),
        EventWatcher(FILTERS[0], 3, recent, PATIENCE),
    )
    recent.add(NEWS[2:])
    for watcher in (behind, ahead):
        watcher.hear([one.told for one in NEWS[2:]])
    assert await _heard(behind) == [2, 3, 4]
    assert await _heard(ahead) == [4]


@pytest.mark.parametrize("limit", ["_EVENTS", "_CHARACTERS"])
def test_memory_holds_the_newest_events_and_knows_where_they_begin(
    monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """Bounded by their number and by their size."""
    size = len(NEWS[0].event.payload)
    monkeypatch.setattr(recent_events, limit, 3 if limit == "_EVENTS" else 3 * size)
    recent = RecentEvents(0)
    for one in NEWS:
        recent.add([one])
    assert (recent.start, recent.end) == (1, 4)
    assert [one.position for one in recent.after(1)] == [2, 3, 4]
    assert [one.position for one in recent.after(3)] == [4]
