"""GetOrderHistory and ExplainOrder: the events of an order, their actors, and the legal next calls."""

from datetime import timedelta

import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import (
    assert_valid_history,
    dead_letter_order,
    domain_status_of,
    list_event_types,
    parse_timestamp,
    place_order,
    place_order_in_status,
    read_history,
    read_order,
    receive_stock,
    record_failure,
    to_python_dict,
)
from tests.support.builders.requests import create_order
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import commit_events, make_orders
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
from wms_core.domain.events.events import EventRecord
from wms_core.domain.orders.status import OrderStatus, list_legal_calls
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.event_sequencer import EventSequencer

_S = OrderStatus


async def resolve(api: Api, order_id: str, resolution: int) -> None:
    """Resolve the dead letter entry of an order."""
    await api.dead_letters.ResolveDeadLetterEntry(
        dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=order_id,
            resolution=resolution,  # type: ignore[arg-type]
            notes="Inventory replenished, retrying order",
            resolved_by="SUPERVISOR-001",
        )
    )


# GetOrderHistory


async def test_history_of_a_complete_order_follows_the_status_table(
    api: Api, fulfillment: Fulfillment
) -> None:
    """Failures, the dead letter queue and a second retry generation: sequences 1 to n, legal transitions."""
    await receive_stock(api)
    order = await place_order(api)
    order_id = order.order_id
    assert order.sequence == 1
    await record_failure(api, order_id)
    await api.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=order_id))
    await api.orders.UpdateOrder(
        orders_pb2.UpdateOrderRequest(
            order_id=order_id, order=order_pb2.Order(priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
        )
    )
    await dead_letter_order(api, order_id)
    await resolve(api, order_id, dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED)
    await resolve(api, order_id, dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY)
    await fulfillment.deliver_all(api)
    await api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="UPS", tracking_number="1Z")
    )
    await api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))
    events = await read_history(api, order_id)
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
    assert_valid_history(events)
    assert len({event.event_id for event in events}) == len(events)
    # The order has the sequence of its newest event.
    assert (await read_order(api, order_id)).sequence == events[-1].sequence == len(events)
    for event in events:
        payload = to_python_dict(event.payload)
        assert (payload["type"], payload["orderId"], payload["customerId"]) == (
            event.type,
            order_id,
            order.customer_id,
        )
        assert parse_timestamp(str(payload["timestamp"])) == event.occurred_at
        assert (event.order_id, event.warehouse_id) == (order_id, "WH-01")


async def test_event_without_a_transition_has_no_statuses(api: Api) -> None:
    """An escalation leaves the order in its status."""
    order = await place_order(api)
    await dead_letter_order(api, order.order_id)
    await resolve(api, order.order_id, dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED)
    request = orders_pb2.GetOrderHistoryRequest(order_id=order.order_id, page_size=2)
    request.page_token = (await api.orders.GetOrderHistory(request)).next_page_token
    (event,) = (await api.orders.GetOrderHistory(request)).events
    assert event.type == "wms.order.dlq-resolved"
    assert event.from_status == event.to_status == order_pb2.ORDER_STATUS_UNSPECIFIED


async def test_retry_scheduled_matches_the_order_service_specification(
    api: Api, fulfillment: Fulfillment
) -> None:
    """Exactly the documented keys and values."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, _S.PICKING)
    for _ in range(3):
        await record_failure(api, order.order_id, "Inventory unavailable")
    event = (await read_history(api, order.order_id))[-1]
    payload = to_python_dict(event.payload)
    assert parse_timestamp(str(payload.pop("timestamp"))) == event.occurred_at
    assert payload == {
        "type": "wms.order.retry-scheduled",
        "orderId": order.order_id,
        "customerId": "CUST-001",
        "retryNumber": 3,
        "failureStatus": "picking",
        "failureReason": "Inventory unavailable",
    }


async def test_moved_to_dlq_matches_the_order_service_specification(
    api: Api, fulfillment: Fulfillment
) -> None:
    """Exactly the documented keys and values."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, _S.PICKING)
    for _ in range(5):
        await record_failure(api, order.order_id, "Max retries exceeded")
    event = (await read_history(api, order.order_id))[-1]
    payload = to_python_dict(event.payload)
    assert parse_timestamp(str(payload.pop("timestamp"))) == event.occurred_at
    assert payload == {
        "type": "wms.order.moved-to-dlq",
        "orderId": order.order_id,
        "customerId": "CUST-001",
        "finalFailureStatus": "picking",
        "finalFailureReason": "Max retries exceeded",
        "totalRetryAttempts": 5,
    }


async def test_event_has_the_headers_of_its_call(api: Api) -> None:
    """Correlation id, wave number, workflow id and actor are on the event of this call only."""
    headers = (
        ("x-wms-correlation-id", "550e8400-e29b-41d4-a716-446655440000"),
        ("x-wms-wave-number", "WAVE-2024-00123"),
        ("x-wms-workflow-id", "order-fulfillment-ORD-12345"),
        ("x-wms-actor", "clerk-7"),
    )
    order = (await api.orders.CreateOrder(create_order(), metadata=headers)).order
    await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order.order_id))
    first, second = await read_history(api, order.order_id)
    assert _envelope(first) == (headers[0][1], headers[1][1], headers[2][1], "clerk-7")
    assert second.actor == "anonymous"
    assert second.correlation_id not in {"", first.correlation_id}
    assert (second.wave_number, second.workflow_id) == ("", "")


