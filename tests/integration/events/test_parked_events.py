"""ListParkedEvents and ReleaseParkedEvent: operators inspect and release events that Kafka refused."""

from collections.abc import Sequence

import pytest

from tests.support.builders.orders import place_order
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection
from tests.support.processes.relays import park_first_events
from wms.orders.v1 import fulfillment_pb2 as pb
from wms.orders.v1 import orders_pb2

pytestmark = pytest.mark.also_over_http


async def _park_events(api: Api, sql: SqlConnection, number: int) -> list[str]:
    order_ids = [(await place_order(api)).order_id for _ in range(number)]
    await park_first_events(sql, *order_ids)
    return order_ids


def _order_ids_of(response: pb.ListParkedEventsResponse) -> Sequence[str]:
    return [parked.event.order_id for parked in response.events]


async def test_parked_event_has_its_error_and_the_blocked_events(api: Api, sql: SqlConnection) -> None:
    """It has the event as in its history, the error of Kafka and the number of attempts."""
    (order_id,) = await _park_events(api, sql, 1)
    await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order_id))
    history = await api.orders.GetOrderHistory(orders_pb2.GetOrderHistoryRequest(order_id=order_id))
    (parked,) = (await api.fulfillment.ListParkedEvents(pb.ListParkedEventsRequest())).events
    assert parked.event == history.events[0]
    assert parked.attempts == 1
    assert "MessageSizeTooLarge" in parked.last_error
    assert parked.HasField("parked_at")
    later_events = [event for event in history.events[1:] if event.HasField("position")]
    assert parked.held_up >= len(later_events)


async def test_parked_events_have_pages(api: Api, sql: SqlConnection) -> None:
    """Oldest first, without duplicates and gaps, and optionally of one order."""
    order_ids = await _park_events(api, sql, 5)
    request = pb.ListParkedEventsRequest(page_size=2)
    listed_ids: list[str] = []
    for expected in (2, 2, 1):
        page = await api.fulfillment.ListParkedEvents(request)
        assert len(page.events) == expected
        listed_ids += _order_ids_of(page)
        request.page_token = page.next_page_token
    assert request.page_token == ""
    assert listed_ids == order_ids
    filtered = await api.fulfillment.ListParkedEvents(pb.ListParkedEventsRequest(order_id=order_ids[3]))
    assert _order_ids_of(filtered) == [order_ids[3]]
    invalid_request = pb.ListParkedEventsRequest(page_token="nonsense")
    assert (
        await expect_failure(api.fulfillment.ListParkedEvents(invalid_request))
    ).reason == "INVALID_PAGE_TOKEN"


async def test_page_of_large_events_is_shorter(
    api: Api, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page has at least one event, and all events are listed."""
    monkeypatch.setattr("wms_core.application.parked_events._PAGE_BYTES", 100)
    order_ids = await _park_events(api, sql, 3)
    request, listed_ids = pb.ListParkedEventsRequest(page_size=2), list[str]()
    while True:
        page = await api.fulfillment.ListParkedEvents(request)
        assert len(page.events) == 1
        listed_ids += _order_ids_of(page)
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    assert listed_ids == order_ids


@pytest.mark.parametrize("event_id", ["6b2f1f3c-0d5d-4c53-9d43-7d8a6b1c2e3f", "no-uuid"])
async def test_event_that_is_not_parked_can_not_be_released(api: Api, event_id: str) -> None:
    """This includes ids that are not UUIDs."""
    request = pb.ReleaseParkedEventRequest(event_id=event_id)
    assert (
        await expect_failure(api.fulfillment.ReleaseParkedEvent(request))
    ).reason == "PARKED_EVENT_NOT_FOUND"


async def test_release_is_in_the_audit_log_with_its_actor(api: Api, sql: SqlConnection) -> None:
    """The event stays parked until the relay has published it."""
    (order_id,) = await _park_events(api, sql, 1)
    (parked,) = (await api.fulfillment.ListParkedEvents(pb.ListParkedEventsRequest())).events
    request = pb.ReleaseParkedEventRequest(event_id=parked.event.event_id)
    response = await api.fulfillment.ReleaseParkedEvent(
        request, metadata=(("x-wms-actor", "SUPERVISOR-001"),)
    )
    assert response.event == parked
    audit_entry = await sql.fetchrow("SELECT * FROM audit_log WHERE action = 'parked-event.release'")
    assert audit_entry is not None
    assert (audit_entry["actor"], audit_entry["subject"]) == (
        "SUPERVISOR-001",
        f"event/{parked.event.event_id}",
    )
    assert await sql.fetchval(
        "SELECT released_at IS NOT NULL FROM parked_events WHERE order_id = $1", order_id
    )
