"""GetOrderHistory and ExplainOrder: what happened to an order, who did it, and what may happen next."""

from datetime import timedelta

import pytest

from tests.support.api import Api
from tests.support.event_log import make_orders, write_and_commit
from tests.support.failures import failing
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql
from tests.support.orders import (
    assert_legal,
    created,
    dead_letter,
    facts,
    fail,
    history,
    moment,
    order_in,
    read,
    status_of,
    stocked,
    told,
)
from tests.support.requests import create_order
from tests.support.waiting import eventually
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    event_pb2,
    order_pb2,
    orders_pb2,
    reprocessing_pb2,
)
from wms_core.application import orders
from wms_core.domain.events import EventRecord
from wms_core.domain.order_status import OrderStatus, legal_calls
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.sequencer import Sequencer

_S = OrderStatus


async def resolve(api: Api, order_id: str, resolution: int) -> None:
    """Decide about an order's dead letter entry."""
    await api.dead_letters.ResolveDeadLetterEntry(
        dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=order_id,
            resolution=resolution,  # type: ignore[arg-type]
            notes="Inventory replenished, retrying order",
            resolved_by="SUPERVISOR-001",
        )
    )


# GetOrderHistory


async def test_a_whole_life_is_told_as_a_path_of_the_table(api: Api, fulfillment: Fulfillment) -> None:
    """Failures, the dead letter queue, a second life to the end: sequence 1 to n, each step an arrow."""
    await stocked(api)
    order = await created(api)
    name = order.order_id
    assert order.sequence == 1
    await fail(api, name)
    await api.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=name))
    await api.orders.UpdateOrder(
        orders_pb2.UpdateOrderRequest(
            order_id=name, order=order_pb2.Order(priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
        )
    )
    await dead_letter(api, name)
    await resolve(api, name, dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED)
    await resolve(api, name, dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY)
    await fulfillment.deliver(api)
    await api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id=name, carrier_code="UPS", tracking_number="1Z")
    )
    await api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=name))
    events = await history(api, name)
    assert [event.type.removeprefix("wms.order.") for event in events] == [
        "received",
        "retry-scheduled",
        "retry-started",
        "updated",
        "moved-to-dlq",
        "dlq-resolved",
        "dlq-resolved",
        "retry-started",
        "validated",
        "wave-assigned",
        "picking-started",
        "packing-started",
        "shipped",
        "completed",
    ]
    assert_legal(events)
    assert len({event.event_id for event in events}) == len(events)
    # The order says which of them is the newest one that it tells of.
    assert (await read(api, name)).sequence == events[-1].sequence == len(events)
    for event in events:
        body = facts(event.payload)
        assert (body["type"], body["orderId"], body["customerId"]) == (event.type, name, order.customer_id)
        assert moment(str(body["timestamp"])) == event.occurred_at
        assert (event.order_id, event.warehouse_id) == (name, "WH-01")


async def test_an_event_that_changes_no_status_names_none(api: Api) -> None:
    """A resolution that leaves the order where it is says so by naming no status."""
    order = await created(api)
    await dead_letter(api, order.order_id)
    await resolve(api, order.order_id, dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED)
    request = orders_pb2.GetOrderHistoryRequest(order_id=order.order_id, page_size=2)
    request.page_token = (await api.orders.GetOrderHistory(request)).next_page_token
    (event,) = (await api.orders.GetOrderHistory(request)).events
    assert event.type == "wms.order.dlq-resolved"
    assert event.from_status == event.to_status == order_pb2.ORDER_STATUS_UNSPECIFIED


async def test_retry_scheduled_is_told_as_in_the_seed(api: Api, fulfillment: Fulfillment) -> None:
    """Exactly the keys and values that the Order Service document prints."""
    await stocked(api)
    order = await order_in(api, fulfillment, _S.PICKING)
    for _ in range(3):
        await fail(api, order.order_id, "Inventory unavailable")
    event = (await history(api, order.order_id))[-1]
    body = facts(event.payload)
    assert moment(str(body.pop("timestamp"))) == event.occurred_at
    assert body == {
        "type": "wms.order.retry-scheduled",
        "orderId": order.order_id,
        "customerId": "CUST-001",
        "retryNumber": 3,
        "failureStatus": "picking",
        "failureReason": "Inventory unavailable",
    }


