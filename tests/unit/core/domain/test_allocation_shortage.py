"""Allocation with insufficient stock, partial fulfillment and backorders: pure functions."""

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

from wms_core.domain.call_context import Caller
from wms_core.domain.errors import BackorderStatusConflict, QuantityExceeded, SkuNotOnOrder, StatusConflict
from wms_core.domain.events.payloads import ShortageReason
from wms_core.domain.orders import backorders
from wms_core.domain.orders.backorders import (
    Backorder,
    BackorderStatus,
    PartialFulfillmentRule,
    open_backorders,
)
from wms_core.domain.orders.orders import Address, Order, OrderLine, Priority
from wms_core.domain.orders.status import OrderStatus
from wms_core.domain.stock.allocation import AllocationPlan, BackorderedUnits, allocate
from wms_core.domain.stock.warehouse import Allocation, Destination, FreeCarrier

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
CALLER = Caller(actor_name="worker/test")
RULE = PartialFulfillmentRule(0.5)
SKUS = st.sampled_from(["X", "Y", "Z"])
WIDE = Destination("D-1", "W", 9, ("A", "B"))
NARROW = Destination("D-2", "W", 9, ("A",))
DESTINATIONS = {destination.destination_id: destination for destination in (WIDE, NARROW)}


def wave_order(
    number: int, lines: list[tuple[str, int]], destination: str = "D-1", *, partial: bool = True
) -> Order:
    """Return an order in a wave without allocations."""
    return Order(
        order_id=f"O-{number}",
        customer_id="C",
        warehouse_id="W",
        priority=Priority.STANDARD,
        status=OrderStatus.ASSIGNED_TO_WAVE,
        items=tuple(OrderLine(line, sku, units) for line, (sku, units) in enumerate(lines, start=1)),
        shipping_address=Address("1 Main St", "Town", "US"),
        created_at=NOW,
        updated_at=NOW,
        allow_partial=partial,
        destination_id=destination,
    )


def free_carrier(number: int, sku: str, free: int, **values: object) -> FreeCarrier:
    """Return a free carrier in a lane of zone A without a destination."""
    default = FreeCarrier(f"C-{number}", "W", sku, free, "A", None, is_reachable=True)
    return replace(default, **values)  # type: ignore[arg-type]


LINES = st.lists(st.tuples(SKUS, st.integers(1, 6)), min_size=1, max_size=3)


@st.composite
def order_lists(draw: st.DrawFn) -> list[Order]:
    """Draw orders of both destinations, some with a SKU on two lines, some without partial fulfillment."""
    values = draw(
        st.lists(st.tuples(LINES, st.sampled_from(sorted(DESTINATIONS)), st.booleans()), max_size=5)
    )
    return [
        wave_order(number, lines, destination, partial=partial)
        for number, (lines, destination, partial) in enumerate(values)
    ]


@st.composite
def carrier_lists(draw: st.DrawFn) -> list[FreeCarrier]:
    """Draw carriers, oldest first. Some serve only one destination, and some are unreachable."""
    values = draw(
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
            sorted(values, key=lambda carrier_values: carrier_values[5])
        )
    ]


@st.composite
def backorder_lists(draw: st.DrawFn) -> list[BackorderedUnits]:
    """Draw backorders of older orders, oldest first."""
    values = draw(
        st.lists(st.tuples(SKUS, st.integers(1, 6), st.sampled_from(sorted(DESTINATIONS))), max_size=3)
    )
    return [
        BackorderedUnits(f"BO-{number}", f"OLD-{number}", 1, "W", destination, sku, units)
        for number, (sku, units, destination) in enumerate(values)
    ]


def units_of(allocations: list[Allocation], **attributes: object) -> int:
    """Return the sum of the units of allocations with these attributes."""
    return sum(
        allocation.quantity
        for allocation in allocations
        if all(getattr(allocation, name) == value for name, value in attributes.items())
    )


@given(backorder_lists(), order_lists(), carrier_lists())
def test_allocations_never_exceed_stock_or_demand(
    backorders: list[BackorderedUnits], orders: list[Order], carriers: list[FreeCarrier]
) -> None:
    """The limit holds for each carrier, line and backorder. Allocated units have the requested SKU."""
    allocations = allocate(backorders, orders, carriers, DESTINATIONS, RULE).allocations
    by_id = {carrier.carrier_id: carrier for carrier in carriers}
    for carrier in carriers:
        assert units_of(allocations, carrier_id=carrier.carrier_id) <= carrier.free_units
    for backorder in backorders:
        assert units_of(allocations, backorder_id=backorder.backorder_id) <= backorder.quantity
    skus = {(order.order_id, item.line_number): item.sku for order in orders for item in order.items}
    skus |= {(backorder.order_id, backorder.line_number): backorder.sku for backorder in backorders}
    for allocation in allocations:
        assert allocation.quantity > 0
        assert by_id[allocation.carrier_id].sku == skus[allocation.order_id, allocation.line_number]


