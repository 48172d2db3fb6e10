"""The allocation rule: never more units than available, all or nothing, the right carrier first."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders.domain import build_order, build_order_line

from wms_core.domain.orders.backorders import PartialFulfillmentRule
from wms_core.domain.orders.orders import Order
from wms_core.domain.orders.status import OrderStatus
from wms_core.domain.stock.allocation import (
    DESTINATION_PAUSED,
    LANE_BLOCKED,
    NO_ROUTE,
    STOCK_ELSEWHERE,
    AllocationPlan,
    OrderWait,
    allocate,
)
from wms_core.domain.stock.warehouse import Allocation, Destination, FreeCarrier

SKUS = ("A", "B")
DESTINATIONS = {
    "D1": Destination("D1", "WH-01", 10, ("X",)),
    "D2": Destination("D2", "WH-01", 10, ("X", "Y")),
    "D3": Destination("D3", "WH-02", 10, ("X",)),
    "D4": Destination("D4", "WH-01", 10, ("X", "Y"), is_paused=True),
}


def allocate_without_backorders(orders: Sequence[Order], carriers: Sequence[FreeCarrier]) -> AllocationPlan:
    """Allocate stock to orders without backorders."""
    return allocate([], orders, carriers, DESTINATIONS, PartialFulfillmentRule())


@dataclass(frozen=True)
class Case:
    """Orders and carriers of one allocation."""

    orders: list[Order]
    carriers: list[FreeCarrier]

    def plan(self) -> AllocationPlan:
        """Allocate the carriers to the orders."""
        return allocate_without_backorders(self.orders, self.carriers)


def carrier(number: int = 1, **values: Any) -> FreeCarrier:
    """Return a carrier with ten free units of A at the head of an open lane in zone X.

    A lower number is older.
    """
    default = FreeCarrier(
        f"CAR-{number}", "WH-01", "A", 10, zone="X", destination_id=None, is_reachable=True, age_rank=number
    )
    return replace(default, **values)


def order(number: int = 1, *units: tuple[str, int], to: str = "D1") -> Order:
    """Return an all-or-nothing order for units of SKUs with an assigned destination."""
    return build_order(
        OrderStatus.ASSIGNED_TO_WAVE,
        order_id=f"ORD-{number}",
        warehouse_id=DESTINATIONS[to].warehouse_id,
        destination_id=to,
        allow_partial=False,
        items=tuple(
            build_order_line(line_number, sku, quantity)
            for line_number, (sku, quantity) in enumerate(units, start=1)
        ),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a few small orders and carriers, so that they compete."""
    units = st.tuples(st.sampled_from(SKUS), st.integers(1, 8))
    order_contents = st.tuples(st.lists(units, min_size=1, max_size=3), st.sampled_from(list(DESTINATIONS)))
    orders = [
        order(number, *lines, to=to)
        for number, (lines, to) in enumerate(draw(st.lists(order_contents, max_size=6)))
    ]
    kinds = st.fixed_dictionaries(
        {
            "sku": st.sampled_from(SKUS),
            "free_units": st.integers(1, 10),
            "zone": st.sampled_from(["X", "Y", "Z", None]),
            "destination_id": st.sampled_from([None, None, "D1", "D2"]),
            "is_reachable": st.sampled_from([True, True, True, False]),
        }
    )
    carriers = [carrier(number, **kind) for number, kind in enumerate(draw(st.lists(kinds, max_size=8)))]
    elsewhere = draw(st.lists(st.integers(1, 10), max_size=2))
    carriers += [
        carrier(100 + number, free_units=free, warehouse_id="WH-02") for number, free in enumerate(elsewhere)
    ]
    return Case(orders, carriers)


def _units_by_carrier(allocations: Sequence[Allocation]) -> dict[str, int]:
    units: dict[str, int] = defaultdict(int)
    for allocation in allocations:
        units[allocation.carrier_id] += allocation.quantity
    return units


def _requested_units(order: Order) -> dict[str, int]:
    units: dict[str, int] = defaultdict(int)
    for item in order.items:
        units[item.sku] += item.quantity - item.allocated
    return units


