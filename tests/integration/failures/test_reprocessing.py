"""ReprocessingService over gRPC: failures are counted, limited, and published as events."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import (
    assert_valid_history,
    dead_letter_order,
    domain_status_of,
    list_event_types,
    place_order,
    place_order_in_status,
    read_history,
    read_order,
    receive_stock,
    record_failure,
)
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api, open_api
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.invariants.tables import count_table_rows
from wms.orders.v1 import order_pb2, orders_pb2, reprocessing_pb2
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders.status import WORKING_STATUSES, OrderStatus

pytestmark = pytest.mark.also_over_http

_S = OrderStatus
MINUTE = timedelta(minutes=1)


def failure_request(
    order_id: str, reason: str = "Inventory unavailable", **fields: object
) -> reprocessing_pb2.IncrementRetryCountRequest:
    """Return a request to record a failure."""
    return reprocessing_pb2.IncrementRetryCountRequest(
        order_id=order_id,
        failure_reason=reason,
        **fields,  # type: ignore[arg-type]
    )


async def read_metadata(api: Api, order_id: str) -> reprocessing_pb2.GetRetryMetadataResponse:
    """Return the retry metadata of an order."""
    return await api.reprocessing.GetRetryMetadata(
        reprocessing_pb2.GetRetryMetadataRequest(order_id=order_id)
    )


async def reset_order(api: Api, order_id: str) -> order_pb2.Order:
    """Reset an order to RECEIVED."""
    return (await api.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=order_id))).order


def status_number(status: OrderStatus) -> order_pb2.OrderStatus.ValueType:
    """Return the protobuf number of a status."""
    return order_pb2.OrderStatus.Value(f"ORDER_STATUS_{status.name}")


def to_datetime(stamp: Timestamp) -> datetime:
    """Return a protobuf timestamp as a datetime in UTC."""
    return stamp.ToDatetime(tzinfo=UTC)


# IncrementRetryCount


async def test_five_failures_are_four_retries_and_the_dead_letter_queue(api: Api, sql: SqlConnection) -> None:
    """The delays are those of the retry policy: 15, 30, 60, 120 minutes.

    After the fifth failure there is no retry.
    """
    order = await place_order(api)
    for count, minutes in enumerate((15, 30, 60, 120), start=1):
        response = await api.reprocessing.IncrementRetryCount(
            failure_request(order.order_id, f"failure {count}")
        )
        retry = response.retry
        assert (retry.retry_count, retry.max_retries, retry.is_eligible_for_retry) == (count, 5, True)
        assert to_datetime(retry.next_retry_at) - to_datetime(retry.last_failed_at) == minutes * MINUTE
        assert not response.moved_to_dead_letter
        assert domain_status_of(response.order) is _S.PENDING_RETRY
        assert response.order == await read_order(api, order.order_id)
    last = await api.reprocessing.IncrementRetryCount(failure_request(order.order_id, "failure 5"))
    assert last.moved_to_dead_letter
    assert domain_status_of(last.order) is _S.DEAD_LETTER
    assert (last.retry.retry_count, last.retry.is_eligible_for_retry) == (5, False)
    assert not last.retry.HasField("next_retry_at")
    assert [attempt.reason for attempt in last.retry.attempts] == [f"failure {n}" for n in range(1, 6)]
    assert [attempt.attempt_number for attempt in last.retry.attempts] == [1, 2, 3, 4, 5]
    assert await list_event_types(api, order.order_id) == [
        "received",
        *["retry-scheduled"] * 4,
        "moved-to-dlq",
    ]
    assert_valid_history(await read_history(api, order.order_id))
    assert await find_violations(sql) == []


async def test_the_example_of_the_specification_holds(api: Api) -> None:
    """The second failure at 10:30 is retried at 11:00."""
    order = await place_order(api)
    await record_failure(api, order.order_id)
    request = failure_request(order.order_id)
    request.failed_at.FromJsonString("2024-01-15T10:30:00Z")
    retry = (await api.reprocessing.IncrementRetryCount(request)).retry
    assert (retry.retry_count, retry.next_retry_at.ToJsonString()) == (2, "2024-01-15T11:00:00Z")
    assert retry.last_failed_at.ToJsonString() == "2024-01-15T10:30:00Z"


async def test_retries_follow_the_configuration(database_url: str) -> None:
    """Base delay, maximum delay and number of failures come from the settings."""
    async with open_api(
        database_url,
        max_retries=4,
        retry_base=timedelta(seconds=40),
        retry_cap=timedelta(seconds=100),
    ) as api:
        order = await place_order(api)
        for seconds in (40, 80, 100):
            retry = (await api.reprocessing.IncrementRetryCount(failure_request(order.order_id))).retry
            assert to_datetime(retry.next_retry_at) - to_datetime(retry.last_failed_at) == timedelta(
                seconds=seconds
            )
            assert retry.max_retries == 4
        assert (
            await api.reprocessing.IncrementRetryCount(failure_request(order.order_id))
        ).moved_to_dead_letter


async def test_the_jitter_of_a_delay_is_drawn_once(database_url: str) -> None:
    """The delay is between that of the policy and that plus the jitter, and does not change afterwards."""
    async with open_api(database_url, retry_jitter=0.5) as api:
        delays = set()
        for _ in range(8):
            order = await record_failure(api, (await place_order(api)).order_id)
            delay = to_datetime(order.next_retry_at) - to_datetime(order.last_failed_at)
            assert 15 * MINUTE <= delay <= 22.5 * MINUTE
            assert (await read_metadata(api, order.order_id)).next_retry_at == order.next_retry_at
            delays.add(delay)
        assert len(delays) > 1


async def test_the_first_failure_status_is_kept(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """After further failures and in the dead letter queue. The first failure releases the stock."""
    await receive_stock(api)
    for status in [*WORKING_STATUSES]:
        order = await place_order_in_status(api, fulfillment, status)
        for _ in range(4):
            failed = await record_failure(api, order.order_id)
            assert failed.failed_status == status_number(status)
            assert [line.quantity_allocated for line in failed.items] == [0]
        response = await api.reprocessing.IncrementRetryCount(failure_request(order.order_id))
        assert response.order.failed_status == status_number(status)
        assert {attempt.status for attempt in response.retry.attempts} == {status_number(status)}
        assert await sql.fetchval("SELECT sum(quantity) FROM carriers WHERE location <> 'left'") == 100
        assert await sql.fetchval("SELECT sum(allocated) FROM carriers") == 0
        assert await find_violations(sql) == []


async def test_a_failure_is_rejected_in_statuses_that_cannot_fail(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """Shipped, completed, cancelled and dead-lettered orders: the error has both statuses, and no failure is
    counted.
    """
    await receive_stock(api)
    for status in (_S.SHIPPED, _S.COMPLETED, _S.CANCELLED, _S.DEAD_LETTER):
        order = await place_order_in_status(api, fulfillment, status)
        before = await count_table_rows(sql)
        rejection = await expect_failure(
            api.reprocessing.IncrementRetryCount(failure_request(order.order_id))
        )
        assert rejection.reason == "ORDER_STATUS_CONFLICT"
        assert rejection.metadata["status"] == status.value
        required = "received,validated,assigned_to_wave,picking,packing,pending_retry"
        assert rejection.metadata["requiredStatuses"] == required
        assert await count_table_rows(sql) == before


async def test_a_failure_is_recorded_with_its_time_and_workflow(api: Api) -> None:
    """`failed_at` and `workflow_id` as given, else the current time and the workflow of the header."""
    order = await place_order(api)
    first = failure_request(order.order_id, "Picking station offline", workflow_id="wf-given")
    first.failed_at.FromJsonString("2024-01-15T10:30:00.123456Z")
    headers = (("x-wms-workflow-id", "wf-header"),)
    await api.reprocessing.IncrementRetryCount(first, metadata=headers)
    await api.reprocessing.IncrementRetryCount(failure_request(order.order_id, "later"), metadata=headers)
    explicit, implicit = (await read_metadata(api, order.order_id)).attempts
    assert (explicit.workflow_id, implicit.workflow_id) == ("wf-given", "wf-header")
    assert explicit.failed_at == first.failed_at
    assert abs(to_datetime(implicit.failed_at) - datetime.now(UTC)) < MINUTE
    assert explicit.reason == "Picking station offline"


async def test_a_failure_time_may_be_five_minutes_in_the_future(api: Api, sql: SqlConnection) -> None:
    """Clocks differ a little. A larger difference is rejected, and no failure is counted."""
    order = await place_order(api)
    before = await count_table_rows(sql)
    request = failure_request(order.order_id)
    request.failed_at.FromDatetime(datetime.now(UTC) + 5.5 * MINUTE)
    rejection = await expect_failure(api.reprocessing.IncrementRetryCount(request))
    assert (rejection.reason, rejection.metadata["field"]) == ("TIME_IN_FUTURE", "failed_at")
    assert await count_table_rows(sql) == before
    request.failed_at.FromDatetime(datetime.now(UTC) + 4.5 * MINUTE)
    assert (await api.reprocessing.IncrementRetryCount(request)).retry.retry_count == 1


# GetRetryMetadata


async def test_an_order_without_failures_is_not_eligible(api: Api) -> None:
    """Zero failures, no times, not eligible for a retry."""
    order = await place_order(api)
    known = await read_metadata(api, order.order_id)
    assert known == reprocessing_pb2.GetRetryMetadataResponse(order_id=order.order_id, max_retries=5)


async def test_retry_metadata_equals_the_response_of_the_failure(api: Api) -> None:
    """The same fields with the same values."""
    order = await place_order(api)
    response = await api.reprocessing.IncrementRetryCount(failure_request(order.order_id))
    known = await read_metadata(api, order.order_id)
    assert known.SerializeToString(deterministic=True) == response.retry.SerializeToString(deterministic=True)


# ListEligibleOrders


async def test_orders_that_wait_for_a_retry_are_eligible_before_it_is_due(api: Api) -> None:
    """The next due order comes first. Reset, dead-lettered and never failed orders are not listed."""
    late, soon, back, dead, _never = [await place_order(api) for _ in range(5)]
    await record_failure(api, late.order_id)
    due = failure_request(soon.order_id, "Picking station offline")
    due.failed_at.FromJsonString("2024-01-15T10:30:00Z")
    await api.reprocessing.IncrementRetryCount(due)
    await record_failure(api, back.order_id)
    await reset_order(api, back.order_id)
    await dead_letter_order(api, dead.order_id)
    response = await api.reprocessing.ListEligibleOrders(reprocessing_pb2.ListEligibleOrdersRequest())
    assert [order.order_id for order in response.orders] == [soon.order_id, late.order_id]
    assert response.total == 2
    first = response.orders[0]
    assert first == reprocessing_pb2.EligibleOrder(
        order_id=soon.order_id,
        customer_id="CUST-001",
        status=order_pb2.ORDER_STATUS_RECEIVED,
        retry_count=1,
        last_failure_reason="Picking station offline",
        last_failed_at=due.failed_at,
        created_at=soon.created_at,
        next_retry_at=first.next_retry_at,
        warehouse_id="WH-01",
    )
    assert first.next_retry_at.ToJsonString() == "2024-01-15T10:45:00Z"


async def test_eligible_orders_are_filtered_by_failures_and_status(
    api: Api, fulfillment: Fulfillment
) -> None:
    """`max_retries` selects orders with fewer failures. The status is that of the failure."""
    await receive_stock(api)
    received = await place_order(api)
    validated = await place_order_in_status(api, fulfillment, _S.VALIDATED)
    for _ in range(3):
        await record_failure(api, received.order_id)
    await record_failure(api, validated.order_id)

    async def list_ids(**filters: object) -> set[str]:
        request = reprocessing_pb2.ListEligibleOrdersRequest(**filters)  # type: ignore[arg-type]
        response = await api.reprocessing.ListEligibleOrders(request)
        assert response.total == len(response.orders)
        return {order.order_id for order in response.orders}

    assert await list_ids() == {received.order_id, validated.order_id}
    assert await list_ids(max_retries=3) == {validated.order_id}
    assert await list_ids(max_retries=4) == {received.order_id, validated.order_id}
    assert await list_ids(max_retries=0) == set()
    assert await list_ids(statuses=[status_number(_S.RECEIVED)]) == {received.order_id}
    assert await list_ids(statuses=[status_number(_S.VALIDATED), status_number(_S.RECEIVED)]) == {
        received.order_id,
        validated.order_id,
    }
    assert await list_ids(statuses=[status_number(_S.PENDING_RETRY)]) == set()


async def test_the_total_counts_beyond_the_limit(api: Api) -> None:
    """A limit that is absent or 0 means 100. The total counts all orders."""
    requests = [failure_request((await place_order(api)).order_id) for _ in range(101)]
    for request in requests:
        await api.reprocessing.IncrementRetryCount(request)
    for limit, expected_count in ((None, 100), (0, 100), (1, 1), (10_000, 101)):
        request_all = reprocessing_pb2.ListEligibleOrdersRequest(limit=limit)
        response = await api.reprocessing.ListEligibleOrders(request_all)
        assert (len(response.orders), response.total) == (expected_count, 101), limit


# ResetOrder


async def test_a_reset_before_the_retry_is_due_keeps_the_failures(api: Api, fulfillment: Fulfillment) -> None:
    """Wave, destination and stock are released. The attempts stay, and the next failure is number 2."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, _S.PICKING)
    failed = await record_failure(api, order.order_id)
    assert failed.wave_id == order.wave_id
    after = await reset_order(api, order.order_id)
    assert domain_status_of(after) is _S.RECEIVED
    assert (after.wave_id, after.destination_id, after.failed_status) == ("", "", 0)
    assert (after.retry_count, after.last_failure_reason) == (1, "Inventory unavailable")
    assert not after.HasField("next_retry_at")
    assert await reset_order(api, order.order_id) == after
    known = await read_metadata(api, order.order_id)
    assert (known.retry_count, known.is_eligible_for_retry, len(known.attempts)) == (1, False, 1)
    events = await read_history(api, order.order_id)
    assert events[-1].type == "wms.order.retry-started"
    assert events[-1].payload["retryNumber"] == 1
    second_retry = (await api.reprocessing.IncrementRetryCount(failure_request(order.order_id))).retry
    assert second_retry.retry_count == 2
    assert to_datetime(second_retry.next_retry_at) - to_datetime(second_retry.last_failed_at) == 30 * MINUTE
    assert [attempt.status for attempt in second_retry.attempts] == [
        status_number(_S.PICKING),
        status_number(_S.RECEIVED),
    ]