async def test_moved_to_dlq_is_told_as_in_the_seed(api: Api, fulfillment: Fulfillment) -> None:
    """Exactly the keys and values that the Order Service document prints."""
    await stocked(api)
    order = await order_in(api, fulfillment, _S.PICKING)
    for _ in range(5):
        await fail(api, order.order_id, "Max retries exceeded")
    event = (await history(api, order.order_id))[-1]
    body = facts(event.payload)
    assert moment(str(body.pop("timestamp"))) == event.occurred_at
    assert body == {
        "type": "wms.order.moved-to-dlq",
        "orderId": order.order_id,
        "customerId": "CUST-001",
        "finalFailureStatus": "picking",
        "finalFailureReason": "Max retries exceeded",
        "totalRetryAttempts": 5,
    }


async def test_the_headers_of_a_call_are_on_its_event(api: Api) -> None:
    """Correlation id, wave number, workflow id and actor, on the change they came with and no other."""
    headers = (
        ("x-wms-correlation-id", "550e8400-e29b-41d4-a716-446655440000"),
        ("x-wms-wave-number", "WAVE-2024-00123"),
        ("x-wms-workflow-id", "order-fulfillment-ORD-12345"),
        ("x-wms-actor", "clerk-7"),
    )
    order = (await api.orders.CreateOrder(create_order(), metadata=headers)).order
    await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order.order_id))
    first, second = await history(api, order.order_id)
    assert _envelope(first) == (headers[0][1], headers[1][1], headers[2][1], "clerk-7")
    assert second.actor == "anonymous"
    assert second.correlation_id not in {"", first.correlation_id}
    assert (second.wave_number, second.workflow_id) == ("", "")


def _envelope(event: event_pb2.Event) -> tuple[str, str, str, str]:
    return event.correlation_id, event.wave_number, event.workflow_id, event.actor


async def test_the_workers_events_name_the_worker_and_the_orders_errand(
    api: Api, fulfillment: Fulfillment
) -> None:
    """The ids that the order came with go through to packing; its own wave takes the place of that named."""
    await stocked(api)
    headers = (
        ("x-wms-correlation-id", "C-1"),
        ("x-wms-wave-number", "WAVE-1"),
        ("x-wms-workflow-id", "F-1"),
        ("x-wms-actor", "clerk-7"),
    )
    order = (await api.orders.CreateOrder(create_order(), metadata=headers)).order
    await fulfillment.deliver(api)
    events = await history(api, order.order_id)
    assert len(events) == 5
    wave_id = (await read(api, order.order_id)).wave_id
    for event in events[1:]:
        assert (event.actor, event.correlation_id, event.workflow_id) == ("worker/test", "C-1", "F-1")
    assert [event.wave_number for event in events] == ["WAVE-1", "WAVE-1", *[wave_id] * 3]


async def test_a_correlation_id_comes_back_with_the_answer(api: Api) -> None:
    """In the trailing metadata, cut to 256 characters; one that is empty is made."""
    for sent, kept in [("x" * 300, "x" * 256), ("", None), ("  padded  ", None), ("a b~c", "a b~c")]:
        call = api.orders.CreateOrder(create_order(), metadata=(("x-wms-correlation-id", sent),))
        order = (await call).order
        told = dict(await call.trailing_metadata())["x-wms-correlation-id"]
        assert told == (kept or told) != ""
        assert (await history(api, order.order_id))[0].correlation_id == told


async def test_a_correlation_id_is_made_when_none_came(api: Api) -> None:
    """A new one for each call, returned also by a call that fails."""
    seen = set()
    for _ in range(2):
        call = api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="gone"))
        await failing(call)
        seen.add(dict(await call.trailing_metadata())["x-wms-correlation-id"])
    assert len(seen) == 2


