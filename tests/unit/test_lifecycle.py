"""An order's life: whatever is called in whatever sequence, its history stays legal and whole."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.domain import CALLER, NOW, line, order_in, received
from tests.support.histories import faults_of_change, faults_of_history, faults_of_order
from wms_core.domain import events, failures, lifecycle
from wms_core.domain.change import Change, moved
from wms_core.domain.change import told as common
from wms_core.domain.dead_letters import Resolution
from wms_core.domain.errors import EtagMismatch, NothingToShip, WaveDestinationConflict, WmsError
from wms_core.domain.events import EventRecord
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Order, OrderChanges, Priority
from wms_core.domain.retries import RetryPolicy

_S = OrderStatus
POLICY = RetryPolicy(max_retries=3, jitter=0.5)
Action = Callable[[Order], Change]


def _allocate_and_pick(order: Order) -> Change:
    """Do as the worker: promise all units, ask for the first carrier."""
    event = events.PickingStarted(**common(order, NOW), wave_id="WAVE-2024-00001", destination_id="PACK-1")
    items = tuple(replace(item, allocated=item.quantity) for item in order.items)
    return moved(order, _S.PICKING, event, CALLER, NOW, items=items)


def _deliver_and_pack(order: Order) -> Change:
    """Do as the worker: all that was promised has arrived."""
    event = events.PackingStarted(**common(order, NOW), wave_id="WAVE-2024-00001", destination_id="PACK-1")
    items = tuple(replace(item, delivered=item.allocated) for item in order.items)
    return moved(order, _S.PACKING, event, CALLER, NOW, items=items)


def _resolve(resolution: Resolution) -> Action:
    return lambda order: failures.resolve(order, "DLQ-1", resolution, "", "SUPERVISOR-001", CALLER, NOW)


def _update(**values: object) -> Action:
    changes = OrderChanges(mask=frozenset(values), **values)  # type: ignore[arg-type]
    return lambda order: lifecycle.update(order, changes, CALLER, NOW)


ACTIONS: list[Action] = [
    lambda order: lifecycle.validate(order, CALLER, NOW),
    lambda order: lifecycle.assign_to_wave(order, "WAVE-2024-00001", "PACK-1", CALLER, NOW),
    _allocate_and_pick,
    _deliver_and_pack,
    lambda order: lifecycle.ship(order, "UPS", "1Z999", CALLER, NOW),
    lambda order: lifecycle.complete(order, None, CALLER, NOW),
    lambda order: lifecycle.cancel(order, "Customer request", CALLER, NOW),
    lambda order: failures.fail(order, "Inventory unavailable", NOW, POLICY, CALLER, NOW, draw=0.5),
    lambda order: failures.dead_letter(order, None, "hopeless", CALLER, NOW),
    lambda order: failures.dead_letter(order, _S.PICKING, "hopeless", CALLER, NOW),
    lambda order: failures.reset(order, CALLER, NOW),
    _resolve(Resolution.MANUAL_RETRY),
    _resolve(Resolution.CANCELLED),
    _resolve(Resolution.ESCALATED),
    _update(priority=Priority.SAME_DAY),
    _update(items=(line(), line(2, sku="SKU-002", quantity=3))),
    _update(promised_delivery_at=NOW + timedelta(days=1)),
]

# Some of the sequences start with the way to the door, or few would ever get there.
TO_THE_DOOR = ACTIONS[:6]
sequences = st.builds(
    lambda steps, rest: TO_THE_DOOR[:steps] + rest,
    st.integers(0, len(TO_THE_DOOR)),
    st.lists(st.sampled_from(ACTIONS), max_size=25),
)


def _live(actions: list[Action]) -> tuple[Order, list[EventRecord], list[str]]:
    """Lead an order through the actions; gives it, its events, and all that was wrong on the way."""
    order, first = received()
    records, faults = [first], faults_of_order(order)
    for action in actions:
        try:
            change = action(order)
        except WmsError:
            continue
        faults += faults_of_change(order, change) + faults_of_order(change.order)
        order, records = change.order, [*records, *change.records]
    return order, records, faults


@given(sequences)
def test_any_sequence_of_calls_leaves_a_legal_history(actions: list[Action]) -> None:
    """Events number 1 to n without a hole, their statuses form a path of the table, versions rise (I4)."""
    order, records, faults = _live(actions)
    assert faults + faults_of_history(records) == []
    assert (order.sequence, order.version) == (len(records), records[-1].version)


@given(sequences)
def test_a_final_status_stays(actions: list[Action]) -> None:
    """After COMPLETED or CANCELLED no call changes anything or writes an event."""
    order, _, _ = _live(actions)
    if order.status not in (_S.COMPLETED, _S.CANCELLED):
        return
    for action in ACTIONS:
        try:
            change = action(order)
        except WmsError:
            continue
        assert (change.order, change.records) == (order, ())


@given(sequences)
def test_failures_never_exceed_what_is_allowed(actions: list[Action]) -> None:
    """An order that waits for a retry has failed fewer times than the policy allows (I8)."""
    order, _, _ = _live(actions)
    assert order.retry_count <= POLICY.max_retries
    if order.status is _S.PENDING_RETRY:
        assert 1 <= order.retry_count < POLICY.max_retries


@given(sequences)
def test_what_is_not_on_its_way_holds_nothing(actions: list[Action]) -> None:
    """Outside PICKING, PACKING and what was shipped, an order has no units of any carrier."""
    order, _, _ = _live(actions)
    if order.status not in (_S.PICKING, _S.PACKING, _S.SHIPPED, _S.COMPLETED):
        assert [item.allocated for item in order.items] == [0] * len(order.items)


def test_the_straight_way_takes_six_events() -> None:
    """From RECEIVED to COMPLETED, one event for every status."""
    order, records, faults = _live(TO_THE_DOOR)
    assert (order.status, faults) == (_S.COMPLETED, [])
    told = [record.type.removeprefix("wms.order.") for record in records]
    assert told[:3] == ["received", "validated", "wave-assigned"]
    assert told[3:] == ["picking-started", "packing-started", "shipped", "completed"]


def test_a_further_shipment_is_an_event_but_no_change_of_status() -> None:
    """What was delivered after the first parcel leaves in a second one, with a number of its own."""
    order = order_in(_S.SHIPPED, items=(line(quantity=5, allocated=5, delivered=5, shipped=3),))
    change = lifecycle.ship(order, "UPS", "1Z999", CALLER, NOW)
    assert change.shipment is not None
    assert change.shipment.lines == ((1, "SKU-001", 2),)
    assert [(record.from_status, record.to_status) for record in change.records] == [(None, None)]


def test_shipping_again_without_anything_new_is_an_error() -> None:
    """A second ShipOrder does not repeat the first."""
    with pytest.raises(NothingToShip):
        lifecycle.ship(order_in(_S.SHIPPED), "UPS", "1Z999", CALLER, NOW)


def test_the_same_wave_again_changes_nothing_and_another_one_is_refused() -> None:
    """An order is in one wave; asking for it again is harmless, asking for another is told."""
    order = order_in(_S.ASSIGNED_TO_WAVE)
    again = lifecycle.assign_to_wave(order, "WAVE-2024-00001", "PACK-1", CALLER, NOW)
    assert (again.order, again.records) == (order, ())
    with pytest.raises(WaveDestinationConflict):
        lifecycle.assign_to_wave(order, "WAVE-2024-00002", "PACK-1", CALLER, NOW)


def test_an_update_that_changes_nothing_writes_no_event() -> None:
    """The values an order already has leave its version as it is."""
    change = _update(priority=Priority.STANDARD)(order_in())
    assert (change.order, change.records) == (order_in(), ())


def test_new_lines_let_go_of_what_the_old_ones_held() -> None:
    """Lines may be replaced while stock is promised to them; the stock is released."""
    order = order_in(_S.ASSIGNED_TO_WAVE, items=(line(allocated=2),))
    change = _update(items=(line(sku="SKU-002"),))(order)
    assert change.releases
    assert change.items_replaced
    assert change.order.items[0].allocated == 0


def test_only_the_present_etag_is_accepted() -> None:
    """A stale etag is refused with the present one; an empty one expects nothing."""
    order = order_in()
    order.expect("")
    order.expect(order.etag)
    with pytest.raises(EtagMismatch) as caught:
        order.expect('"6"')
    assert (caught.value.facts["order_id"], caught.value.facts["etag"]) == ("ORD-12345", '"7"')


def test_the_checker_of_histories_catches_what_it_is_for() -> None:
    """A hole, a swap, a jump and a forged beginning are each named: a checker that can't fail is none."""
    _, good, _ = _live(TO_THE_DOOR)
    assert faults_of_history(good) == []
    assert faults_of_history(good[:2] + good[3:])
    assert faults_of_history([good[0], good[2], good[1], *good[3:]])
    assert faults_of_history([good[0], replace(good[3], sequence=2)])
    assert faults_of_history(good[1:])
    assert faults_of_history([*good, good[-1]])
    assert faults_of_history([good[0], replace(good[1], to_status=None)])
