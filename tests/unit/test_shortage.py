"""Who gets what when there is not enough for all, and what becomes of those who get less: pure functions."""

import doctest
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import count
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from wms_core.domain import backorders
from wms_core.domain.allocation import AllocationPlan, OwedUnits, allocate
from wms_core.domain.backorders import Backorder, BackorderStatus, PartialRule, go_on_without
from wms_core.domain.caller import Caller
from wms_core.domain.errors import (
    BackorderStatusConflict,
    QuantityExceeded,
    SkuNotOnOrder,
    StatusConflict,
)
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Address, Order, OrderItem, Priority
from wms_core.domain.payloads import ShortageReason
from wms_core.domain.storage import Allocation, Destination, FreeCarrier

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
CALLER = Caller(actor="worker/test")
RULE = PartialRule(0.5)
SKUS = st.sampled_from(["X", "Y", "Z"])
WIDE = Destination("D-1", "W", 9, ("A", "B"))
NARROW = Destination("D-2", "W", 9, ("A",))
BOTH = {one.destination_id: one for one in (WIDE, NARROW)}


def order(
    number: int, lines: list[tuple[str, int]], destination: str = "D-1", *, partial: bool = True
) -> Order:
    """Give an order in a wave that holds nothing yet."""
    return Order(
        order_id=f"O-{number}",
        customer_id="C",
        warehouse_id="W",
        priority=Priority.STANDARD,
        status=OrderStatus.ASSIGNED_TO_WAVE,
        items=tuple(OrderItem(line, sku, units) for line, (sku, units) in enumerate(lines, start=1)),
        shipping_address=Address("1 Main St", "Town", "US"),
        created_at=NOW,
        updated_at=NOW,
        allow_partial=partial,
        destination_id=destination,
    )


def shelf(number: int, sku: str, free: int, **facts: object) -> FreeCarrier:
    """Give a carrier in a lane of zone A that goes nowhere."""
    ready = FreeCarrier(f"C-{number}", "W", sku, free, "A", None, reachable=True)
    return replace(ready, **facts)  # type: ignore[arg-type]


LINES = st.lists(st.tuples(SKUS, st.integers(1, 6)), min_size=1, max_size=3)


@st.composite
def orders(draw: st.DrawFn) -> list[Order]:
    """Draw orders of both destinations, some with a SKU on two lines, some that take no part."""
    facts = draw(st.lists(st.tuples(LINES, st.sampled_from(sorted(BOTH)), st.booleans()), max_size=5))
    return [
        order(number, lines, destination, partial=partial)
        for number, (lines, destination, partial) in enumerate(facts)
    ]


@st.composite
def carriers(draw: st.DrawFn) -> list[FreeCarrier]:
    """Draw carriers, oldest first, some that only one destination can be served with, some out of reach."""
    facts = draw(
        st.lists(
            st.tuples(
                SKUS,
                st.integers(1, 6),
                st.sampled_from(["A", "B"]),
                st.sampled_from([None, None, "D-1", "D-2"]),
                st.sampled_from([True, True, False]),
                st.integers(0, 2),
                st.integers(0, 2),
            ),
            max_size=8,
        )
    )
    return [
        FreeCarrier(f"C-{number}", "W", sku, free, zone, target, reachable, age, blockers)
        for number, (sku, free, zone, target, reachable, age, blockers) in enumerate(
            sorted(facts, key=lambda one: one[5])
        )
    ]


@st.composite
def debts(draw: st.DrawFn) -> list[OwedUnits]:
    """Draw what older orders are owed, oldest first."""
    facts = draw(st.lists(st.tuples(SKUS, st.integers(1, 6), st.sampled_from(sorted(BOTH))), max_size=3))
    return [
        OwedUnits(f"BO-{number}", f"OLD-{number}", 1, "W", destination, sku, units)
        for number, (sku, units, destination) in enumerate(facts)
    ]


def units_of(allocations: list[Allocation], **wanted: object) -> int:
    """Sum up the allocations with these facts."""
    return sum(
        one.quantity
        for one in allocations
        if all(getattr(one, name) == value for name, value in wanted.items())
    )


