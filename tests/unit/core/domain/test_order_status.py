"""The status table: it matches the design, has no dead ends, and determines the legal calls."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.support.builders.domain import CALLER, NOW, build_order, build_order_line

from wms_core.domain.errors import StatusConflict, WmsError
from wms_core.domain.failures import failures
from wms_core.domain.failures.dead_letters import Resolution
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders import lifecycle
from wms_core.domain.orders.change import OrderChange
from wms_core.domain.orders.orders import Order, OrderUpdate
from wms_core.domain.orders.status import (
    STATUS_BY_CALL,
    STATUS_TRANSITIONS,
    UPDATABLE_STATUSES,
    WORKING_STATUSES,
    OrderStatus,
    is_allowed,
    list_legal_calls,
    source_statuses,
)

FINAL = {OrderStatus.COMPLETED, OrderStatus.CANCELLED}

#: The transitions of the design, repeated here on purpose.
DESIGNED_TRANSITIONS = """
received -> validated pending_retry dead_letter cancelled
validated -> assigned_to_wave pending_retry dead_letter cancelled
assigned_to_wave -> picking pending_retry dead_letter cancelled
picking -> packing pending_retry dead_letter cancelled
packing -> shipped pending_retry dead_letter cancelled
shipped -> completed
pending_retry -> pending_retry received dead_letter cancelled
dead_letter -> received cancelled
"""

ACTIONS: dict[str, Callable[[Order], OrderChange]] = {
    "ValidateOrder": lambda order: lifecycle.validate(order, CALLER, NOW),
    "AssignOrdersToWave": lambda order: lifecycle.assign_to_wave(order, "WAVE-2024-2", "PACK-2", CALLER, NOW),
    "ShipOrder": lambda order: lifecycle.ship(order, "UPS", "1Z999", CALLER, NOW),
    "CompleteOrder": lambda order: lifecycle.complete(order, None, CALLER, NOW),
    "CancelOrder": lambda order: lifecycle.cancel(order, "Customer request", CALLER, NOW),
    "IncrementRetryCount": lambda order: failures.fail(order, "jam", NOW, RetryPolicy(), CALLER, NOW),
    "ResetOrder": lambda order: failures.reset_order(order, CALLER, NOW),
    "MoveToDeadLetterQueue": lambda order: failures.dead_letter(order, None, "hopeless", CALLER, NOW),
    "UpdateOrder": lambda order: lifecycle.update(
        order,
        OrderUpdate(
            field_mask=frozenset({"promised_delivery_at"}), promised_delivery_at=NOW + timedelta(days=1)
        ),
        CALLER,
        NOW,
    ),
    "ResolveDeadLetterEntry": lambda order: failures.resolve_dead_letter(
        order, "DLQ-1", Resolution.MANUAL_RETRY, "", "SUPERVISOR-001", CALLER, NOW
    ),
}


def test_status_table_matches_the_design() -> None:
    """Code and design have the same transitions."""
    designed = dict.fromkeys(OrderStatus, frozenset[str]())
    for text in DESIGNED_TRANSITIONS.strip().splitlines():
        source, _, targets = text.partition(" -> ")
        designed[OrderStatus(source)] = frozenset(targets.split())
    assert {status: set(targets) for status, targets in STATUS_TRANSITIONS.items()} == designed


def test_every_status_has_a_row_without_duplicates() -> None:
    """The table is complete, so that a lookup never fails."""
    assert list(STATUS_TRANSITIONS) == list(OrderStatus)
    assert all(len(set(targets)) == len(targets) for targets in STATUS_TRANSITIONS.values())


def test_only_completed_and_cancelled_are_final() -> None:
    """Every other status has a transition."""
    assert {status for status, targets in STATUS_TRANSITIONS.items() if not targets} == FINAL


@pytest.mark.parametrize("status", OrderStatus)
def test_every_status_is_reachable_and_leads_to_a_final_one(status: OrderStatus) -> None:
    """RECEIVED leads to every status, and every status leads to a final one."""
    assert status in _reachable(OrderStatus.RECEIVED)
    assert _reachable(status) & FINAL


@pytest.mark.parametrize("status", OrderStatus)
def test_transitions_are_the_same_from_both_ends(status: OrderStatus) -> None:
    """`source_statuses` is the inverse of `STATUS_TRANSITIONS`, and `is_allowed` agrees with both."""
    for target in OrderStatus:
        assert (
            is_allowed(status, target)
            == (target in STATUS_TRANSITIONS[status])
            == (status in source_statuses(target))
        )


def test_orders_may_fail_in_every_working_status_only() -> None:
    """RECEIVED to PACKING lead to a retry, to the dead letter queue, and to CANCELLED."""
    for target in (OrderStatus.PENDING_RETRY, OrderStatus.DEAD_LETTER, OrderStatus.CANCELLED):
        assert set(WORKING_STATUSES) <= set(source_statuses(target))
        assert OrderStatus.SHIPPED not in source_statuses(target)
    assert set(UPDATABLE_STATUSES) <= set(WORKING_STATUSES)


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("call", ACTIONS)
def test_only_legal_calls_change_the_order(status: OrderStatus, call: str) -> None:
    """Calls in `list_legal_calls` are accepted. All others are rejected or request the present status."""
    order = build_order(status)
    if status is OrderStatus.SHIPPED and call == "ShipOrder":
        order = build_order(status, items=(build_order_line(allocated=2, delivered=2, shipped=1),))
    if call in list_legal_calls(status):
        change = ACTIONS[call](order)
        assert change.records
        assert change.order.version == order.version + 1
        return
    try:
        change = ACTIONS[call](order)
    except WmsError:
        return
    assert change.order == order
    assert not change.records
    assert STATUS_BY_CALL[call] is status


@pytest.mark.parametrize(
    "status", [status for status in OrderStatus if status not in ("received", "validated")]
)
def test_status_conflict_has_present_and_required_statuses(status: OrderStatus) -> None:
    """StatusConflict has the words of the table."""
    with pytest.raises(StatusConflict) as caught:
        lifecycle.validate(build_order(status), CALLER, NOW)
    assert caught.value.metadata == {
        "order_id": "ORD-12345",
        "status": status.value,
        "required_statuses": "received",
    }


def test_every_call_of_the_table_is_tested() -> None:
    """A new call of the table must be added to these tests."""
    assert set(STATUS_BY_CALL) <= set(ACTIONS)
    assert {call for status in OrderStatus for call in list_legal_calls(status)} == set(ACTIONS)


def _reachable(start: OrderStatus) -> set[OrderStatus]:
    reachable, pending = {start}, [start]
    while pending:
        for target in STATUS_TRANSITIONS[pending.pop()]:
            if target not in reachable:
                reachable.add(target)
                pending.append(target)
    return reachable