async def test_an_event_is_there_at_once_and_gets_its_position_later(api: Api, sql: Sql) -> None:
    """With no position while it is in the outbox, with one soon after; nothing else of it changes."""
    async with sql.transaction():
        # What the sequencer takes before its work: while it is ours, nothing gets a position.
        assert await sql.fetchval("SELECT pg_try_advisory_xact_lock(7302, 0)") or await sql.fetchval(
            "SELECT pg_advisory_xact_lock(7302, 0) IS NOT NULL"
        )
        order = await created(api)
        (waiting,) = await history(api, order.order_id)
        assert not waiting.HasField("position")

    async def placed() -> event_pb2.Event | None:
        (event,) = await history(api, order.order_id)
        return event if event.HasField("position") else None

    event = await eventually(placed)
    assert event is not None
    event.ClearField("position")
    assert event == waiting


async def test_positions_rise_with_the_sequence(api: Api) -> None:
    """Within an order, and from an order to one that came later."""
    first, second = await created(api), await created(api)
    for order in (first, second):
        await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order.order_id))

    async def positions() -> list[int]:
        events = [*await history(api, first.order_id), *await history(api, second.order_id)]
        return [event.position for event in events] if all(e.HasField("position") for e in events) else []

    one, two, three, four = await eventually(positions)
    assert one < two
    assert three < four
    assert one < three


async def test_the_history_comes_in_pages_oldest_first(api: Api) -> None:
    """Pages of one give what one page gives, also while events are added."""
    order = await created(api)
    await fail(api, order.order_id)
    await fail(api, order.order_id)
    request = orders_pb2.GetOrderHistoryRequest(order_id=order.order_id, page_size=1)
    seen = []
    while True:
        answer = await api.orders.GetOrderHistory(request)
        seen += [event.sequence for event in answer.events]
        if len(seen) == 1:
            await fail(api, order.order_id)
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert seen == [1, 2, 3, 4]


