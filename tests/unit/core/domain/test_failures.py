"""Failures are counted, retried up to the limit, and then become dead letters."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders.domain import CALLER, NOW, build_order, build_order_line

from wms_core.domain.errors import DeadLetterAlreadyResolved, StatusConflict
from wms_core.domain.failures import failures
from wms_core.domain.failures.dead_letters import DeadLetterDecision, DeadLetterEntry, Resolution
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders.change import OrderChange
from wms_core.domain.orders.orders import Order
from wms_core.domain.orders.status import WORKING_STATUSES, OrderStatus

_S = OrderStatus


def _fail(order: Order, policy: RetryPolicy = RetryPolicy()) -> OrderChange:  # noqa: B008 # frozen
    return failures.fail(order, "Inventory unavailable", NOW, policy, CALLER, NOW)


@given(st.integers(1, 12), st.sampled_from(WORKING_STATUSES))
def test_every_failure_except_the_last_is_retried(max_retries: int, status: OrderStatus) -> None:
    """With n allowed failures there are n-1 `retry-scheduled` events and one `moved-to-dlq` event."""
    order = build_order(status)
    types = []
    for number in range(1, max_retries + 1):
        change = _fail(order, RetryPolicy(max_retries=max_retries))
        order = change.order
        types += [record.type for record in change.records]
        assert change.attempt is not None
        assert (change.attempt.attempt_number, change.attempt.status) == (number, status)
    assert types == ["wms.order.retry-scheduled"] * (max_retries - 1) + ["wms.order.moved-to-dlq"]
    assert (order.status, order.retry_count) == (_S.DEAD_LETTER, max_retries)
    with pytest.raises(StatusConflict):
        _fail(order)


def test_first_failed_status_is_kept() -> None:
    """Later failures of a waiting order keep the first status, because an operator needs it."""
    order = _fail(build_order(_S.PICKING)).order
    repeated = _fail(order)
    assert (order.failed_status, repeated.order.failed_status) == (_S.PICKING, _S.PICKING)
    assert repeated.records[0].from_status is repeated.records[0].to_status is _S.PENDING_RETRY


def test_retry_is_scheduled_from_the_time_of_the_failure() -> None:
    """`next_retry_at` counts from `failed_at` and not from the time of the report."""
    earlier = NOW - timedelta(minutes=4)
    change = failures.fail(build_order(), "jam", earlier, RetryPolicy(), CALLER, NOW)
    assert change.order.next_retry_at == earlier + timedelta(minutes=15)


def test_failed_order_releases_its_stock() -> None:
    """Its allocated units serve other orders while it waits. Shipped units are gone."""
    order = build_order(
        _S.PICKING, items=(build_order_line(quantity=5, allocated=5, delivered=3, shipped=1),)
    )
    change = _fail(order)
    assert change.should_release
    assert [(line.allocated, line.delivered, line.shipped) for line in change.order.items] == [(1, 1, 1)]


def test_reset_keeps_the_count_and_manual_retry_starts_a_generation() -> None:
    """After ResetOrder the count continues. After a manual retry it starts at 1."""
    waiting = build_order(_S.PENDING_RETRY, retry_count=3)
    reset = failures.reset_order(waiting, CALLER, NOW).order
    assert (reset.status, reset.retry_count, reset.retry_generation, reset.wave_id) == (
        _S.RECEIVED,
        3,
        0,
        None,
    )
    dead = build_order(_S.DEAD_LETTER, retry_count=5)
    retried = failures.resolve_dead_letter(
        dead, "DLQ-1", Resolution.MANUAL_RETRY, "", "SUPERVISOR-001", CALLER, NOW
    ).order
    assert (retried.status, retried.retry_count, retried.retry_generation) == (_S.RECEIVED, 0, 1)
    assert (retried.failed_status, retried.last_failure_reason, retried.next_retry_at) == (None, None, None)


def test_move_to_dead_letter_queue_adds_no_attempt() -> None:
    """The entry counts failures, and an operator's decision is not a failure."""
    change = failures.dead_letter(build_order(_S.PICKING, retry_count=2), None, "hopeless", CALLER, NOW)
    assert (change.attempt, change.order.retry_count) == (None, 2)
    assert change.dead_letter == (_S.PICKING, "hopeless")


@pytest.mark.parametrize(
    ("resolution", "status", "types"),
    [
        (Resolution.MANUAL_RETRY, _S.RECEIVED, ["dlq-resolved", "retry-started"]),
        (Resolution.CANCELLED, _S.CANCELLED, ["dlq-resolved", "cancelled"]),
        (Resolution.ESCALATED, _S.DEAD_LETTER, ["dlq-resolved"]),
    ],
)
def test_resolution_changes_the_order(resolution: Resolution, status: OrderStatus, types: list[str]) -> None:
    """It writes an event of its own, followed by the event of the status change."""
    change = failures.resolve_dead_letter(
        build_order(_S.DEAD_LETTER),
        "DLQ-1",
        resolution,
        "Inventory replenished",
        "SUPERVISOR-001",
        CALLER,
        NOW,
    )
    assert change.order.status is status
    assert [record.type.removeprefix("wms.order.") for record in change.records] == types


def _entry(*resolutions: Resolution) -> DeadLetterEntry:
    return DeadLetterEntry(
        entry_id="DLQ-1",
        order_id="ORD-12345",
        customer_id="CUST-001",
        warehouse_id="WH-01",
        final_failure_status=_S.PICKING,
        final_failure_reason="Max retries exceeded",
        total_retry_attempts=5,
        attempts=(),
        order_snapshot=build_order(_S.PICKING),
        created_at=NOW,
        decision_history=tuple(
            DeadLetterDecision(resolution, "", "SUPERVISOR-001", NOW) for resolution in resolutions
        ),
    )


@pytest.mark.parametrize("resolution", Resolution)
def test_open_entry_accepts_any_resolution(resolution: Resolution) -> None:
    """It has no earlier decision."""
    _entry().check_resolvable(resolution)


@pytest.mark.parametrize("first", Resolution)
@pytest.mark.parametrize("second", Resolution)
def test_only_an_escalated_entry_accepts_a_second_decision(first: Resolution, second: Resolution) -> None:
    """An escalated entry waits for a final decision.

    In all other cases the error names the first decision.
    """
    if first is Resolution.ESCALATED and second is not Resolution.ESCALATED:
        _entry(first).check_resolvable(second)
        with pytest.raises(DeadLetterAlreadyResolved):
            _entry(first, second).check_resolvable(Resolution.ESCALATED)
        return
    with pytest.raises(DeadLetterAlreadyResolved) as caught:
        _entry(first).check_resolvable(second)
    assert caught.value.metadata["resolution"] == first.value
    assert caught.value.metadata["resolved_by"] == "SUPERVISOR-001"