@given(backorder_lists(), order_lists(), carrier_lists())
def test_carrier_goes_to_one_reachable_destination(
    backorders: list[BackorderedUnits], orders: list[Order], carriers: list[FreeCarrier]
) -> None:
    """It keeps the destination that it has, or gets one that its zone serves. It must be reachable."""
    allocations = allocate(backorders, orders, carriers, DESTINATIONS, RULE).allocations
    targets = defaultdict(set)
    for allocation in allocations:
        targets[allocation.carrier_id].add(allocation.destination_id)
    for carrier in carriers:
        for target in targets[carrier.carrier_id]:
            assert targets[carrier.carrier_id] == {target}
            assert carrier.is_reachable
            assert carrier.destination_id in (None, target)
            assert carrier.destination_id == target or carrier.zone in DESTINATIONS[target].zones


@given(backorder_lists(), order_lists(), carrier_lists())
def test_order_gets_all_units_or_an_allowed_share_or_none(
    backorders: list[BackorderedUnits], orders: list[Order], carriers: list[FreeCarrier]
) -> None:
    """A share must be allowed by the order and large enough."""
    plan = allocate(backorders, orders, carriers, DESTINATIONS, RULE)
    for order in orders:
        allocated = units_of(plan.allocations, order_id=order.order_id)
        missing = plan.missing_units.get(order.order_id, {})
        requested = sum(item.quantity for item in order.items)
        if order.order_id in plan.short_skus or order.order_id in plan.waits_by_order:
            assert (allocated, missing) == (0, {})
            assert not (order.order_id in plan.short_skus and order.order_id in plan.waits_by_order)
            continue
        for item in order.items:
            share = units_of(plan.allocations, order_id=order.order_id, line_number=item.line_number)
            assert share == item.quantity - missing.get(item.line_number, 0)
        assert not missing or (order.allow_partial and Fraction(allocated, requested) >= Fraction(1, 2))


@given(backorder_lists(), order_lists(), carrier_lists())
def test_order_is_short_only_without_enough_stock(
    backorders: list[BackorderedUnits], orders: list[Order], carriers: list[FreeCarrier]
) -> None:
    """Units allocated to earlier orders are gone.

    All remaining units count, because the order waits for them.
    """
    plan = allocate(backorders, orders, carriers, DESTINATIONS, RULE)
    remaining: Counter[str] = Counter()
    for carrier in carriers:
        remaining[carrier.sku] += carrier.free_units - sum(
            units_of(plan.allocations, carrier_id=carrier.carrier_id, backorder_id=backorder.backorder_id)
            for backorder in backorders
        )
    for order in orders:
        requested: Counter[str] = Counter()
        for item in order.items:
            requested[item.sku] += item.quantity
        share = Fraction(
            sum(min(requested[sku], remaining[sku]) for sku in requested), sum(requested.values())
        )
        enough = share == 1 or (order.allow_partial and share >= Fraction(1, 2))
        assert (order.order_id in plan.short_skus) is not enough
        for item in order.items:
            remaining[item.sku] -= units_of(
                plan.allocations, order_id=order.order_id, line_number=item.line_number
            )


@given(backorder_lists(), order_lists(), carrier_lists())
def test_backorders_precede_orders_and_older_orders_precede_younger(
    backorders: list[BackorderedUnits], orders: list[Order], carriers: list[FreeCarrier]
) -> None:
    """Later orders change nothing for earlier ones."""
    full_plan = allocate(backorders, orders, carriers, DESTINATIONS, RULE)
    for number in range(len(orders) + 1):
        partial_plan = allocate(backorders, orders[:number], carriers, DESTINATIONS, RULE)
        assert full_plan.allocations[: len(partial_plan.allocations)] == partial_plan.allocations
        for attribute in ("missing_units", "short_skus", "waits_by_order"):
            assert getattr(partial_plan, attribute).items() <= getattr(full_plan, attribute).items()