@given(cases())
def test_allocations_never_exceed_the_units_of_a_carrier(case: Case) -> None:
    """The units allocated from a carrier are at most its free units (I2)."""
    free = {carrier.carrier_id: carrier.free_units for carrier in case.carriers}
    plan = case.plan()
    assert all(units <= free[carrier_id] for carrier_id, units in _units_by_carrier(plan.allocations).items())
    assert all(carrier.quantity > 0 for carrier in plan.allocations)


@given(cases())
def test_all_or_nothing_order_gets_every_unit_or_none(case: Case) -> None:
    """No waiting order reserves stock that others need."""
    plan = case.plan()
    for order in case.orders:
        units_by_line: dict[int, int] = defaultdict(int)
        for allocation in plan.allocations:
            if allocation.order_id == order.order_id:
                units_by_line[allocation.line_number] += allocation.quantity
        assert units_by_line in ({}, {item.line_number: item.quantity for item in order.items})


@given(cases())
def test_every_order_is_allocated_short_or_waiting(case: Case) -> None:
    """Each order has exactly one of the three results."""
    plan = case.plan()
    allocated = {allocation.order_id for allocation in plan.allocations}
    results = [*allocated, *plan.short_skus, *plan.waits_by_order]
    assert sorted(results) == sorted(order.order_id for order in case.orders)


@given(cases())
def test_carrier_has_one_destination(case: Case) -> None:
    """All units of a carrier go to one destination.

    If the carrier has a destination already, they go there.
    """
    targets = {
        carrier.carrier_id: {carrier.destination_id} for carrier in case.carriers if carrier.destination_id
    }
    for carrier in case.plan().allocations:
        targets.setdefault(carrier.carrier_id, set()).add(carrier.destination_id)
    assert all(len(target) == 1 for target in targets.values())


@given(cases())
def test_only_usable_carriers_are_allocated(case: Case) -> None:
    """A usable carrier has the right SKU and warehouse, is reachable and has a route to the destination."""
    carriers = {allocation.carrier_id: allocation for allocation in case.carriers}
    orders = {order.order_id: order for order in case.orders}
    for allocation in case.plan().allocations:
        carrier, order = carriers[allocation.carrier_id], orders[allocation.order_id]
        sku = next(item.sku for item in order.items if item.line_number == allocation.line_number)
        destination = DESTINATIONS[allocation.destination_id]
        assert allocation.destination_id == order.destination_id
        assert (carrier.sku, carrier.warehouse_id) == (sku, order.warehouse_id)
        assert carrier.is_reachable
        assert not destination.is_paused
        assert carrier.destination_id == allocation.destination_id or carrier.zone in destination.zones


@given(cases())
def test_order_is_short_only_without_enough_free_units(case: Case) -> None:
    """A short order lacks units even with every carrier of its warehouse. Otherwise the order waits."""
    plan = case.plan()
    free: dict[tuple[str, str], int] = defaultdict(int)
    for carrier in case.carriers:
        free[carrier.warehouse_id, carrier.sku] += carrier.free_units
    for order in case.orders:
        short_skus = [
            sku for sku, units in _requested_units(order).items() if units > free[order.warehouse_id, sku]
        ]
        assert plan.short_skus.get(order.order_id, []) == sorted(short_skus)
        for allocation in plan.allocations:
            if allocation.order_id == order.order_id:
                sku = next(item.sku for item in order.items if item.line_number == allocation.line_number)
                free[order.warehouse_id, sku] -= allocation.quantity


@given(cases())
def test_later_order_does_not_affect_earlier_orders(case: Case) -> None:
    """Without the last order, the plan for the orders before it is the same."""
    plan, shorter = case.plan(), Case(case.orders[:-1], case.carriers).plan()
    last_order_id = case.orders[-1].order_id if case.orders else ""
    assert [
        allocation for allocation in plan.allocations if allocation.order_id != last_order_id
    ] == shorter.allocations
    assert {
        name: wait for name, wait in plan.waits_by_order.items() if name != last_order_id
    } == shorter.waits_by_order


