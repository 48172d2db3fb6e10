"""Allocation: never more than there is, all of an order or nothing, the right carrier first."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.domain import line, order_in
from wms_core.domain.allocation import (
    DESTINATION_PAUSED,
    LANE_BLOCKED,
    NO_ROUTE,
    STOCK_ELSEWHERE,
    AllocationPlan,
    Wait,
    allocate,
)
from wms_core.domain.backorders import PartialRule
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Order
from wms_core.domain.storage import Allocation, Destination, FreeCarrier

SKUS = ("A", "B")
DESTINATIONS = {
    "D1": Destination("D1", "WH-01", 10, ("X",)),
    "D2": Destination("D2", "WH-01", 10, ("X", "Y")),
    "D3": Destination("D3", "WH-02", 10, ("X",)),
    "D4": Destination("D4", "WH-01", 10, ("X", "Y"), paused=True),
}


def served(orders: Sequence[Order], carriers: Sequence[FreeCarrier]) -> AllocationPlan:
    """Serve orders when nothing is owed."""
    return allocate([], orders, carriers, DESTINATIONS, PartialRule())


@dataclass(frozen=True)
class Case:
    """What is asked for and what there is."""

    orders: list[Order]
    carriers: list[FreeCarrier]

    def plan(self) -> AllocationPlan:
        """Serve them."""
        return served(self.orders, self.carriers)


def carrier(number: int = 1, **values: Any) -> FreeCarrier:
    """Give ten free units of A in zone X at the head of an open lane; the lower its number, the older."""
    plain = FreeCarrier(
        f"CAR-{number}", "WH-01", "A", 10, zone="X", destination_id=None, reachable=True, age_rank=number
    )
    return replace(plain, **values)


def order(number: int = 1, *units: tuple[str, int], to: str = "D1") -> Order:
    """Give an order for units of SKUs, on its way to a destination, that wants all or nothing."""
    return order_in(
        OrderStatus.ASSIGNED_TO_WAVE,
        order_id=f"ORD-{number}",
        warehouse_id=DESTINATIONS[to].warehouse_id,
        destination_id=to,
        allow_partial=False,
        items=tuple(line(place, sku, quantity) for place, (sku, quantity) in enumerate(units, start=1)),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a few orders and carriers, so few and small that they get in each other's way."""
    units = st.tuples(st.sampled_from(SKUS), st.integers(1, 8))
    wanted = st.tuples(st.lists(units, min_size=1, max_size=3), st.sampled_from(list(DESTINATIONS)))
    orders = [
        order(number, *lines, to=to) for number, (lines, to) in enumerate(draw(st.lists(wanted, max_size=6)))
    ]
    kinds = st.fixed_dictionaries(
        {
            "sku": st.sampled_from(SKUS),
            "free": st.integers(1, 10),
            "zone": st.sampled_from(["X", "Y", "Z", None]),
            "destination_id": st.sampled_from([None, None, "D1", "D2"]),
            "reachable": st.sampled_from([True, True, True, False]),
        }
    )
    carriers = [carrier(number, **kind) for number, kind in enumerate(draw(st.lists(kinds, max_size=8)))]
    elsewhere = draw(st.lists(st.integers(1, 10), max_size=2))
    carriers += [
        carrier(100 + number, free=free, warehouse_id="WH-02") for number, free in enumerate(elsewhere)
    ]
    return Case(orders, carriers)


def _taken(allocations: Sequence[Allocation]) -> dict[str, int]:
    taken: dict[str, int] = defaultdict(int)
    for one in allocations:
        taken[one.carrier_id] += one.quantity
    return taken


def _needed(order: Order) -> dict[str, int]:
    needed: dict[str, int] = defaultdict(int)
    for item in order.items:
        needed[item.sku] += item.quantity - item.allocated
    return needed


