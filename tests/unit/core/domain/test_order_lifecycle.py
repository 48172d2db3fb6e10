"""The order lifecycle: the history stays legal and complete for any sequence of calls."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders.domain import CALLER, NOW, build_order, build_order_line, build_received_order
from tests.support.invariants.order_history import (
    find_change_violations,
    find_history_violations,
    find_order_violations,
)

from wms_core.domain.errors import EtagMismatch, NothingToShip, WaveDestinationConflict, WmsError
from wms_core.domain.events import events
from wms_core.domain.events.events import EventRecord
from wms_core.domain.failures import failures
from wms_core.domain.failures.dead_letters import Resolution
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders import lifecycle
from wms_core.domain.orders.change import OrderChange, transition
from wms_core.domain.orders.change import event_base_fields as common
from wms_core.domain.orders.orders import Order, OrderUpdate, Priority
from wms_core.domain.orders.status import OrderStatus

_S = OrderStatus
POLICY = RetryPolicy(max_retries=3, jitter_ratio=0.5)
Action = Callable[[Order], OrderChange]


def _allocate_and_pick(order: Order) -> OrderChange:
    """Act as the worker: allocate all units and request the first move."""
    event = events.PickingStarted(**common(order, NOW), wave_id="WAVE-2024-00001", destination_id="PACK-1")
    items = tuple(replace(item, allocated=item.quantity) for item in order.items)
    return transition(order, _S.PICKING, event, CALLER, NOW, items=items)


def _deliver_and_pack(order: Order) -> OrderChange:
    """Act as the worker: deliver all allocated units."""
    event = events.PackingStarted(**common(order, NOW), wave_id="WAVE-2024-00001", destination_id="PACK-1")
    items = tuple(replace(item, delivered=item.allocated) for item in order.items)
    return transition(order, _S.PACKING, event, CALLER, NOW, items=items)


def _resolve(resolution: Resolution) -> Action:
    return lambda order: failures.resolve_dead_letter(
        order, "DLQ-1", resolution, "", "SUPERVISOR-001", CALLER, NOW
    )


def _update(**values: object) -> Action:
    changes = OrderUpdate(field_mask=frozenset(values), **values)  # type: ignore[arg-type]
    return lambda order: lifecycle.update(order, changes, CALLER, NOW)


ACTIONS: list[Action] = [
    lambda order: lifecycle.validate(order, CALLER, NOW),
    lambda order: lifecycle.assign_to_wave(order, "WAVE-2024-00001", "PACK-1", CALLER, NOW),
    _allocate_and_pick,
    _deliver_and_pack,
    lambda order: lifecycle.ship(order, "UPS", "1Z999", CALLER, NOW),
    lambda order: lifecycle.complete(order, None, CALLER, NOW),
    lambda order: lifecycle.cancel(order, "Customer request", CALLER, NOW),
    lambda order: failures.fail(order, "Inventory unavailable", NOW, POLICY, CALLER, NOW, jitter_draw=0.5),
    lambda order: failures.dead_letter(order, None, "hopeless", CALLER, NOW),
    lambda order: failures.dead_letter(order, _S.PICKING, "hopeless", CALLER, NOW),
    lambda order: failures.reset_order(order, CALLER, NOW),
    _resolve(Resolution.MANUAL_RETRY),
    _resolve(Resolution.CANCELLED),
    _resolve(Resolution.ESCALATED),
    _update(priority=Priority.SAME_DAY),
    _update(items=(build_order_line(), build_order_line(2, sku="SKU-002", quantity=3))),
    _update(promised_delivery_at=NOW + timedelta(days=1)),
]

# Some sequences start with the path to completion. Otherwise few would reach it.
TO_COMPLETION = ACTIONS[:6]
sequences = st.builds(
    lambda steps, remaining: TO_COMPLETION[:steps] + remaining,
    st.integers(0, len(TO_COMPLETION)),
    st.lists(st.sampled_from(ACTIONS), max_size=25),
)


def _run(actions: list[Action]) -> tuple[Order, list[EventRecord], list[str]]:
    """Apply the actions to an order. Return the order, its events, and all violations."""
    order, received = build_received_order()
    records, violations = [received], find_order_violations(order)
    for action in actions:
        try:
            change = action(order)
        except WmsError:
            continue
        violations += find_change_violations(order, change) + find_order_violations(change.order)
        order, records = change.order, [*records, *change.records]
    return order, records, violations


@given(sequences)
def test_any_sequence_of_calls_leaves_a_legal_history(actions: list[Action]) -> None:
    """Events have the numbers 1 to n without a gap, statuses follow the table, and versions rise (I4)."""
    order, records, violations = _run(actions)
    assert violations + find_history_violations(records) == []
    assert (order.sequence, order.version) == (len(records), records[-1].version)


@given(sequences)
def test_final_status_never_changes(actions: list[Action]) -> None:
    """After COMPLETED or CANCELLED no call changes the order or writes an event."""
    order, _, _ = _run(actions)
    if order.status not in (_S.COMPLETED, _S.CANCELLED):
        return
    for action in ACTIONS:
        try:
            change = action(order)
        except WmsError:
            continue
        assert (change.order, change.records) == (order, ())


@given(sequences)
def test_failures_never_exceed_the_limit(actions: list[Action]) -> None:
    """An order that waits for a retry has fewer failures than the policy allows (I8)."""
    order, _, _ = _run(actions)
    assert order.retry_count <= POLICY.max_retries
    if order.status is _S.PENDING_RETRY:
        assert 1 <= order.retry_count < POLICY.max_retries


@given(sequences)
def test_only_active_orders_have_allocations(actions: list[Action]) -> None:
    """Only orders in PICKING, PACKING or later have allocated units."""
    order, _, _ = _run(actions)
    if order.status not in (_S.PICKING, _S.PACKING, _S.SHIPPED, _S.COMPLETED):
        assert [item.allocated for item in order.items] == [0] * len(order.items)


def test_path_to_completion_has_seven_events() -> None:
    """There is one event for every status from RECEIVED to COMPLETED."""
    order, records, violations = _run(TO_COMPLETION)
    assert (order.status, violations) == (_S.COMPLETED, [])
    types = [record.type.removeprefix("wms.order.") for record in records]
    assert types[:3] == ["received", "validated", "wave-assigned"]
    assert types[3:] == ["picking-started", "packing-started", "shipped", "completed"]


def test_second_shipment_does_not_change_the_status() -> None:
    """Units delivered after the first shipment leave in a second one, with a number of its own."""
    order = build_order(
        _S.SHIPPED, items=(build_order_line(quantity=5, allocated=5, delivered=5, shipped=3),)
    )
    change = lifecycle.ship(order, "UPS", "1Z999", CALLER, NOW)
    assert change.shipment is not None
    assert change.shipment.lines == ((1, "SKU-001", 2),)
    assert [(record.from_status, record.to_status) for record in change.records] == [(None, None)]


def test_second_shipment_without_units_is_an_error() -> None:
    """A second ShipOrder does not repeat the first."""
    with pytest.raises(NothingToShip):
        lifecycle.ship(build_order(_S.SHIPPED), "UPS", "1Z999", CALLER, NOW)


def test_order_accepts_its_wave_again_and_rejects_another() -> None:
    """An order belongs to one wave."""
    order = build_order(_S.ASSIGNED_TO_WAVE)
    repeated = lifecycle.assign_to_wave(order, "WAVE-2024-00001", "PACK-1", CALLER, NOW)
    assert (repeated.order, repeated.records) == (order, ())
    with pytest.raises(WaveDestinationConflict):
        lifecycle.assign_to_wave(order, "WAVE-2024-00002", "PACK-1", CALLER, NOW)


def test_update_without_a_change_writes_no_event() -> None:
    """An update to the present values does not change the version."""
    change = _update(priority=Priority.STANDARD)(build_order())
    assert (change.order, change.records) == (build_order(), ())


def test_replacing_lines_releases_their_allocations() -> None:
    """Lines may be replaced while stock is allocated to them."""
    order = build_order(_S.ASSIGNED_TO_WAVE, items=(build_order_line(allocated=2),))
    change = _update(items=(build_order_line(sku="SKU-002"),))(order)
    assert change.should_release
    assert change.items_replaced
    assert change.order.items[0].allocated == 0


def test_only_the_current_etag_is_accepted() -> None:
    """The error for an old etag has the current one. An empty etag matches every version."""
    order = build_order()
    order.check_etag("")
    order.check_etag(order.etag)
    with pytest.raises(EtagMismatch) as caught:
        order.check_etag('"6"')
    assert (caught.value.metadata["order_id"], caught.value.metadata["etag"]) == ("ORD-12345", '"7"')


def test_history_checker_detects_violations() -> None:
    """It reports a gap, a swap, a skipped status and a forged start."""
    _, history, _ = _run(TO_COMPLETION)
    assert find_history_violations(history) == []
    assert find_history_violations(history[:2] + history[3:])
    assert find_history_violations([history[0], history[2], history[1], *history[3:]])
    assert find_history_violations([history[0], replace(history[3], sequence=2)])
    assert find_history_violations(history[1:])
    assert find_history_violations([*history, history[-1]])
    assert find_history_violations([history[0], replace(history[1], to_status=None)])
