"""ReprocessingService over gRPC: failures are counted when they happen, bounded, and told."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.api import Api, open_api
from tests.support.failures import failing
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql, breaches
from tests.support.orders import (
    assert_legal,
    created,
    dead_letter,
    fail,
    history,
    order_in,
    read,
    status_of,
    stocked,
    told,
)
from tests.support.tables import counts
from wms.orders.v1 import order_pb2, orders_pb2, reprocessing_pb2
from wms_core.domain.order_status import WORKING, OrderStatus
from wms_core.domain.retries import RetryPolicy

pytestmark = pytest.mark.also_over_http

_S = OrderStatus
MINUTE = timedelta(minutes=1)


def failure(
    order_id: str, reason: str = "Inventory unavailable", **fields: object
) -> reprocessing_pb2.IncrementRetryCountRequest:
    """Give a request to record a failure."""
    return reprocessing_pb2.IncrementRetryCountRequest(
        order_id=order_id,
        failure_reason=reason,
        **fields,  # type: ignore[arg-type]
    )


async def metadata(api: Api, order_id: str) -> reprocessing_pb2.GetRetryMetadataResponse:
    """Give what is known of an order's failures."""
    return await api.reprocessing.GetRetryMetadata(
        reprocessing_pb2.GetRetryMetadataRequest(order_id=order_id)
    )


async def reset(api: Api, order_id: str) -> order_pb2.Order:
    """Put an order back to the beginning."""
    return (await api.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=order_id))).order


def number(status: OrderStatus) -> order_pb2.OrderStatus.ValueType:
    """Give the wire's number of a status."""
    return order_pb2.OrderStatus.Value(f"ORDER_STATUS_{status.name}")


def at(stamp: Timestamp) -> datetime:
    """Give a time of the wire as one of Python."""
    return stamp.ToDatetime(tzinfo=UTC)


# IncrementRetryCount


async def test_five_failures_are_four_retries_and_the_dead_letter_queue(api: Api, sql: Sql) -> None:
    """Each delay is the policy's: 15, 30, 60, 120 minutes; the fifth failure is not retried."""
    order = await created(api)
    for count, minutes in enumerate((15, 30, 60, 120), start=1):
        answer = await api.reprocessing.IncrementRetryCount(failure(order.order_id, f"failure {count}"))
        retry = answer.retry
        assert (retry.retry_count, retry.max_retries, retry.is_eligible_for_retry) == (count, 5, True)
        assert at(retry.next_retry_at) - at(retry.last_failed_at) == minutes * MINUTE
        assert not answer.moved_to_dead_letter
        assert status_of(answer.order) is _S.PENDING_RETRY
        assert answer.order == await read(api, order.order_id)
    last = await api.reprocessing.IncrementRetryCount(failure(order.order_id, "failure 5"))
    assert last.moved_to_dead_letter
    assert status_of(last.order) is _S.DEAD_LETTER
    assert (last.retry.retry_count, last.retry.is_eligible_for_retry) == (5, False)
    assert not last.retry.HasField("next_retry_at")
    assert [attempt.reason for attempt in last.retry.attempts] == [f"failure {n}" for n in range(1, 6)]
    assert [attempt.attempt_number for attempt in last.retry.attempts] == [1, 2, 3, 4, 5]
    assert await told(api, order.order_id) == ["received", *["retry-scheduled"] * 4, "moved-to-dlq"]
    assert_legal(await history(api, order.order_id))
    assert await breaches(sql) == []


async def test_the_seeds_example_holds(api: Api) -> None:
    """The second failure at 10:30 is retried at 11:00."""
    order = await created(api)
    await fail(api, order.order_id)
    request = failure(order.order_id)
    request.failed_at.FromJsonString("2024-01-15T10:30:00Z")
    retry = (await api.reprocessing.IncrementRetryCount(request)).retry
    assert (retry.retry_count, retry.next_retry_at.ToJsonString()) == (2, "2024-01-15T11:00:00Z")
    assert retry.last_failed_at.ToJsonString() == "2024-01-15T10:30:00Z"