def _envelope(event: event_pb2.Event) -> tuple[str, str, str, str]:
    return event.correlation_id, event.wave_number, event.workflow_id, event.actor


async def test_worker_events_have_the_ids_of_the_order(api: Api, fulfillment: Fulfillment) -> None:
    """Correlation and workflow ids are those of CreateOrder. The wave id replaces the given wave number."""
    await receive_stock(api)
    headers = (
        ("x-wms-correlation-id", "C-1"),
        ("x-wms-wave-number", "WAVE-1"),
        ("x-wms-workflow-id", "F-1"),
        ("x-wms-actor", "clerk-7"),
    )
    order = (await api.orders.CreateOrder(create_order(), metadata=headers)).order
    await fulfillment.deliver_all(api)
    events = await read_history(api, order.order_id)
    assert len(events) == 5
    wave_id = (await read_order(api, order.order_id)).wave_id
    for event in events[1:]:
        assert (event.actor, event.correlation_id, event.workflow_id) == ("worker/test", "C-1", "F-1")
    assert [event.wave_number for event in events] == ["WAVE-1", "WAVE-1", *[wave_id] * 3]


async def test_correlation_id_is_returned_with_the_response(api: Api) -> None:
    """In the trailing metadata, cut to 256 characters. An empty or padded one is replaced."""
    for request_value, expected in [
        ("x" * 300, "x" * 256),
        ("", None),
        ("  padded  ", None),
        ("a b~c", "a b~c"),
    ]:
        call = api.orders.CreateOrder(create_order(), metadata=(("x-wms-correlation-id", request_value),))
        order = (await call).order
        correlation_id = dict(await call.trailing_metadata())["x-wms-correlation-id"]
        assert correlation_id == (expected or correlation_id) != ""
        assert (await read_history(api, order.order_id))[0].correlation_id == correlation_id


async def test_missing_correlation_id_is_generated(api: Api) -> None:
    """Each call gets a new one, also if it fails."""
    correlation_ids = set()
    for _ in range(2):
        call = api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="gone"))
        await expect_failure(call)
        correlation_ids.add(dict(await call.trailing_metadata())["x-wms-correlation-id"])
    assert len(correlation_ids) == 2


async def test_event_is_visible_before_it_has_a_position(api: Api, sql: SqlConnection) -> None:
    """It has no position in the outbox and gets one in the log, without another change."""
    async with sql.transaction():
        # The lock of the sequencer: while this transaction has it, no event gets a position.
        assert await sql.fetchval("SELECT pg_try_advisory_xact_lock(7302, 0)") or await sql.fetchval(
            "SELECT pg_advisory_xact_lock(7302, 0) IS NOT NULL"
        )
        order = await place_order(api)
        (event_in_outbox,) = await read_history(api, order.order_id)
        assert not event_in_outbox.HasField("position")

    async def event_with_position() -> event_pb2.Event | None:
        (event,) = await read_history(api, order.order_id)
        return event if event.HasField("position") else None

    event = await eventually(event_with_position)
    assert event is not None
    event.ClearField("position")
    assert event == event_in_outbox


async def test_positions_rise_with_the_sequence(api: Api) -> None:
    """Within an order, and from an order to a later one."""
    first, second = await place_order(api), await place_order(api)
    for order in (first, second):
        await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order.order_id))

    async def list_positions() -> list[int]:
        events = [*await read_history(api, first.order_id), *await read_history(api, second.order_id)]
        return (
            [event.position for event in events]
            if all(event.HasField("position") for event in events)
            else []
        )

    first_received, first_validated, second_received, second_validated = await eventually(list_positions)
    assert first_received < first_validated
    assert second_received < second_validated
    assert first_received < second_received


async def test_history_has_pages_oldest_first(api: Api) -> None:
    """Pages of one event have the same events as one page, also while events are added."""
    order = await place_order(api)
    await record_failure(api, order.order_id)
    await record_failure(api, order.order_id)
    request = orders_pb2.GetOrderHistoryRequest(order_id=order.order_id, page_size=1)
    sequences = []
    while True:
        page = await api.orders.GetOrderHistory(request)
        sequences += [event.sequence for event in page.events]
        if len(sequences) == 1:
            await record_failure(api, order.order_id)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert sequences == [1, 2, 3, 4]