async def test_pages_have_no_hole_while_events_get_their_positions(
    database: PostgresDatabase, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events go from the outbox into the log between any two pages; none is passed over or told twice."""
    monkeypatch.setattr("wms_core.postgres.sequencer.BATCH", 15)
    sequencer = Sequencer(database)
    await make_orders(sql, ["A"])
    await write_and_commit(sql, "A", 60)
    seen: list[EventRecord] = []
    straddling = 0
    while True:
        after = seen[-1].sequence if seen else 0
        page, _ = await database.read(
            lambda transaction: orders.history(transaction, "A", after, 10)  # noqa: B023
        )
        straddling += {event.position is None for event in page} == {True, False}
        seen += page
        if len(page) < 10:
            break
        await sequencer.move()
        await write_and_commit(sql, "A", 1)
    assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
    assert len(seen) > 60
    assert straddling


async def test_the_token_of_one_order_does_not_page_another(api: Api) -> None:
    """It is bound to the order."""
    first, second = await created(api), await created(api)
    await fail(api, first.order_id)
    request = orders_pb2.GetOrderHistoryRequest(order_id=first.order_id, page_size=1)
    request.page_token = (await api.orders.GetOrderHistory(request)).next_page_token
    request.order_id = second.order_id
    assert (await failing(api.orders.GetOrderHistory(request))).reason == "INVALID_PAGE_TOKEN"


async def test_an_order_that_does_not_exist_has_no_history(api: Api) -> None:
    """Neither a history nor an explanation, and that is said."""
    for call in (
        api.orders.GetOrderHistory(orders_pb2.GetOrderHistoryRequest(order_id="gone")),
        api.orders.ExplainOrder(orders_pb2.ExplainOrderRequest(order_id="gone")),
    ):
        failure = await failing(call)
        assert (failure.reason, failure.metadata) == ("ORDER_NOT_FOUND", {"orderId": "gone"})


# ExplainOrder

_REASONS = {
    _S.RECEIVED: "AWAITING_VALIDATION",
    _S.VALIDATED: "AWAITING_WAVE",
    _S.ASSIGNED_TO_WAVE: "AWAITING_ALLOCATION",
    _S.PICKING: "AWAITING_MOVES",
    _S.PACKING: "AWAITING_SHIPMENT",
    _S.SHIPPED: "AWAITING_DELIVERY",
    _S.COMPLETED: "NOT_WAITING",
    _S.CANCELLED: "NOT_WAITING",
    _S.PENDING_RETRY: "RETRY_NOT_DUE",
    _S.DEAD_LETTER: "DEAD_LETTERED",
}


async def explain(api: Api, order_id: str) -> orders_pb2.ExplainOrderResponse:
    """Ask why an order waits."""
    return await api.orders.ExplainOrder(orders_pb2.ExplainOrderRequest(order_id=order_id))


async def test_every_status_is_explained_with_the_calls_that_the_table_allows(
    api: Api, fulfillment: Fulfillment
) -> None:
    """A reason for machines, a sentence, since when, and the legal calls in alphabetical order."""
    await stocked(api)
    for status, reason in _REASONS.items():
        order = await order_in(api, fulfillment, status)
        answer = await explain(api, order.order_id)
        assert (answer.order_id, answer.status) == (order.order_id, order.status)
        waiting = order_pb2.WaitingReason.Name(answer.waiting_reason)
        assert waiting == f"WAITING_REASON_{reason}", status
        assert answer.explanation.endswith(".")
        assert "{" not in answer.explanation
        assert tuple(answer.legal_calls) == legal_calls(status) == tuple(sorted(answer.legal_calls))
        moves = [e for e in await history(api, order.order_id) if e.from_status != e.to_status]
        assert answer.since == moves[-1].occurred_at
        assert answer.HasField("next_attempt_at") is (status is _S.PENDING_RETRY)


async def test_since_when_is_the_last_change_of_status_not_the_last_change(api: Api) -> None:
    """A further failure or an update leaves the order in its status."""
    order = await created(api)
    request = orders_pb2.UpdateOrderRequest(order_id=order.order_id)
    request.order.priority = order_pb2.ORDER_PRIORITY_SAME_DAY
    await api.orders.UpdateOrder(request)
    assert (await explain(api, order.order_id)).since == order.created_at
    failed = await fail(api, order.order_id)
    again = await fail(api, order.order_id)
    assert again.updated_at != failed.updated_at
    answer = await explain(api, order.order_id)
    assert answer.since == failed.updated_at
    assert answer.next_attempt_at == again.next_retry_at


async def test_without_an_active_worker_that_is_what_an_order_waits_for(api: Api) -> None:
    """What only the worker can end waits for a worker; a retry that is not due waits for its time."""
    order = await created(api)
    answer = await explain(api, order.order_id)
    assert answer.waiting_reason == order_pb2.WAITING_REASON_NO_ACTIVE_WORKER
    await fail(api, order.order_id)
    answer = await explain(api, order.order_id)
    assert answer.waiting_reason == order_pb2.WAITING_REASON_RETRY_NOT_DUE
    assert "Inventory unavailable" in answer.explanation


async def test_a_retry_that_is_due_is_explained_so(api: Api, fulfillment: Fulfillment) -> None:
    """The worker will take it up in its next cycle."""
    order = await created(api)
    request = reprocessing_pb2.IncrementRetryCountRequest(order_id=order.order_id, failure_reason="x")
    request.failed_at.FromDatetime(order.created_at.ToDatetime() - timedelta(hours=1))
    await api.reprocessing.IncrementRetryCount(request)
    answer = await explain(api, order.order_id)
    assert answer.waiting_reason == order_pb2.WAITING_REASON_RETRY_DUE
    await fulfillment.run()
    assert status_of(await read(api, order.order_id)) is not _S.PENDING_RETRY
    assert (await told(api, order.order_id))[2] == "retry-started"