async def test_retries_follow_the_configuration(database_url: str) -> None:
    """Base, cap and number of failures come from the settings."""
    async with open_api(
        database_url,
        max_retries=4,
        retry_base=timedelta(seconds=40),
        retry_cap=timedelta(seconds=100),
    ) as api:
        order = await created(api)
        for seconds in (40, 80, 100):
            retry = (await api.reprocessing.IncrementRetryCount(failure(order.order_id))).retry
            assert at(retry.next_retry_at) - at(retry.last_failed_at) == timedelta(seconds=seconds)
            assert retry.max_retries == 4
        assert (await api.reprocessing.IncrementRetryCount(failure(order.order_id))).moved_to_dead_letter


async def test_the_chance_in_a_delay_is_drawn_once(database_url: str) -> None:
    """With jitter a delay is between the policy's and so much more, and stays what it is."""
    async with open_api(database_url, retry_jitter=0.5) as api:
        delays = set()
        for _ in range(8):
            order = await fail(api, (await created(api)).order_id)
            delay = at(order.next_retry_at) - at(order.last_failed_at)
            assert 15 * MINUTE <= delay <= 22.5 * MINUTE
            assert (await metadata(api, order.order_id)).next_retry_at == order.next_retry_at
            delays.add(delay)
        assert len(delays) > 1


async def test_the_status_it_first_failed_in_stays(api: Api, fulfillment: Fulfillment, sql: Sql) -> None:
    """Through further failures, into the dead letter queue; stock is let go of at the first."""
    await stocked(api)
    for status in [*WORKING]:
        order = await order_in(api, fulfillment, status)
        for _ in range(4):
            failed = await fail(api, order.order_id)
            assert failed.failed_status == number(status)
            assert [line.quantity_allocated for line in failed.items] == [0]
        answer = await api.reprocessing.IncrementRetryCount(failure(order.order_id))
        assert answer.order.failed_status == number(status)
        assert {attempt.status for attempt in answer.retry.attempts} == {number(status)}
        assert await sql.fetchval("SELECT sum(quantity) FROM carriers WHERE location <> 'left'") == 100
        assert await sql.fetchval("SELECT sum(allocated) FROM carriers") == 0
        assert await breaches(sql) == []