async def test_pages_have_no_gap_while_events_get_positions(
    database: PostgresDatabase, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two pages, events move from the outbox to the log. Each is listed once."""
    monkeypatch.setattr("wms_core.postgres.event_sequencer.MAX_BATCH_EVENTS", 15)
    sequencer = EventSequencer(database)
    await make_orders(sql, ["A"])
    await commit_events(sql, "A", 60)
    listed_events: list[EventRecord] = []
    mixed_pages = 0
    while True:
        after = listed_events[-1].sequence if listed_events else 0
        page, _ = await database.read(
            lambda transaction: orders.list_history(transaction, "A", after, 10)  # noqa: B023
        )
        mixed_pages += {event.position is None for event in page} == {True, False}
        listed_events += page
        if len(page) < 10:
            break
        await sequencer.sequence_batch()
        await commit_events(sql, "A", 1)
    assert [event.sequence for event in listed_events] == list(range(1, len(listed_events) + 1))
    assert len(listed_events) > 60
    assert mixed_pages


async def test_token_belongs_to_its_order(api: Api) -> None:
    """The history of another order rejects it."""
    first, second = await place_order(api), await place_order(api)
    await record_failure(api, first.order_id)
    request = orders_pb2.GetOrderHistoryRequest(order_id=first.order_id, page_size=1)
    request.page_token = (await api.orders.GetOrderHistory(request)).next_page_token
    request.order_id = second.order_id
    assert (await expect_failure(api.orders.GetOrderHistory(request))).reason == "INVALID_PAGE_TOKEN"


async def test_missing_order_has_no_history(api: Api) -> None:
    """Both calls fail with ORDER_NOT_FOUND."""
    for call in (
        api.orders.GetOrderHistory(orders_pb2.GetOrderHistoryRequest(order_id="gone")),
        api.orders.ExplainOrder(orders_pb2.ExplainOrderRequest(order_id="gone")),
    ):
        failure = await expect_failure(call)
        assert (failure.reason, failure.metadata) == ("ORDER_NOT_FOUND", {"orderId": "gone"})


# ExplainOrder

_REASON_BY_STATUS = {
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
    """Call ExplainOrder."""
    return await api.orders.ExplainOrder(orders_pb2.ExplainOrderRequest(order_id=order_id))


async def test_every_status_has_an_explanation_and_legal_calls(api: Api, fulfillment: Fulfillment) -> None:
    """A waiting reason, a sentence, a start time, and the legal calls in alphabetical order."""
    await receive_stock(api)
    for status, reason in _REASON_BY_STATUS.items():
        order = await place_order_in_status(api, fulfillment, status)
        explanation = await explain(api, order.order_id)
        assert (explanation.order_id, explanation.status) == (order.order_id, order.status)
        reason_name = order_pb2.WaitingReason.Name(explanation.waiting_reason)
        assert reason_name == f"WAITING_REASON_{reason}", status
        assert explanation.explanation.endswith(".")
        assert "{" not in explanation.explanation
        assert (
            tuple(explanation.legal_calls)
            == list_legal_calls(status)
            == tuple(sorted(explanation.legal_calls))
        )
        transitions = [
            event for event in await read_history(api, order.order_id) if event.from_status != event.to_status
        ]
        assert explanation.since == transitions[-1].occurred_at
        assert explanation.HasField("next_attempt_at") is (status is _S.PENDING_RETRY)


async def test_waiting_starts_at_the_last_transition(api: Api) -> None:
    """A further failure or an update keeps the status and its time."""
    order = await place_order(api)
    request = orders_pb2.UpdateOrderRequest(order_id=order.order_id)
    request.order.priority = order_pb2.ORDER_PRIORITY_SAME_DAY
    await api.orders.UpdateOrder(request)
    assert (await explain(api, order.order_id)).since == order.created_at
    first_failure = await record_failure(api, order.order_id)
    second_failure = await record_failure(api, order.order_id)
    assert second_failure.updated_at != first_failure.updated_at
    explanation = await explain(api, order.order_id)
    assert explanation.since == first_failure.updated_at
    assert explanation.next_attempt_at == second_failure.next_retry_at


async def test_order_waits_for_a_worker_if_none_is_active(api: Api) -> None:
    """This applies if only the worker can continue. A retry that is not due waits for its time."""
    order = await place_order(api)
    explanation = await explain(api, order.order_id)
    assert explanation.waiting_reason == order_pb2.WAITING_REASON_NO_ACTIVE_WORKER
    await record_failure(api, order.order_id)
    explanation = await explain(api, order.order_id)
    assert explanation.waiting_reason == order_pb2.WAITING_REASON_RETRY_NOT_DUE
    assert "Inventory unavailable" in explanation.explanation


async def test_due_retry_has_its_own_waiting_reason(api: Api, fulfillment: Fulfillment) -> None:
    """The worker resets the order in its next cycle."""
    order = await place_order(api)
    request = reprocessing_pb2.IncrementRetryCountRequest(order_id=order.order_id, failure_reason="x")
    request.failed_at.FromDatetime(order.created_at.ToDatetime() - timedelta(hours=1))
    await api.reprocessing.IncrementRetryCount(request)
    explanation = await explain(api, order.order_id)
    assert explanation.waiting_reason == order_pb2.WAITING_REASON_RETRY_DUE
    await fulfillment.run()
    assert domain_status_of(await read_order(api, order.order_id)) is not _S.PENDING_RETRY
    assert (await list_event_types(api, order.order_id))[2] == "retry-started"