@given(debts(), orders(), carriers())
def test_never_more_is_promised_than_there_is_or_than_was_asked_for(
    owed: list[OwedUnits], wanted: list[Order], there: list[FreeCarrier]
) -> None:
    """Of no carrier, no line and no backorder; and only units of the SKU that was asked for."""
    promised = allocate(owed, wanted, there, BOTH, RULE).allocations
    by_id = {carrier.carrier_id: carrier for carrier in there}
    for carrier in there:
        assert units_of(promised, carrier_id=carrier.carrier_id) <= carrier.free
    for one in owed:
        assert units_of(promised, backorder_id=one.backorder_id) <= one.quantity
    skus = {(o.order_id, item.line_number): item.sku for o in wanted for item in o.items}
    skus |= {(one.order_id, one.line_number): one.sku for one in owed}
    for promise in promised:
        assert promise.quantity > 0
        assert by_id[promise.carrier_id].sku == skus[promise.order_id, promise.line_number]


@given(debts(), orders(), carriers())
def test_a_carrier_goes_to_one_destination_that_it_can_reach(
    owed: list[OwedUnits], wanted: list[Order], there: list[FreeCarrier]
) -> None:
    """The one it goes to already, else one that is served from its zone; never one that can't be reached."""
    promised = allocate(owed, wanted, there, BOTH, RULE).allocations
    targets = defaultdict(set)
    for promise in promised:
        targets[promise.carrier_id].add(promise.destination_id)
    for carrier in there:
        for target in targets[carrier.carrier_id]:
            assert targets[carrier.carrier_id] == {target}
            assert carrier.reachable
            assert carrier.destination_id in (None, target)
            assert carrier.destination_id == target or carrier.zone in BOTH[target].zones


@given(debts(), orders(), carriers())
def test_an_order_gets_all_it_may_get_or_nothing(
    owed: list[OwedUnits], wanted: list[Order], there: list[FreeCarrier]
) -> None:
    """Each order is served whole, or with a share that it allows and that is large enough, or not at all."""
    plan = allocate(owed, wanted, there, BOTH, RULE)
    for one in wanted:
        got = units_of(plan.allocations, order_id=one.order_id)
        missing = plan.missing.get(one.order_id, {})
        asked = sum(item.quantity for item in one.items)
        if one.order_id in plan.short or one.order_id in plan.waiting:
            assert (got, missing) == (0, {})
            assert not (one.order_id in plan.short and one.order_id in plan.waiting)
            continue
        for item in one.items:
            share = units_of(plan.allocations, order_id=one.order_id, line_number=item.line_number)
            assert share == item.quantity - missing.get(item.line_number, 0)
        assert not missing or (one.allow_partial and Fraction(got, asked) >= Fraction(1, 2))


@given(debts(), orders(), carriers())
def test_an_order_is_short_only_when_the_stock_is_not_there(
    owed: list[OwedUnits], wanted: list[Order], there: list[FreeCarrier]
) -> None:
    """What was promised before it is gone; what is left counts wherever it is: that is waited for."""
    plan = allocate(owed, wanted, there, BOTH, RULE)
    left: Counter[str] = Counter()
    for carrier in there:
        left[carrier.sku] += carrier.free - sum(
            units_of(plan.allocations, carrier_id=carrier.carrier_id, backorder_id=one.backorder_id)
            for one in owed
        )
    for one in wanted:
        asked: Counter[str] = Counter()
        for item in one.items:
            asked[item.sku] += item.quantity
        share = Fraction(sum(min(asked[sku], left[sku]) for sku in asked), sum(asked.values()))
        enough = share == 1 or (one.allow_partial and share >= Fraction(1, 2))
        assert (one.order_id in plan.short) is not enough
        for item in one.items:
            left[item.sku] -= units_of(plan.allocations, order_id=one.order_id, line_number=item.line_number)


@given(debts(), orders(), carriers())
def test_debts_are_paid_before_orders_and_older_orders_before_younger(
    owed: list[OwedUnits], wanted: list[Order], there: list[FreeCarrier]
) -> None:
    """Whatever comes later in line changes nothing for those in front of it."""
    whole = allocate(owed, wanted, there, BOTH, RULE)
    for number in range(len(wanted) + 1):
        alone = allocate(owed, wanted[:number], there, BOTH, RULE)
        assert whole.allocations[: len(alone.allocations)] == alone.allocations
        for told in ("missing", "short", "waiting"):
            assert getattr(alone, told).items() <= getattr(whole, told).items()