@given(cases())
def test_oldest_carrier_of_a_rank_is_allocated_first(case: Case) -> None:
    """A younger carrier is used only when all older ones of the same rank are empty."""
    remaining = {allocation.carrier_id: allocation.free_units for allocation in case.carriers}
    target = {allocation.carrier_id: allocation.destination_id for allocation in case.carriers}
    orders = {order.order_id: order for order in case.orders}
    for allocation in case.plan().allocations:
        order = orders[allocation.order_id]
        destination = DESTINATIONS[allocation.destination_id]
        sku = next(item.sku for item in order.items if item.line_number == allocation.line_number)
        ranks = [
            (0 if target[candidate.carrier_id] == allocation.destination_id else 1, age, candidate.carrier_id)
            for age, candidate in enumerate(case.carriers)
            if (candidate.sku, candidate.warehouse_id) == (sku, order.warehouse_id)
            and candidate.is_reachable
            and remaining[candidate.carrier_id]
            and (target[candidate.carrier_id] or allocation.destination_id) == allocation.destination_id
            and (target[candidate.carrier_id] or candidate.zone in destination.zones)
        ]
        assert min(ranks)[2] == allocation.carrier_id
        remaining[allocation.carrier_id] -= allocation.quantity
        target[allocation.carrier_id] = allocation.destination_id


@given(cases())
def test_plan_is_deterministic(case: Case) -> None:
    """The plan does not depend on chance or on an earlier plan."""
    assert case.plan() == case.plan()


def test_carrier_moving_to_the_destination_precedes_an_older_one() -> None:
    """Its move happens anyway."""
    older, moving = carrier(1), carrier(2, destination_id="D1", zone=None)
    plan = allocate_without_backorders([order(1, ("A", 3))], [older, moving])
    assert _units_by_carrier(plan.allocations) == {"CAR-2": 3}


def test_second_order_uses_the_carrier_of_the_first() -> None:
    """A carrier that the first order calls serves the next order to the same destination."""
    plan = allocate_without_backorders(
        [order(1, ("A", 3)), order(2, ("A", 3))], [carrier(1, free_units=5), carrier(2)]
    )
    assert [
        (allocation.order_id, allocation.carrier_id, allocation.quantity) for allocation in plan.allocations
    ] == [
        ("ORD-1", "CAR-1", 3),
        ("ORD-2", "CAR-1", 2),
        ("ORD-2", "CAR-2", 1),
    ]


def test_carrier_serves_only_its_destination() -> None:
    """An order of another destination waits, although the carrier has units left."""
    orders = [order(1, ("A", 3), to="D1"), order(2, ("A", 3), to="D2")]
    plan = allocate_without_backorders(orders, [carrier(1)])
    assert plan.waits_by_order == {"ORD-2": OrderWait(STOCK_ELSEWHERE, "A", 3)}


def test_units_of_a_sku_on_two_lines_are_added() -> None:
    """An order for three and three units of a SKU with five free units is one unit short."""
    plan = allocate_without_backorders([order(1, ("A", 3), ("A", 3))], [carrier(1, free_units=5)])
    assert (plan.short_skus, plan.allocations) == ({"ORD-1": ["A"]}, [])


def test_units_of_a_failed_attempt_serve_the_next_order() -> None:
    """A failed attempt releases its units and its destination."""
    stuck = order(1, ("A", 3), ("B", 1), to="D1")
    carriers = [carrier(1), carrier(2, sku="B", zone="Z")]
    plan = allocate_without_backorders([stuck, order(2, ("A", 10), to="D2")], carriers)
    assert plan.waits_by_order == {"ORD-1": OrderWait(NO_ROUTE, "B", 1)}
    assert _units_by_carrier(plan.allocations) == {"CAR-1": 10}


def test_each_obstacle_has_a_waiting_reason() -> None:
    """An order waits with a reason of the contract's WaitingReason."""
    waiting_order = order(1, ("A", 3))
    for obstacle, only_carrier in {
        LANE_BLOCKED: carrier(is_reachable=False),
        NO_ROUTE: carrier(zone="Z"),
        STOCK_ELSEWHERE: carrier(destination_id="D2"),
    }.items():
        assert allocate_without_backorders([waiting_order], [only_carrier]).waits_by_order == {
            "ORD-1": OrderWait(obstacle, "A", 3)
        }
    returning = carrier(destination_id="D2", is_reachable=False, is_returning=True)
    assert allocate_without_backorders([waiting_order], [returning]).waits_by_order == {
        "ORD-1": OrderWait(STOCK_ELSEWHERE, "A", 3)
    }
    paused = order(1, ("A", 3), to="D4")
    assert allocate_without_backorders([paused], [carrier()]).waits_by_order == {
        "ORD-1": OrderWait(DESTINATION_PAUSED)
    }