@given(cases())
def test_no_carrier_gives_more_than_it_has(case: Case) -> None:
    """The units taken from a carrier are at most those that were free (I2)."""
    free = {one.carrier_id: one.free for one in case.carriers}
    plan = case.plan()
    assert all(units <= free[carrier_id] for carrier_id, units in _taken(plan.allocations).items())
    assert all(one.quantity > 0 for one in plan.allocations)


@given(cases())
def test_an_order_gets_every_unit_of_every_line_or_nothing(case: Case) -> None:
    """No order holds stock that others need while it can't go on itself."""
    plan = case.plan()
    for order in case.orders:
        got: dict[int, int] = defaultdict(int)
        for one in plan.allocations:
            if one.order_id == order.order_id:
                got[one.line_number] += one.quantity
        assert got in ({}, {item.line_number: item.quantity for item in order.items})


@given(cases())
def test_every_order_is_served_or_short_or_waits(case: Case) -> None:
    """Exactly one of the three, so that each order has an answer."""
    plan = case.plan()
    got = {one.order_id for one in plan.allocations}
    answers = [*got, *plan.short, *plan.waiting]
    assert sorted(answers) == sorted(order.order_id for order in case.orders)


@given(cases())
def test_a_carrier_has_one_target(case: Case) -> None:
    """All that is taken from a carrier goes to one destination, and to the one it already goes to."""
    targets = {one.carrier_id: {one.destination_id} for one in case.carriers if one.destination_id}
    for one in case.plan().allocations:
        targets.setdefault(one.carrier_id, set()).add(one.destination_id)
    assert all(len(target) == 1 for target in targets.values())


@given(cases())
def test_only_carriers_that_can_come_are_taken(case: Case) -> None:
    """Right SKU and warehouse, reachable, and from a zone that serves the destination if it stands still."""
    carriers = {one.carrier_id: one for one in case.carriers}
    orders = {order.order_id: order for order in case.orders}
    for one in case.plan().allocations:
        taken, order = carriers[one.carrier_id], orders[one.order_id]
        sku = next(item.sku for item in order.items if item.line_number == one.line_number)
        destination = DESTINATIONS[one.destination_id]
        assert one.destination_id == order.destination_id
        assert (taken.sku, taken.warehouse_id) == (sku, order.warehouse_id)
        assert taken.reachable
        assert not destination.paused
        assert taken.destination_id == one.destination_id or taken.zone in destination.zones


@given(cases())
def test_an_order_is_short_only_when_the_free_units_do_not_suffice(case: Case) -> None:
    """Short means that even with every carrier in reach there would be too few; else the order waits."""
    plan = case.plan()
    free: dict[tuple[str, str], int] = defaultdict(int)
    for each in case.carriers:
        free[each.warehouse_id, each.sku] += each.free
    for order in case.orders:
        lacking = [sku for sku, units in _needed(order).items() if units > free[order.warehouse_id, sku]]
        assert plan.short.get(order.order_id, []) == sorted(lacking)
        for one in plan.allocations:
            if one.order_id == order.order_id:
                sku = next(item.sku for item in order.items if item.line_number == one.line_number)
                free[order.warehouse_id, sku] -= one.quantity


@given(cases())
def test_who_comes_first_is_not_held_up_by_who_comes_later(case: Case) -> None:
    """Leaving the last order out changes nothing for those before it."""
    plan, shorter = case.plan(), Case(case.orders[:-1], case.carriers).plan()
    last = case.orders[-1].order_id if case.orders else ""
    assert [one for one in plan.allocations if one.order_id != last] == shorter.allocations
    assert {name: why for name, why in plan.waiting.items() if name != last} == shorter.waiting