@given(debts(), orders(), carriers())
def test_the_same_question_has_the_same_answer(
    owed: list[OwedUnits], wanted: list[Order], there: list[FreeCarrier]
) -> None:
    """Nothing but the arguments counts, and they are left as they were."""
    before = (list(owed), list(wanted), list(there))
    assert allocate(owed, wanted, there, BOTH, RULE) == allocate(owed, wanted, there, BOTH, RULE)
    assert (owed, wanted, there) == before


@given(st.integers(1, 12), carriers())
def test_the_carriers_taken_are_those_on_their_way_then_the_oldest(
    units: int, there: list[FreeCarrier]
) -> None:
    """No carrier is touched while a better one has units: on its way, older, with fewer in front of it."""
    plan = allocate([], [order(1, [("X", units)])], there, BOTH, RULE)
    taken = Counter({one.carrier_id: one.quantity for one in plan.allocations})
    usable = [
        (carrier.destination_id is None, carrier.age_rank, carrier.blockers, carrier)
        for carrier in there
        if carrier.sku == "X" and carrier.reachable and carrier.destination_id in (None, "D-1")
    ]
    for *rank, better in usable:
        for *worse_rank, worse in usable:
            if rank < worse_rank and taken[worse.carrier_id]:
                assert taken[better.carrier_id] == better.free


def test_of_equal_carriers_the_one_that_leaves_least_behind_is_taken() -> None:
    """An order for three takes the carrier with three, not the one with five, and leaves no rest."""
    there = [shelf(1, "X", 5), shelf(2, "X", 3)]
    (promise,) = allocate([], [order(1, [("X", 3)])], there, BOTH, RULE).allocations
    assert promise.carrier_id == "C-2"


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans())
@example(3, 5, 0.6, True)
def test_a_share_is_enough_from_the_ratio_on(there: int, asked: int, ratio: float, partial: bool) -> None:
    """3 of 5 is 0.6, not a hair less; below it, and for who wants all or nothing, the order is short."""
    assume(there < asked)
    one = order(1, [("X", asked)], partial=partial)
    plan = allocate([], [one], [shelf(1, "X", there)], BOTH, PartialRule(ratio))
    goes_on = partial and there / asked >= ratio
    assert (one.order_id in plan.short) is not goes_on
    assert plan.missing == ({one.order_id: {1: asked - there}} if goes_on else {})


@given(orders(), carriers(), LINES)
def test_who_is_first_in_line_is_served_as_soon_as_its_stock_can_be_reached(
    younger: list[Order], there: list[FreeCarrier], lines: list[tuple[str, int]]
) -> None:
    """However many others ask for the same, and whatever they take."""
    first = order(99, lines)
    asked: Counter[str] = Counter()
    for sku, units in lines:
        asked[sku] += units
    reach: Counter[str] = Counter()
    for carrier in there:
        if carrier.reachable and carrier.destination_id in (None, "D-1"):
            reach[carrier.sku] += carrier.free
    more = [shelf(100 + number, sku, units) for number, (sku, units) in enumerate((asked - reach).items())]
    plan = allocate([], [first, *younger], [*there, *more], BOTH, RULE)
    assert units_of(plan.allocations, order_id=first.order_id) == sum(asked.values())