@given(backorder_lists(), order_lists(), carrier_lists())
def test_plan_depends_only_on_its_arguments(
    backorders: list[BackorderedUnits], orders: list[Order], carriers: list[FreeCarrier]
) -> None:
    """The planner does not change its arguments."""
    before = (list(backorders), list(orders), list(carriers))
    assert allocate(backorders, orders, carriers, DESTINATIONS, RULE) == allocate(
        backorders, orders, carriers, DESTINATIONS, RULE
    )
    assert (backorders, orders, carriers) == before


@given(st.integers(1, 12), carrier_lists())
def test_moving_carriers_are_used_first_then_the_oldest(units: int, carriers: list[FreeCarrier]) -> None:
    """A carrier is used only when all better ones are empty: moving, older, or less blocked ones."""
    plan = allocate([], [wave_order(1, [("X", units)])], carriers, DESTINATIONS, RULE)
    units_by_carrier = Counter(
        {allocation.carrier_id: allocation.quantity for allocation in plan.allocations}
    )
    usable = [
        (carrier.destination_id is None, carrier.age_rank, carrier.blocker_count, carrier)
        for carrier in carriers
        if carrier.sku == "X" and carrier.is_reachable and carrier.destination_id in (None, "D-1")
    ]
    for *rank, better in usable:
        for *worse_rank, worse in usable:
            if rank < worse_rank and units_by_carrier[worse.carrier_id]:
                assert units_by_carrier[better.carrier_id] == better.free_units


def test_of_equal_carriers_the_best_fit_is_used() -> None:
    """An order for three units uses the carrier with three and not the one with five."""
    carriers = [free_carrier(1, "X", 5), free_carrier(2, "X", 3)]
    (allocation,) = allocate([], [wave_order(1, [("X", 3)])], carriers, DESTINATIONS, RULE).allocations
    assert allocation.carrier_id == "C-2"


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans())
@example(3, 5, 0.6, True)
def test_partial_fulfillment_requires_the_minimum_ratio(
    available: int, requested: int, ratio: float, partial: bool
) -> None:
    """3 of 5 units are exactly 0.6. Below the ratio, and for all-or-nothing orders, the order is short."""
    assume(available < requested)
    order = wave_order(1, [("X", requested)], partial=partial)
    plan = allocate(
        [], [order], [free_carrier(1, "X", available)], DESTINATIONS, PartialFulfillmentRule(ratio)
    )
    is_partial = partial and available / requested >= ratio
    assert (order.order_id in plan.short_skus) is not is_partial
    assert plan.missing_units == ({order.order_id: {1: requested - available}} if is_partial else {})


@given(order_lists(), carrier_lists(), LINES)
def test_first_order_is_allocated_as_soon_as_its_stock_is_reachable(
    younger: list[Order], carriers: list[FreeCarrier], lines: list[tuple[str, int]]
) -> None:
    """Later orders for the same SKUs do not delay it."""
    first = wave_order(99, lines)
    requested: Counter[str] = Counter()
    for sku, units in lines:
        requested[sku] += units
    reachable: Counter[str] = Counter()
    for carrier in carriers:
        if carrier.is_reachable and carrier.destination_id in (None, "D-1"):
            reachable[carrier.sku] += carrier.free_units
    additional = [
        free_carrier(100 + number, sku, units)
        for number, (sku, units) in enumerate((requested - reachable).items())
    ]
    plan = allocate([], [first, *younger], [*carriers, *additional], DESTINATIONS, RULE)
    assert units_of(plan.allocations, order_id=first.order_id) == sum(requested.values())