@given(cases())
def test_within_a_rank_the_oldest_carrier_goes_first(case: Case) -> None:
    """No younger carrier is touched while an older one of the same rank still has units."""
    left = {one.carrier_id: one.free for one in case.carriers}
    target = {one.carrier_id: one.destination_id for one in case.carriers}
    orders = {order.order_id: order for order in case.orders}
    for one in case.plan().allocations:
        order = orders[one.order_id]
        destination = DESTINATIONS[one.destination_id]
        sku = next(item.sku for item in order.items if item.line_number == one.line_number)
        ranks = [
            (0 if target[c.carrier_id] == one.destination_id else 1, age, c.carrier_id)
            for age, c in enumerate(case.carriers)
            if (c.sku, c.warehouse_id) == (sku, order.warehouse_id)
            and c.reachable
            and left[c.carrier_id]
            and (target[c.carrier_id] or one.destination_id) == one.destination_id
            and (target[c.carrier_id] or c.zone in destination.zones)
        ]
        assert min(ranks)[2] == one.carrier_id
        left[one.carrier_id] -= one.quantity
        target[one.carrier_id] = one.destination_id


@given(cases())
def test_the_same_question_has_the_same_answer(case: Case) -> None:
    """Nothing is left to chance or kept from an earlier plan."""
    assert case.plan() == case.plan()


def test_a_carrier_on_its_way_to_the_destination_comes_before_an_older_one() -> None:
    """A trip that is made anyway serves first."""
    older, coming = carrier(1), carrier(2, destination_id="D1", zone=None)
    plan = served([order(1, ("A", 3))], [older, coming])
    assert _taken(plan.allocations) == {"CAR-2": 3}


def test_a_second_order_joins_the_carrier_of_the_first() -> None:
    """What the first order of a plan calls for serves the next one to the same destination."""
    plan = served([order(1, ("A", 3)), order(2, ("A", 3))], [carrier(1, free=5), carrier(2)])
    assert [(one.order_id, one.carrier_id, one.quantity) for one in plan.allocations] == [
        ("ORD-1", "CAR-1", 3),
        ("ORD-2", "CAR-1", 2),
        ("ORD-2", "CAR-2", 1),
    ]


def test_a_carrier_called_to_one_destination_serves_no_other() -> None:
    """Another destination's order waits, although there are units left on the carrier."""
    orders = [order(1, ("A", 3), to="D1"), order(2, ("A", 3), to="D2")]
    plan = served(orders, [carrier(1)])
    assert plan.waiting == {"ORD-2": Wait(STOCK_ELSEWHERE, "A", 3)}


def test_one_sku_on_two_lines_is_summed_up() -> None:
    """Three and three of a SKU that there are five of is one unit short."""
    plan = served([order(1, ("A", 3), ("A", 3))], [carrier(1, free=5)])
    assert (plan.short, plan.allocations) == ({"ORD-1": ["A"]}, [])


def test_what_an_order_could_not_use_serves_the_next() -> None:
    """The units and the target of an attempt that failed are given back."""
    stuck = order(1, ("A", 3), ("B", 1), to="D1")
    carriers = [carrier(1), carrier(2, sku="B", zone="Z")]
    plan = served([stuck, order(2, ("A", 10), to="D2")], carriers)
    assert plan.waiting == {"ORD-1": Wait(NO_ROUTE, "B", 1)}
    assert _taken(plan.allocations) == {"CAR-1": 10}


def test_each_obstacle_has_its_word() -> None:
    """Why an order waits is told in the words of the contract's WaitingReason."""
    asked = order(1, ("A", 3))
    for obstacle, only in {
        LANE_BLOCKED: carrier(reachable=False),
        NO_ROUTE: carrier(zone="Z"),
        STOCK_ELSEWHERE: carrier(destination_id="D2"),
    }.items():
        assert served([asked], [only]).waiting == {"ORD-1": Wait(obstacle, "A", 3)}
    returning = carrier(destination_id="D2", reachable=False, comes_back=True)
    assert served([asked], [returning]).waiting == {"ORD-1": Wait(STOCK_ELSEWHERE, "A", 3)}
    paused = order(1, ("A", 3), to="D4")
    assert served([paused], [carrier()]).waiting == {"ORD-1": Wait(DESTINATION_PAUSED)}
