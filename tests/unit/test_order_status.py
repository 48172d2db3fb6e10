"""The status table: the one of the design, whole, without dead ends, and the calls that follow from it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.domain import CALLER, NOW, line, order_in
from wms_core.domain import failures, lifecycle
from wms_core.domain.change import Change
from wms_core.domain.dead_letters import Resolution
from wms_core.domain.errors import StatusConflict, WmsError
from wms_core.domain.order_status import (
    CALLS,
    TRANSITIONS,
    UPDATABLE,
    WORKING,
    OrderStatus,
    allowed,
    legal_calls,
    sources,
)
from wms_core.domain.orders import Order, OrderChanges
from wms_core.domain.retries import RetryPolicy

FINAL = {OrderStatus.COMPLETED, OrderStatus.CANCELLED}

#: The arrows as the design draws them, written down a second time on purpose.
DESIGN = """
received -> validated pending_retry dead_letter cancelled
validated -> assigned_to_wave pending_retry dead_letter cancelled
assigned_to_wave -> picking pending_retry dead_letter cancelled
picking -> packing pending_retry dead_letter cancelled
packing -> shipped pending_retry dead_letter cancelled
shipped -> completed
pending_retry -> pending_retry received dead_letter cancelled
dead_letter -> received cancelled
"""

ACTIONS: dict[str, Callable[[Order], Change]] = {
    "ValidateOrder": lambda order: lifecycle.validate(order, CALLER, NOW),
    "AssignOrdersToWave": lambda order: lifecycle.assign_to_wave(order, "WAVE-2024-2", "PACK-2", CALLER, NOW),
    "ShipOrder": lambda order: lifecycle.ship(order, "UPS", "1Z999", CALLER, NOW),
    "CompleteOrder": lambda order: lifecycle.complete(order, None, CALLER, NOW),
    "CancelOrder": lambda order: lifecycle.cancel(order, "Customer request", CALLER, NOW),
    "IncrementRetryCount": lambda order: failures.fail(order, "jam", NOW, RetryPolicy(), CALLER, NOW),
    "ResetOrder": lambda order: failures.reset(order, CALLER, NOW),
    "MoveToDeadLetterQueue": lambda order: failures.dead_letter(order, None, "hopeless", CALLER, NOW),
    "UpdateOrder": lambda order: lifecycle.update(
        order,
        OrderChanges(mask=frozenset({"promised_delivery_at"}), promised_delivery_at=NOW + timedelta(days=1)),
        CALLER,
        NOW,
    ),
    "ResolveDeadLetterEntry": lambda order: failures.resolve(
        order, "DLQ-1", Resolution.MANUAL_RETRY, "", "SUPERVISOR-001", CALLER, NOW
    ),
}


def test_the_table_is_the_one_of_the_design() -> None:
    """Code and design name the same arrows."""
    drawn = dict.fromkeys(OrderStatus, frozenset[str]())
    for text in DESIGN.strip().splitlines():
        source, _, targets = text.partition(" -> ")
        drawn[OrderStatus(source)] = frozenset(targets.split())
    assert {status: set(targets) for status, targets in TRANSITIONS.items()} == drawn


def test_every_status_has_a_row_and_no_arrow_is_there_twice() -> None:
    """The table is whole, so that looking a status up never fails."""
    assert list(TRANSITIONS) == list(OrderStatus)
    assert all(len(set(targets)) == len(targets) for targets in TRANSITIONS.values())


def test_only_completed_and_cancelled_are_final() -> None:
    """From each other status there is a way on."""
    assert {status for status, targets in TRANSITIONS.items() if not targets} == FINAL


@pytest.mark.parametrize("status", OrderStatus)
def test_every_status_is_reached_and_comes_to_an_end(status: OrderStatus) -> None:
    """There is a path from RECEIVED to every status, and from every status to a final one."""
    assert status in _reachable(OrderStatus.RECEIVED)
    assert _reachable(status) & FINAL


@pytest.mark.parametrize("status", OrderStatus)
def test_arrows_are_the_same_read_from_either_end(status: OrderStatus) -> None:
    """`sources` is `TRANSITIONS` turned round, and `allowed` is both."""
    for other in OrderStatus:
        assert allowed(status, other) == (other in TRANSITIONS[status]) == (status in sources(other))


def test_work_may_fail_in_every_working_status_and_in_no_finished_one() -> None:
    """RECEIVED to PACKING lead to a retry, to the dead letter queue and to CANCELLED."""
    for to in (OrderStatus.PENDING_RETRY, OrderStatus.DEAD_LETTER, OrderStatus.CANCELLED):
        assert set(WORKING) <= set(sources(to))
        assert OrderStatus.SHIPPED not in sources(to)
    assert set(UPDATABLE) <= set(WORKING)


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("call", ACTIONS)
def test_a_legal_call_changes_the_order_and_any_other_does_not(status: OrderStatus, call: str) -> None:
    """What `legal_calls` names is accepted; all else is refused, or asks for what is already so."""
    order = order_in(status)
    if status is OrderStatus.SHIPPED and call == "ShipOrder":
        order = order_in(status, items=(line(allocated=2, delivered=2, shipped=1),))
    if call in legal_calls(status):
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
    assert CALLS[call] is status


@pytest.mark.parametrize("status", [one for one in OrderStatus if one not in ("received", "validated")])
def test_a_refusal_names_the_status_and_those_it_would_take(status: OrderStatus) -> None:
    """StatusConflict tells a client both sides, in the table's words."""
    with pytest.raises(StatusConflict) as caught:
        lifecycle.validate(order_in(status), CALLER, NOW)
    assert caught.value.facts == {
        "order_id": "ORD-12345",
        "status": status.value,
        "required_statuses": "received",
    }


def test_every_call_of_the_table_is_tried_here() -> None:
    """A call that is added to the table is added to these tests."""
    assert set(CALLS) <= set(ACTIONS)
    assert {call for status in OrderStatus for call in legal_calls(status)} == set(ACTIONS)


def _reachable(start: OrderStatus) -> set[OrderStatus]:
    found, ahead = {start}, [start]
    while ahead:
        for target in TRANSITIONS[ahead.pop()]:
            if target not in found:
                found.add(target)
                ahead.append(target)
    return found
