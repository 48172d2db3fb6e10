"""ListParkedEvents and ReleaseParkedEvent: what operators see and do of events that Kafka refused."""

from collections.abc import Sequence

import pytest

from tests.support.api import Api
from tests.support.failures import failing
from tests.support.invariants import Sql
from tests.support.orders import created
from tests.support.relay import park
from wms.orders.v1 import fulfillment_pb2 as pb
from wms.orders.v1 import orders_pb2

pytestmark = pytest.mark.also_over_http


async def _parked_orders(api: Api, sql: Sql, number: int) -> list[str]:
    orders = [(await created(api)).order_id for _ in range(number)]
    await park(sql, *orders)
    return orders


def _orders(answer: pb.ListParkedEventsResponse) -> Sequence[str]:
    return [parked.event.order_id for parked in answer.events]


async def test_a_parked_event_is_shown_with_what_waits_behind_it(api: Api, sql: Sql) -> None:
    """The event as its history shows it, what Kafka said, how often it was tried."""
    (order_id,) = await _parked_orders(api, sql, 1)
    await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order_id))
    history = await api.orders.GetOrderHistory(orders_pb2.GetOrderHistoryRequest(order_id=order_id))
    (parked,) = (await api.fulfillment.ListParkedEvents(pb.ListParkedEventsRequest())).events
    assert parked.event == history.events[0]
    assert parked.attempts == 1
    assert "MessageSizeTooLarge" in parked.last_error
    assert parked.HasField("parked_at")
    behind = [event for event in history.events[1:] if event.HasField("position")]
    assert parked.held_up >= len(behind)


async def test_parked_events_are_listed_page_by_page(api: Api, sql: Sql) -> None:
    """Oldest first, none twice and none missing; of one order alone when it is asked for."""
    orders = await _parked_orders(api, sql, 5)
    request = pb.ListParkedEventsRequest(page_size=2)
    found: list[str] = []
    for expected in (2, 2, 1):
        answer = await api.fulfillment.ListParkedEvents(request)
        assert len(answer.events) == expected
        found += _orders(answer)
        request.page_token = answer.next_page_token
    assert request.page_token == ""
    assert found == orders
    one = await api.fulfillment.ListParkedEvents(pb.ListParkedEventsRequest(order_id=orders[3]))
    assert _orders(one) == [orders[3]]
    wrong = pb.ListParkedEventsRequest(page_token="nonsense")
    assert (await failing(api.fulfillment.ListParkedEvents(wrong))).reason == "INVALID_PAGE_TOKEN"


async def test_a_page_of_large_events_is_shorter(api: Api, sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page has at least one, and all of them are found."""
    monkeypatch.setattr("wms_core.application.parked_events._PAGE_BYTES", 100)
    orders = await _parked_orders(api, sql, 3)
    request, found = pb.ListParkedEventsRequest(page_size=2), list[str]()
    while True:
        answer = await api.fulfillment.ListParkedEvents(request)
        assert len(answer.events) == 1
        found += _orders(answer)
        request.page_token = answer.next_page_token
        if not request.page_token:
            break
    assert found == orders


@pytest.mark.parametrize("event_id", ["6b2f1f3c-0d5d-4c53-9d43-7d8a6b1c2e3f", "no-uuid"])
async def test_an_event_that_is_not_parked_cannot_be_released(api: Api, event_id: str) -> None:
    """Whatever its id looks like."""
    request = pb.ReleaseParkedEventRequest(event_id=event_id)
    assert (await failing(api.fulfillment.ReleaseParkedEvent(request))).reason == "PARKED_EVENT_NOT_FOUND"


async def test_a_release_is_noted_with_who_did_it(api: Api, sql: Sql) -> None:
    """The event stays until the relay has published it."""
    (order_id,) = await _parked_orders(api, sql, 1)
    (parked,) = (await api.fulfillment.ListParkedEvents(pb.ListParkedEventsRequest())).events
    request = pb.ReleaseParkedEventRequest(event_id=parked.event.event_id)
    answer = await api.fulfillment.ReleaseParkedEvent(request, metadata=(("x-wms-actor", "SUPERVISOR-001"),))
    assert answer.event == parked
    noted = await sql.fetchrow("SELECT * FROM audit_log WHERE action = 'parked-event.release'")
    assert noted is not None
    assert (noted["actor"], noted["subject"]) == ("SUPERVISOR-001", f"event/{parked.event.event_id}")
    assert await sql.fetchval(
        "SELECT released_at IS NOT NULL FROM parked_events WHERE order_id = $1", order_id
    )