async def test_only_an_order_that_waits_for_its_retry_is_reset(api: Api, fulfillment: Fulfillment) -> None:
    """A received order is unchanged. For other statuses the error has both statuses."""
    await receive_stock(api)
    order = await place_order(api)
    assert await reset_order(api, order.order_id) == order
    for status in (_S.VALIDATED, _S.PICKING, _S.SHIPPED, _S.CANCELLED, _S.DEAD_LETTER):
        order = await place_order_in_status(api, fulfillment, status)
        request = reprocessing_pb2.ResetOrderRequest(order_id=order.order_id)
        rejection = await expect_failure(api.reprocessing.ResetOrder(request))
        assert rejection.reason == "ORDER_STATUS_CONFLICT"
        assert (rejection.metadata["status"], rejection.metadata["requiredStatuses"]) == (
            status.value,
            "pending_retry",
        )


async def test_a_reset_order_is_served_like_a_new_one(api: Api, fulfillment: Fulfillment) -> None:
    """It reaches PACKING."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, _S.PACKING)
    await record_failure(api, order.order_id)
    await reset_order(api, order.order_id)
    await fulfillment.deliver_all(api)
    assert domain_status_of(await read_order(api, order.order_id)) is _S.PACKING


# MoveToDeadLetterQueue


async def test_a_manual_move_to_the_queue_adds_no_attempt(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """From every status in which work continues.

    The failure status is the current one, or that of the last failure.
    """
    await receive_stock(api)
    for status in [*WORKING_STATUSES, _S.PENDING_RETRY]:
        order = await place_order_in_status(api, fulfillment, status)
        request = reprocessing_pb2.MoveToDeadLetterQueueRequest(
            order_id=order.order_id, failure_reason="hopeless"
        )
        response = await api.reprocessing.MoveToDeadLetterQueue(request)
        failed_in = _S.RECEIVED if status is _S.PENDING_RETRY else status
        attempts = 1 if status is _S.PENDING_RETRY else 0
        entry = response.entry
        assert (entry.final_failure_status, entry.final_failure_reason) == (
            status_number(failed_in),
            "hopeless",
        )
        assert (entry.total_retry_attempts, len(entry.attempts)) == (attempts, attempts)
        assert domain_status_of(response.order) is _S.DEAD_LETTER
        assert response.order == await read_order(api, order.order_id)
        assert entry.order_snapshot == order
        assert (await list_event_types(api, order.order_id))[-1] == "moved-to-dlq"
        assert await find_violations(sql) == []


async def test_the_failure_status_may_be_given(api: Api) -> None:
    """The caller sets the failure status."""
    order = await place_order(api)
    request = reprocessing_pb2.MoveToDeadLetterQueueRequest(
        order_id=order.order_id,
        failure_status=order_pb2.ORDER_STATUS_PICKING,
        failure_reason="Max retries exceeded - inventory permanently unavailable",
    )
    response = await api.reprocessing.MoveToDeadLetterQueue(request)
    assert response.entry.final_failure_status == order_pb2.ORDER_STATUS_PICKING
    assert response.order.failed_status == order_pb2.ORDER_STATUS_PICKING


async def test_a_dead_letter_keeps_its_entry_when_moved_again(api: Api, sql: SqlConnection) -> None:
    """The second call returns the first entry and writes no event."""
    order = await place_order(api)
    request = reprocessing_pb2.MoveToDeadLetterQueueRequest(order_id=order.order_id, failure_reason="first")
    first = await api.reprocessing.MoveToDeadLetterQueue(request)
    before = await count_table_rows(sql)
    request.failure_reason = "second"
    assert await api.reprocessing.MoveToDeadLetterQueue(request) == first
    assert await count_table_rows(sql) == before


async def test_a_finished_order_is_not_moved_to_the_queue(api: Api, fulfillment: Fulfillment) -> None:
    """Shipped, completed and cancelled orders are rejected. The error has both statuses."""
    await receive_stock(api)
    for status in (_S.SHIPPED, _S.COMPLETED, _S.CANCELLED):
        order = await place_order_in_status(api, fulfillment, status)
        request = reprocessing_pb2.MoveToDeadLetterQueueRequest(order_id=order.order_id, failure_reason="x")
        rejection = await expect_failure(api.reprocessing.MoveToDeadLetterQueue(request))
        assert rejection.reason == "ORDER_STATUS_CONFLICT"
        assert rejection.metadata["status"] == status.value


# All calls


async def test_existence_is_checked_before_the_etag_and_the_etag_before_the_status(api: Api) -> None:
    """An unknown order is not found with any etag. A stale etag is reported before a wrong status."""
    for rpc in ["IncrementRetryCount", "ResetOrder", "MoveToDeadLetterQueue"]:
        fields = {"failure_reason": "x"} if rpc != "ResetOrder" else {}
        request_type = getattr(reprocessing_pb2, f"{rpc}Request")
        call = getattr(api.reprocessing, rpc)
        unknown = await expect_failure(call(request_type(order_id="gone", etag='"9"', **fields)))
        assert (unknown.reason, unknown.metadata) == ("ORDER_NOT_FOUND", {"orderId": "gone"})
        order = await place_order(api)
        await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order.order_id))
        stale = await expect_failure(call(request_type(order_id=order.order_id, etag=order.etag, **fields)))
        assert stale.reason == "ETAG_MISMATCH"
        current = await expect_failure(
            call(request_type(order_id=order.order_id, etag=stale.metadata["etag"], **fields))
        )
        assert current.reason == "ORDER_STATUS_CONFLICT"


async def test_an_unknown_order_has_no_retry_metadata(api: Api) -> None:
    """The call fails with the order id."""
    assert (await expect_failure(read_metadata(api, "gone"))).reason == "ORDER_NOT_FOUND"


async def test_the_worker_retries_by_the_same_rules(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """Without stock the worker counts failures up to the dead letter queue, with the same delays."""
    await receive_stock(api, quantity=1)
    order = await place_order(api, allow_partial=False)
    policy = RetryPolicy(base_delay=timedelta(0))
    for _ in range(5):
        await fulfillment.run(retry_policy=policy)
    assert domain_status_of(await read_order(api, order.order_id)) is _S.DEAD_LETTER
    known = await read_metadata(api, order.order_id)
    assert {attempt.reason for attempt in known.attempts} == {"Inventory unavailable"}
    assert len(known.attempts) == 5
    assert await find_violations(sql) == []