@settings(max_examples=50)
@given(
    st.lists(st.tuples(SKUS, st.sampled_from(sorted(DESTINATIONS))), min_size=1, max_size=5),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_order_with_one_line_never_starves(
    waiting: list[tuple[str, str]], cycles_away: int, random: Random
) -> None:
    """Each SKU has one carrier, and new orders for it arrive in every cycle. All old orders get their turn.

    An allocated carrier is away for some cycles and serves orders of its destination. Then it is back in its
    lane, and the oldest waiting order sets its next destination.
    """
    queue = [wave_order(number, [(sku, 1)], target) for number, (sku, target) in enumerate(waiting)]
    old_order_ids = {order.order_id for order in queue}
    numbers = count(len(queue))
    away_by_sku: dict[str, tuple[str, int]] = {}
    for _ in range(len(queue) * (cycles_away + 1)):
        queue += [wave_order(next(numbers), [(sku, 1)], random.choice(sorted(DESTINATIONS))) for sku in "XYZ"]
        carriers = [
            replace(
                free_carrier(number, sku, 50), carrier_id=sku, destination_id=away_by_sku.get(sku, (None,))[0]
            )
            for number, sku in enumerate("XYZ")
        ]
        plan = allocate([], queue, carriers, DESTINATIONS, RULE)
        allocated_order_ids = {order.order_id for order in plan.allocations}
        queue = [order for order in queue if order.order_id not in allocated_order_ids]
        allocated = {order.carrier_id: (order.destination_id, cycles_away) for order in plan.allocations}
        away_by_sku = allocated | {sku: (target, cycles - 1) for sku, (target, cycles) in away_by_sku.items()}
        away_by_sku = {sku: (target, cycles) for sku, (target, cycles) in away_by_sku.items() if cycles}
    assert not old_order_ids & {order.order_id for order in queue}


def order_with_lines(
    lines: list[tuple[int, int, int, int]], status: OrderStatus = OrderStatus.PACKING
) -> Order:
    """Return an order of one SKU. Each line has its shipped, only delivered, backordered and open units."""
    items = tuple(
        OrderLine(
            line,
            "X",
            quantity=shipped + only_delivered + backordered + open_units,
            allocated=shipped + only_delivered,
            delivered=shipped + only_delivered,
            shipped=shipped,
            backordered=backordered,
        )
        for line, (shipped, only_delivered, backordered, open_units) in enumerate(lines, start=1)
    )
    return replace(wave_order(1, [("X", 1)]), status=status, items=items)


UNITS = st.integers(0, 4)
STATES = st.lists(st.tuples(UNITS, UNITS, UNITS, UNITS).filter(any), min_size=1, max_size=4)
REASONS = st.sampled_from(ShortageReason)


def predictable_ids() -> Callable[[str], str]:
    """Return a generator of predictable ids."""
    numbers = count(1)
    return lambda prefix: f"{prefix}{next(numbers)}"


@given(STATES, REASONS)
def test_missing_units_become_backorders(
    lines: list[tuple[int, int, int, int]], reason: ShortageReason
) -> None:
    """Each line with missing units gets a backorder and an event. One event has the fulfilled share."""
    before = order_with_lines(lines)
    missing = {line: open_units for line, (*_, open_units) in enumerate(lines, start=1) if open_units}
    assume(missing)
    change = open_backorders(before, missing, reason, predictable_ids(), CALLER, NOW)
    assert {backorder.line_number: backorder.quantity for backorder in change.opened_backorders} == missing
    for line_before, line_after in zip(before.items, change.order.items, strict=True):
        assert line_after == replace(
            line_before, backordered=line_before.backordered + missing.get(line_before.line_number, 0)
        )
        assert line_after.units_to_allocate == 0
    kinds = [record.type for record in change.records]
    assert kinds == ["wms.order.partially-fulfilled"] + ["wms.order.backorder-created"] * len(missing)
    assert [record.sequence for record in change.records] == list(range(2, len(kinds) + 2))
    assert change.order.status is before.status
    requested = sum(item.quantity for item in before.items)
    backordered = sum(item.backordered for item in change.order.items)
    assert json.loads(change.records[0].payload)["fulfillmentRatio"] == pytest.approx(
        1 - backordered / requested, abs=5e-5
    )


@given(STATES, st.integers(1, 16))
def test_short_pick_removes_only_delivered_unshipped_units(
    lines: list[tuple[int, int, int, int]], units: int
) -> None:
    """The limit counts all lines of the SKU. More missing units are rejected."""
    before = order_with_lines(lines)
    only_delivered = sum(line[1] for line in lines)
    if units > only_delivered:
        with pytest.raises(QuantityExceeded):
            backorders.apply_short_pick(before, "X", units)
        return
    after, missing = backorders.apply_short_pick(before, "X", units)
    assert sum(missing.values()) == units
    for line_before, line_after in zip(before.items, after.items, strict=True):
        missing_units = missing.get(line_before.line_number, 0)
        assert line_after == replace(
            line_before,
            allocated=line_before.allocated - missing_units,
            delivered=line_before.delivered - missing_units,
        )
        assert line_after.delivered >= line_after.shipped


def test_short_pick_requires_a_sku_of_an_order_in_picking_or_packing() -> None:
    """Another SKU and another status are rejected."""
    with pytest.raises(SkuNotOnOrder):
        backorders.apply_short_pick(order_with_lines([(0, 3, 0, 0)]), "Y", 1)
    with pytest.raises(StatusConflict):
        backorders.apply_short_pick(order_with_lines([(0, 3, 0, 0)], OrderStatus.SHIPPED), "X", 1)


@given(st.integers(1, 6), st.data())
def test_cancelled_backorder_releases_its_allocations(quantity: int, data: st.DataObject) -> None:
    """Delivered units stay, and moving units are released. A second cancellation changes nothing."""
    fulfilled = data.draw(st.integers(0, quantity - 1))
    allocated = data.draw(st.integers(0, quantity - fulfilled))
    before = order_with_lines([(fulfilled, 2, quantity - fulfilled, 0)], OrderStatus.SHIPPED)
    (item,) = before.items
    before = replace(before, items=(replace(item, allocated=item.allocated + allocated),))
    backorder = _backorder(
        quantity, fulfilled, BackorderStatus.IN_PROGRESS if fulfilled or allocated else BackorderStatus.OPEN
    )
    change = backorders.cancel(before, backorder, allocated, "discontinued", CALLER, NOW)
    (after,) = change.order.items
    assert (after.backordered, after.allocated, after.delivered) == (0, item.delivered, item.delivered)
    assert change.closed_backorders == ((backorder.backorder_id, "discontinued"),)
    repeated = backorders.cancel(
        change.order, replace(backorder, status=BackorderStatus.CANCELLED), 0, "discontinued", CALLER, NOW
    )
    assert not repeated.records


def test_fulfilled_backorder_cannot_be_cancelled() -> None:
    """A fulfilled backorder is final."""
    with pytest.raises(BackorderStatusConflict):
        backorders.cancel(
            order_with_lines([(3, 0, 0, 0)]), _backorder(3, 3, BackorderStatus.FULFILLED), 0, "", CALLER, NOW
        )


def _backorder(quantity: int, fulfilled: int, status: BackorderStatus) -> Backorder:
    return Backorder(
        "BO-1", "O-1", 1, "C", "W", "X", quantity, ShortageReason.NOT_FOUND, NOW, fulfilled, status
    )


def test_plan_without_orders_is_empty() -> None:
    """Free stock alone causes no allocations."""
    assert allocate([], [], [free_carrier(1, "X", 5)], DESTINATIONS, RULE) == AllocationPlan()


def test_example_in_the_documentation_is_correct() -> None:
    """The rule returns the plan that docs/concepts/allocation.md shows for its five orders."""
    path = Path(__file__).parents[4] / "docs" / "concepts" / "allocation.md"
    names = {
        "allocate": allocate,
        "PartialFulfillmentRule": PartialFulfillmentRule,
        "carrier": _carrier,
        "order": _order,
        "backorder": _backorder_of,
        "show": _show,
        "destinations": {name: Destination(name, "W", 9, ("A",)) for name in ("PACK-1", "PACK-2")},
    }
    outcome = doctest.testfile(str(path), module_relative=False, globs=names)
    assert (outcome.failed, outcome.attempted) == (0, 8)


def _carrier(
    carrier_id: str,
    sku: str,
    units: int,
    *,
    days_ago: int,
    in_front: int = 0,
    goes_to: str | None = None,
    is_returning: bool = False,
) -> FreeCarrier:
    return FreeCarrier(
        carrier_id, "W", sku, units, "A", goes_to, True, -days_ago, in_front, is_returning=is_returning
    )


def _order(name: str, destination_id: str, *, allow_partial: bool = True, **units: int) -> Order:
    return replace(wave_order(0, list(units.items()), destination_id, partial=allow_partial), order_id=name)


def _backorder_of(name: str, destination_id: str, **units: int) -> BackorderedUnits:
    ((sku, quantity),) = units.items()
    return BackorderedUnits(name, f"order of {name}", 1, "W", destination_id, sku, quantity)


def _show(plan: AllocationPlan) -> None:
    texts_by_id: dict[str, str] = {}
    for allocation in plan.allocations:
        name = allocation.backorder_id or allocation.order_id
        texts_by_id[name] = f"{texts_by_id[name]}, " if name in texts_by_id else f"{name}: "
        texts_by_id[name] += f"{allocation.quantity} of {allocation.carrier_id}"
    for name, missing in plan.missing_units.items():
        texts_by_id[name] += f", backorder of {sum(missing.values())}"
    texts_by_id |= {
        name: f"{name} waits: {allocation.reason}" for name, allocation in plan.waits_by_order.items()
    }
    texts_by_id |= {name: f"{name} is short of {', '.join(skus)}" for name, skus in plan.short_skus.items()}
    print("\n".join(text for _, text in sorted(texts_by_id.items())))  # noqa: T201 # doctest compares the output