async def test_a_failure_is_refused_where_nothing_can_fail(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """Shipped, completed, cancelled and dead-lettered orders: both statuses are named, nothing is counted."""
    await stocked(api)
    for status in (_S.SHIPPED, _S.COMPLETED, _S.CANCELLED, _S.DEAD_LETTER):
        order = await order_in(api, fulfillment, status)
        before = await counts(sql)
        refused = await failing(api.reprocessing.IncrementRetryCount(failure(order.order_id)))
        assert refused.reason == "ORDER_STATUS_CONFLICT"
        assert refused.metadata["status"] == status.value
        required = "received,validated,assigned_to_wave,picking,packing,pending_retry"
        assert refused.metadata["requiredStatuses"] == required
        assert await counts(sql) == before


async def test_a_failure_is_recorded_with_its_time_and_workflow(api: Api) -> None:
    """`failed_at` and `workflow_id` as given; else now, and the header's workflow."""
    order = await created(api)
    first = failure(order.order_id, "Picking station offline", workflow_id="wf-given")
    first.failed_at.FromJsonString("2024-01-15T10:30:00.123456Z")
    headers = (("x-wms-workflow-id", "wf-header"),)
    await api.reprocessing.IncrementRetryCount(first, metadata=headers)
    await api.reprocessing.IncrementRetryCount(failure(order.order_id, "later"), metadata=headers)
    one, two = (await metadata(api, order.order_id)).attempts
    assert (one.workflow_id, two.workflow_id) == ("wf-given", "wf-header")
    assert one.failed_at == first.failed_at
    assert abs(at(two.failed_at) - datetime.now(UTC)) < MINUTE
    assert one.reason == "Picking station offline"


async def test_a_failure_may_lie_five_minutes_ahead_and_no_more(api: Api, sql: Sql) -> None:
    """Clocks differ a little; more is a mistake that counts nothing."""
    order = await created(api)
    before = await counts(sql)
    request = failure(order.order_id)
    request.failed_at.FromDatetime(datetime.now(UTC) + 5.5 * MINUTE)
    refused = await failing(api.reprocessing.IncrementRetryCount(request))
    assert (refused.reason, refused.metadata["field"]) == ("TIME_IN_FUTURE", "failed_at")
    assert await counts(sql) == before
    request.failed_at.FromDatetime(datetime.now(UTC) + 4.5 * MINUTE)
    assert (await api.reprocessing.IncrementRetryCount(request)).retry.retry_count == 1


# GetRetryMetadata


async def test_an_order_that_never_failed_has_nothing_to_retry(api: Api) -> None:
    """Zero failures, no times, not eligible."""
    order = await created(api)
    known = await metadata(api, order.order_id)
    assert known == reprocessing_pb2.GetRetryMetadataResponse(order_id=order.order_id, max_retries=5)


async def test_metadata_says_what_the_answer_of_the_failure_said(api: Api) -> None:
    """The same fields with the same values."""
    order = await created(api)
    answer = await api.reprocessing.IncrementRetryCount(failure(order.order_id))
    known = await metadata(api, order.order_id)
    assert known.SerializeToString(deterministic=True) == answer.retry.SerializeToString(deterministic=True)


# ListEligibleOrders


async def test_orders_that_wait_for_a_retry_are_eligible_due_or_not(api: Api) -> None:
    """The next due first; not those that were reset, dead-lettered or never failed."""
    late, soon, back, dead, _never = [await created(api) for _ in range(5)]
    await fail(api, late.order_id)
    due = failure(soon.order_id, "Picking station offline")
    due.failed_at.FromJsonString("2024-01-15T10:30:00Z")
    await api.reprocessing.IncrementRetryCount(due)
    await fail(api, back.order_id)
    await reset(api, back.order_id)
    await dead_letter(api, dead.order_id)
    answer = await api.reprocessing.ListEligibleOrders(reprocessing_pb2.ListEligibleOrdersRequest())
    assert [one.order_id for one in answer.orders] == [soon.order_id, late.order_id]
    assert answer.total == 2
    first = answer.orders[0]
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
    """`max_retries` keeps those with fewer failures; the status is the one they failed in."""
    await stocked(api)
    received = await created(api)
    validated = await order_in(api, fulfillment, _S.VALIDATED)
    for _ in range(3):
        await fail(api, received.order_id)
    await fail(api, validated.order_id)

    async def listed(**filters: object) -> set[str]:
        request = reprocessing_pb2.ListEligibleOrdersRequest(**filters)  # type: ignore[arg-type]
        answer = await api.reprocessing.ListEligibleOrders(request)
        assert answer.total == len(answer.orders)
        return {one.order_id for one in answer.orders}

    assert await listed() == {received.order_id, validated.order_id}
    assert await listed(max_retries=3) == {validated.order_id}
    assert await listed(max_retries=4) == {received.order_id, validated.order_id}
    assert await listed(max_retries=0) == set()
    assert await listed(statuses=[number(_S.RECEIVED)]) == {received.order_id}
    assert await listed(statuses=[number(_S.VALIDATED), number(_S.RECEIVED)]) == {
        received.order_id,
        validated.order_id,
    }
    assert await listed(statuses=[number(_S.PENDING_RETRY)]) == set()


async def test_the_total_counts_beyond_the_limit(api: Api) -> None:
    """Absent and 0 mean 100; the total stays the number of all."""
    requests = [failure((await created(api)).order_id) for _ in range(101)]
    for request in requests:
        await api.reprocessing.IncrementRetryCount(request)
    for limit, shown in ((None, 100), (0, 100), (1, 1), (10_000, 101)):
        request_all = reprocessing_pb2.ListEligibleOrdersRequest(limit=limit)
        answer = await api.reprocessing.ListEligibleOrders(request_all)
        assert (len(answer.orders), answer.total) == (shown, 101), limit


# ResetOrder


async def test_a_reset_before_the_retry_is_due_keeps_the_count(api: Api, fulfillment: Fulfillment) -> None:
    """Wave, destination and stock are released; what failed is still known; the next failure is number 2."""
    await stocked(api)
    order = await order_in(api, fulfillment, _S.PICKING)
    failed = await fail(api, order.order_id)
    assert failed.wave_id == order.wave_id
    after = await reset(api, order.order_id)
    assert status_of(after) is _S.RECEIVED
    assert (after.wave_id, after.destination_id, after.failed_status) == ("", "", 0)
    assert (after.retry_count, after.last_failure_reason) == (1, "Inventory unavailable")
    assert not after.HasField("next_retry_at")
    assert await reset(api, order.order_id) == after
    known = await metadata(api, order.order_id)
    assert (known.retry_count, known.is_eligible_for_retry, len(known.attempts)) == (1, False, 1)
    events = await history(api, order.order_id)
    assert events[-1].type == "wms.order.retry-started"
    assert events[-1].payload["retryNumber"] == 1
    again = (await api.reprocessing.IncrementRetryCount(failure(order.order_id))).retry
    assert again.retry_count == 2
    assert at(again.next_retry_at) - at(again.last_failed_at) == 30 * MINUTE
    assert [attempt.status for attempt in again.attempts] == [number(_S.PICKING), number(_S.RECEIVED)]


async def test_only_an_order_that_waits_for_its_retry_is_reset(api: Api, fulfillment: Fulfillment) -> None:
    """A received one stays as it is; any other is refused naming both statuses."""
    await stocked(api)
    order = await created(api)
    assert await reset(api, order.order_id) == order
    for status in (_S.VALIDATED, _S.PICKING, _S.SHIPPED, _S.CANCELLED, _S.DEAD_LETTER):
        order = await order_in(api, fulfillment, status)
        request = reprocessing_pb2.ResetOrderRequest(order_id=order.order_id)
        refused = await failing(api.reprocessing.ResetOrder(request))
        assert refused.reason == "ORDER_STATUS_CONFLICT"
        assert (refused.metadata["status"], refused.metadata["requiredStatuses"]) == (
            status.value,
            "pending_retry",
        )


async def test_an_order_that_was_reset_is_served_like_a_new_one(api: Api, fulfillment: Fulfillment) -> None:
    """It goes through to packing."""
    await stocked(api)
    order = await order_in(api, fulfillment, _S.PACKING)
    await fail(api, order.order_id)
    await reset(api, order.order_id)
    await fulfillment.deliver(api)
    assert status_of(await read(api, order.order_id)) is _S.PACKING


# MoveToDeadLetterQueue


async def test_moving_an_order_by_hand_adds_no_attempt(api: Api, fulfillment: Fulfillment, sql: Sql) -> None:
    """From every status that work goes on in; the failure status is the one it is in, or failed in."""
    await stocked(api)
    for status in [*WORKING, _S.PENDING_RETRY]:
        order = await order_in(api, fulfillment, status)
        request = reprocessing_pb2.MoveToDeadLetterQueueRequest(
            order_id=order.order_id, failure_reason="hopeless"
        )
        answer = await api.reprocessing.MoveToDeadLetterQueue(request)
        failed_in = _S.RECEIVED if status is _S.PENDING_RETRY else status
        attempts = 1 if status is _S.PENDING_RETRY else 0
        entry = answer.entry
        assert (entry.final_failure_status, entry.final_failure_reason) == (number(failed_in), "hopeless")
        assert (entry.total_retry_attempts, len(entry.attempts)) == (attempts, attempts)
        assert status_of(answer.order) is _S.DEAD_LETTER
        assert answer.order == await read(api, order.order_id)
        assert entry.order_snapshot == order
        assert (await told(api, order.order_id))[-1] == "moved-to-dlq"
        assert await breaches(sql) == []


async def test_the_failure_status_may_be_given(api: Api) -> None:
    """The seed's form: the caller says what it failed in."""
    order = await created(api)
    request = reprocessing_pb2.MoveToDeadLetterQueueRequest(
        order_id=order.order_id,
        failure_status=order_pb2.ORDER_STATUS_PICKING,
        failure_reason="Max retries exceeded - inventory permanently unavailable",
    )
    answer = await api.reprocessing.MoveToDeadLetterQueue(request)
    assert answer.entry.final_failure_status == order_pb2.ORDER_STATUS_PICKING
    assert answer.order.failed_status == order_pb2.ORDER_STATUS_PICKING


async def test_an_order_that_is_there_already_keeps_its_entry(api: Api, sql: Sql) -> None:
    """The second call answers the first one's entry and tells nothing new."""
    order = await created(api)
    request = reprocessing_pb2.MoveToDeadLetterQueueRequest(order_id=order.order_id, failure_reason="first")
    first = await api.reprocessing.MoveToDeadLetterQueue(request)
    before = await counts(sql)
    request.failure_reason = "second"
    assert await api.reprocessing.MoveToDeadLetterQueue(request) == first
    assert await counts(sql) == before


async def test_an_order_that_is_over_is_not_moved(api: Api, fulfillment: Fulfillment) -> None:
    """Shipped, completed and cancelled orders are refused, naming both statuses."""
    await stocked(api)
    for status in (_S.SHIPPED, _S.COMPLETED, _S.CANCELLED):
        order = await order_in(api, fulfillment, status)
        request = reprocessing_pb2.MoveToDeadLetterQueueRequest(order_id=order.order_id, failure_reason="x")
        refused = await failing(api.reprocessing.MoveToDeadLetterQueue(request))
        assert refused.reason == "ORDER_STATUS_CONFLICT"
        assert refused.metadata["status"] == status.value


# All of them


async def test_existence_comes_before_the_etag_and_the_etag_before_the_status(api: Api) -> None:
    """An unknown order is not found whatever etag is sent; a stale etag is told before a wrong status."""
    for rpc in ["IncrementRetryCount", "ResetOrder", "MoveToDeadLetterQueue"]:
        fields = {"failure_reason": "x"} if rpc != "ResetOrder" else {}
        kind = getattr(reprocessing_pb2, f"{rpc}Request")
        call = getattr(api.reprocessing, rpc)
        unknown = await failing(call(kind(order_id="gone", etag='"9"', **fields)))
        assert (unknown.reason, unknown.metadata) == ("ORDER_NOT_FOUND", {"orderId": "gone"})
        order = await created(api)
        await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order.order_id))
        stale = await failing(call(kind(order_id=order.order_id, etag=order.etag, **fields)))
        assert stale.reason == "ETAG_MISMATCH"
        current = await failing(call(kind(order_id=order.order_id, etag=stale.metadata["etag"], **fields)))
        assert current.reason == "ORDER_STATUS_CONFLICT"


async def test_an_order_that_nobody_knows_has_no_retry_metadata(api: Api) -> None:
    """And that is said."""
    assert (await failing(metadata(api, "gone"))).reason == "ORDER_NOT_FOUND"


async def test_the_worker_retries_by_the_same_rules(api: Api, fulfillment: Fulfillment, sql: Sql) -> None:
    """Without stock it counts until the dead letter queue, each retry when it is due."""
    await stocked(api, quantity=1)
    order = await created(api, allow_partial=False)
    policy = RetryPolicy(base=timedelta(0))
    for _ in range(5):
        await fulfillment.run(retry_policy=policy)
    assert status_of(await read(api, order.order_id)) is _S.DEAD_LETTER
    known = await metadata(api, order.order_id)
    assert {attempt.reason for attempt in known.attempts} == {"Inventory unavailable"}
    assert len(known.attempts) == 5
    assert await breaches(sql) == []
