"""Failures: counted when they happen, retried as often as allowed, then for a person to decide."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.domain import CALLER, NOW, line, order_in
from wms_core.domain import failures
from wms_core.domain.change import Change
from wms_core.domain.dead_letters import DeadLetterEntry, Decision, Resolution
from wms_core.domain.errors import DeadLetterAlreadyResolved, StatusConflict
from wms_core.domain.order_status import WORKING, OrderStatus
from wms_core.domain.orders import Order
from wms_core.domain.retries import RetryPolicy

_S = OrderStatus


def _fail(order: Order, policy: RetryPolicy = RetryPolicy()) -> Change:  # noqa: B008 # frozen
    return failures.fail(order, "Inventory unavailable", NOW, policy, CALLER, NOW)


@given(st.integers(1, 12), st.sampled_from(WORKING))
def test_every_failure_but_the_last_is_retried(max_retries: int, status: OrderStatus) -> None:
    """With n failures allowed there are n-1 `retry-scheduled` and one `moved-to-dlq`."""
    order = order_in(status)
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


def test_the_status_it_first_failed_in_stays() -> None:
    """Further failures while it waits tell of the same status, which is what a person has to look at."""
    order = _fail(order_in(_S.PICKING)).order
    again = _fail(order)
    assert (order.failed_status, again.order.failed_status) == (_S.PICKING, _S.PICKING)
    assert again.records[0].from_status is again.records[0].to_status is _S.PENDING_RETRY


def test_the_retry_is_planned_from_when_it_failed() -> None:
    """`next_retry_at` counts from `failed_at`, not from when the failure was told."""
    earlier = NOW - timedelta(minutes=4)
    change = failures.fail(order_in(), "jam", earlier, RetryPolicy(), CALLER, NOW)
    assert change.order.next_retry_at == earlier + timedelta(minutes=15)


def test_a_failing_order_lets_go_of_its_stock() -> None:
    """What was allocated to it serves others while it waits; what was shipped is gone."""
    order = order_in(_S.PICKING, items=(line(quantity=5, allocated=5, delivered=3, shipped=1),))
    change = _fail(order)
    assert change.releases
    assert [(i.allocated, i.delivered, i.shipped) for i in change.order.items] == [(1, 1, 1)]


def test_a_reset_keeps_the_count_and_a_manual_retry_begins_a_new_life() -> None:
    """After ResetOrder the next failure is the next number; after a manual retry it is the first."""
    waiting = order_in(_S.PENDING_RETRY, retry_count=3)
    reset = failures.reset(waiting, CALLER, NOW).order
    assert (reset.status, reset.retry_count, reset.life, reset.wave_id) == (_S.RECEIVED, 3, 0, None)
    dead = order_in(_S.DEAD_LETTER, retry_count=5)
    retried = failures.resolve(
        dead, "DLQ-1", Resolution.MANUAL_RETRY, "", "SUPERVISOR-001", CALLER, NOW
    ).order
    assert (retried.status, retried.retry_count, retried.life) == (_S.RECEIVED, 0, 1)
    assert (retried.failed_status, retried.last_failure_reason, retried.next_retry_at) == (None, None, None)


def test_moving_to_the_dead_letter_queue_by_hand_adds_no_attempt() -> None:
    """The entry counts what failed; a person's decision is no failure."""
    change = failures.dead_letter(order_in(_S.PICKING, retry_count=2), None, "hopeless", CALLER, NOW)
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
def test_a_resolution_does_what_it_says(
    resolution: Resolution, status: OrderStatus, types: list[str]
) -> None:
    """It is told as an event of its own, followed by the change of status it brings."""
    change = failures.resolve(
        order_in(_S.DEAD_LETTER), "DLQ-1", resolution, "Inventory replenished", "SUPERVISOR-001", CALLER, NOW
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
        order_snapshot=order_in(_S.PICKING),
        created_at=NOW,
        decisions=tuple(Decision(one, "", "SUPERVISOR-001", NOW) for one in resolutions),
    )


@pytest.mark.parametrize("resolution", Resolution)
def test_an_open_entry_takes_any_resolution(resolution: Resolution) -> None:
    """Nothing has been decided yet."""
    _entry().check_resolvable(resolution)


@pytest.mark.parametrize("first", Resolution)
@pytest.mark.parametrize("second", Resolution)
def test_only_an_escalated_entry_is_decided_once_more(first: Resolution, second: Resolution) -> None:
    """Escalation waits for a decision for good; every other second one names who came first."""
    if first is Resolution.ESCALATED and second is not Resolution.ESCALATED:
        _entry(first).check_resolvable(second)
        with pytest.raises(DeadLetterAlreadyResolved):
            _entry(first, second).check_resolvable(Resolution.ESCALATED)
        return
    with pytest.raises(DeadLetterAlreadyResolved) as caught:
        _entry(first).check_resolvable(second)
    assert caught.value.facts["resolution"] == first.value
    assert caught.value.facts["resolved_by"] == "SUPERVISOR-001"