@settings(max_examples=50)
@given(
    st.lists(st.tuples(SKUS, st.sampled_from(sorted(BOTH))), min_size=1, max_size=5),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_no_order_starves_while_stock_for_it_passes_by(
    waiting: list[tuple[str, str]], away: int, chance: Random
) -> None:
    """With one carrier for each SKU, and new orders for it in every round, those who wait get their turn.

    A carrier that is taken is away for some rounds, in which it serves whoever is where it goes; then it is
    back in its lane, and the oldest who waits for it decides where it goes next.
    """
    queue = [order(number, [(sku, 1)], target) for number, (sku, target) in enumerate(waiting)]
    old = {one.order_id for one in queue}
    numbers = count(len(queue))
    gone: dict[str, tuple[str, int]] = {}
    for _ in range(len(queue) * (away + 1)):
        queue += [order(next(numbers), [(sku, 1)], chance.choice(sorted(BOTH))) for sku in "XYZ"]
        there = [
            replace(shelf(number, sku, 50), carrier_id=sku, destination_id=gone.get(sku, (None,))[0])
            for number, sku in enumerate("XYZ")
        ]
        plan = allocate([], queue, there, BOTH, RULE)
        served = {one.order_id for one in plan.allocations}
        queue = [one for one in queue if one.order_id not in served]
        taken = {one.carrier_id: (one.destination_id, away) for one in plan.allocations}
        gone = taken | {sku: (target, left - 1) for sku, (target, left) in gone.items()}
        gone = {sku: (target, left) for sku, (target, left) in gone.items() if left}
    assert not old & {one.order_id for one in queue}


def owing(lines: list[tuple[int, int, int, int]], status: OrderStatus = OrderStatus.PACKING) -> Order:
    """Give an order of one SKU whose lines have so much shipped, delivered besides, owed, and open."""
    items = tuple(
        OrderItem(
            line,
            "X",
            quantity=shipped + there + owed + rest,
            allocated=shipped + there,
            delivered=shipped + there,
            shipped=shipped,
            backordered=owed,
        )
        for line, (shipped, there, owed, rest) in enumerate(lines, start=1)
    )
    return replace(order(1, [("X", 1)]), status=status, items=items)


UNITS = st.integers(0, 4)
STATES = st.lists(st.tuples(UNITS, UNITS, UNITS, UNITS).filter(any), min_size=1, max_size=4)
REASONS = st.sampled_from(ShortageReason)


def new_id() -> Callable[[str], str]:
    """Give ids that can be foretold."""
    numbers = count(1)
    return lambda prefix: f"{prefix}{next(numbers)}"


@given(STATES, REASONS)
def test_an_order_that_goes_on_is_owed_exactly_what_is_missing(
    lines: list[tuple[int, int, int, int]], reason: ShortageReason
) -> None:
    """A backorder for each line that misses something, an event for each and one for the share."""
    before = owing(lines)
    missing = {line: rest for line, (*_, rest) in enumerate(lines, start=1) if rest}
    assume(missing)
    change = go_on_without(before, missing, reason, new_id(), CALLER, NOW)
    assert {one.line_number: one.quantity for one in change.opened} == missing
    for was, now in zip(before.items, change.order.items, strict=True):
        assert now == replace(was, backordered=was.backordered + missing.get(was.line_number, 0))
        assert now.needed == 0
    kinds = [record.type for record in change.records]
    assert kinds == ["wms.order.partially-fulfilled"] + ["wms.order.backorder-created"] * len(missing)
    assert [record.sequence for record in change.records] == list(range(2, len(kinds) + 2))
    assert change.order.status is before.status
    asked = sum(item.quantity for item in before.items)
    owed = sum(item.backordered for item in change.order.items)
    assert json.loads(change.records[0].payload)["fulfillmentRatio"] == pytest.approx(
        1 - owed / asked, abs=5e-5
    )


@given(STATES, st.integers(1, 16))
def test_units_that_a_picker_did_not_find_are_taken_from_what_is_there_and_nothing_else(
    lines: list[tuple[int, int, int, int]], units: int
) -> None:
    """Delivered and not shipped, over all lines of the SKU; more than that is refused."""
    before = owing(lines)
    there = sum(one[1] for one in lines)
    if units > there:
        with pytest.raises(QuantityExceeded):
            backorders.lose(before, "X", units)
        return
    after, missing = backorders.lose(before, "X", units)
    assert sum(missing.values()) == units
    for was, now in zip(before.items, after.items, strict=True):
        lost = missing.get(was.line_number, 0)
        assert now == replace(was, allocated=was.allocated - lost, delivered=was.delivered - lost)
        assert now.delivered >= now.shipped


def test_a_picker_can_only_miss_what_is_on_an_order_that_is_picked_or_packed() -> None:
    """Another SKU and another status are refused."""
    with pytest.raises(SkuNotOnOrder):
        backorders.lose(owing([(0, 3, 0, 0)]), "Y", 1)
    with pytest.raises(StatusConflict):
        backorders.lose(owing([(0, 3, 0, 0)], OrderStatus.SHIPPED), "X", 1)


@given(st.integers(1, 6), st.data())
def test_a_cancelled_backorder_leaves_nothing_owed_and_nothing_held(
    quantity: int, data: st.DataObject
) -> None:
    """What was delivered stays, what is on its way is let go of; cancelling twice changes nothing."""
    done = data.draw(st.integers(0, quantity - 1))
    held = data.draw(st.integers(0, quantity - done))
    before = owing([(done, 2, quantity - done, 0)], OrderStatus.SHIPPED)
    (item,) = before.items
    before = replace(before, items=(replace(item, allocated=item.allocated + held),))
    owed = _backorder(quantity, done, BackorderStatus.IN_PROGRESS if done or held else BackorderStatus.OPEN)
    change = backorders.cancel(before, owed, held, "discontinued", CALLER, NOW)
    (after,) = change.order.items
    assert (after.backordered, after.allocated, after.delivered) == (0, item.delivered, item.delivered)
    assert change.closed == ((owed.backorder_id, "discontinued"),)
    again = backorders.cancel(
        change.order, replace(owed, status=BackorderStatus.CANCELLED), 0, "discontinued", CALLER, NOW
    )
    assert not again.records


def test_a_backorder_that_was_fulfilled_can_not_be_cancelled() -> None:
    """It is history."""
    with pytest.raises(BackorderStatusConflict):
        backorders.cancel(
            owing([(3, 0, 0, 0)]), _backorder(3, 3, BackorderStatus.FULFILLED), 0, "", CALLER, NOW
        )


def _backorder(quantity: int, done: int, status: BackorderStatus) -> Backorder:
    return Backorder("BO-1", "O-1", 1, "C", "W", "X", quantity, ShortageReason.NOT_FOUND, NOW, done, status)


def test_an_empty_plan_says_nothing() -> None:
    """Nobody asks, nobody is told anything."""
    assert allocate([], [], [shelf(1, "X", 5)], BOTH, RULE) == AllocationPlan()


def test_the_worked_example_of_the_documentation_is_true() -> None:
    """What docs/allocation.md says about its five orders is what the rule does with them."""
    path = Path(__file__).parents[2] / "docs" / "allocation.md"
    words = {
        "allocate": allocate,
        "PartialRule": PartialRule,
        "carrier": _carrier,
        "order": _order,
        "backorder": _debt,
        "show": _show,
        "stations": {name: Destination(name, "W", 9, ("A",)) for name in ("PACK-1", "PACK-2")},
    }
    outcome = doctest.testfile(str(path), module_relative=False, globs=words)
    assert (outcome.failed, outcome.attempted) == (0, 8)


def _carrier(
    name: str,
    sku: str,
    units: int,
    *,
    days_ago: int,
    in_front: int = 0,
    goes_to: str | None = None,
    comes_back: bool = False,
) -> FreeCarrier:
    return FreeCarrier(name, "W", sku, units, "A", goes_to, True, -days_ago, in_front, comes_back=comes_back)


def _order(name: str, station: str, *, allow_partial: bool = True, **units: int) -> Order:
    return replace(order(0, list(units.items()), station, partial=allow_partial), order_id=name)


def _debt(name: str, station: str, **units: int) -> OwedUnits:
    ((sku, quantity),) = units.items()
    return OwedUnits(name, f"order of {name}", 1, "W", station, sku, quantity)


def _show(plan: AllocationPlan) -> None:
    got: dict[str, str] = {}
    for one in plan.allocations:
        name = one.backorder_id or one.order_id
        got[name] = f"{got[name]}, " if name in got else f"{name}: "
        got[name] += f"{one.quantity} of {one.carrier_id}"
    for name, missing in plan.missing.items():
        got[name] += f", owed {sum(missing.values())}"
    got |= {name: f"{name} waits: {one.reason}" for name, one in plan.waiting.items()}
    got |= {name: f"{name} is short of {', '.join(skus)}" for name, skus in plan.short.items()}
    print("\n".join(text for _, text in sorted(got.items())))  # noqa: T201 # what doctest compares
