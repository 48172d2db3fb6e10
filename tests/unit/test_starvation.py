"""No order starves while stock for it passes by, and no order that waits holds others up for nothing."""

from dataclasses import replace
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_shortage import BOTH, NARROW, RULE, WIDE, order, shelf, units_of
from wms_core.domain.allocation import LANE_BLOCKED, NO_ROUTE, STOCK_ELSEWHERE, AllocationPlan, Wait, allocate
from wms_core.domain.orders import Order
from wms_core.domain.storage import Allocation, Destination, FreeCarrier

SKUS = "XYZ"


class Traveller:
    """The only carrier of a SKU: taken, it is away; it stays while others join it there, then comes back."""

    def __init__(self, sku: str, out: int, back: int) -> None:
        """Begin in the lane; the ways take so many rounds."""
        self.sku, self.out, self.back = sku, out, back
        self.target: str | None = None
        self.rounds = 0

    def carrier(self) -> FreeCarrier:
        """Give it as allocation sees it."""
        seen = replace(shelf(0, self.sku, 10_000), carrier_id=self.sku)
        if self.target is not None:
            return replace(seen, destination_id=self.target, comes_back=True)
        return replace(seen, reachable=False, comes_back=True) if self.rounds else seen

    def pass_round(self, taken: list[Allocation]) -> None:
        """Go where it was called to, or one step further on its way."""
        called = [one.destination_id for one in taken if one.carrier_id == self.sku]
        if called:
            self.rounds = max(self.rounds, 1) if self.target else self.out
            self.target = called[0]
        elif self.rounds:
            self.rounds -= 1
            if self.target and not self.rounds:
                self.target, self.rounds = None, self.back


LINES = st.lists(st.sampled_from(SKUS), min_size=1, max_size=3, unique=True)
WAYS = st.tuples(st.integers(1, 3), st.integers(1, 3))
CROWD = st.sets(st.sampled_from(sorted(BOTH)), min_size=1)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(LINES, st.sampled_from(sorted(BOTH))), min_size=1, max_size=4),
    st.tuples(WAYS, WAYS, WAYS),
    st.tuples(CROWD, CROWD, CROWD),
)
def test_an_order_with_several_lines_gets_its_turn(
    waiting: list[tuple[list[str], str]], ways: tuple[tuple[int, int], ...], crowds: tuple[set[str], ...]
) -> None:
    """However the carriers come and go, and however many younger orders come in each round."""
    numbers = count()
    queue = [order(next(numbers), [(sku, 1) for sku in skus], target) for skus, target in waiting]
    old = {one.order_id for one in queue}
    there = [Traveller(sku, *way) for sku, way in zip(SKUS, ways, strict=True)]
    for _ in range(8 * (len(queue) + 1)):
        for sku, crowd in zip(SKUS, crowds, strict=True):
            queue += [order(next(numbers), [(sku, 1)], target) for target in sorted(crowd)]
        taken = allocate([], queue, [one.carrier() for one in there], BOTH, RULE).allocations
        served = {one.order_id for one in taken}
        queue = [one for one in queue if one.order_id not in served]
        for one in there:
            one.pass_round(taken)
        if not old & {one.order_id for one in queue}:
            return
    assert not old & {one.order_id for one in queue}


def plan(orders: list[Order], *there: FreeCarrier, stations: dict[str, Destination] = BOTH) -> AllocationPlan:
    """Serve orders when nothing is owed."""
    return allocate([], orders, there, stations, RULE)


FIRST = order(1, [("X", 2), ("Y", 2)], "D-1")
YOUNGER = order(2, [("X", 2)], "D-2")
WAITS_FOR_Y = Wait(STOCK_ELSEWHERE, "Y", 2)


def test_who_waits_keeps_what_it_could_have_had_already() -> None:
    """The younger order does not call its carrier away; it waits, and does not fail."""
    away = shelf(2, "Y", 9, destination_id="D-2", comes_back=True)
    found = plan([FIRST, YOUNGER], shelf(1, "X", 9), away)
    assert found == AllocationPlan(waiting={"O-1": WAITS_FOR_Y, "O-2": Wait(STOCK_ELSEWHERE, "X", 2)})


def test_what_is_beyond_what_is_kept_serves_the_younger_ones() -> None:
    """Another carrier of the same SKU is free for them."""
    away = shelf(3, "Y", 9, destination_id="D-2", comes_back=True)
    found = plan([FIRST, YOUNGER], shelf(1, "X", 9), shelf(2, "X", 9), away)
    assert found.waiting == {"O-1": WAITS_FOR_Y}
    assert units_of(found.allocations, order_id="O-2", carrier_id="C-2") == 2


def test_what_is_waited_for_is_not_held_up_where_it_is() -> None:
    """A younger order at the place where the carrier is does not make it stay there."""
    away = shelf(2, "Y", 9, destination_id="D-2", comes_back=True)
    found = plan([FIRST, order(3, [("Y", 1)], "D-2")], shelf(1, "X", 9), away)
    assert found == AllocationPlan(waiting={"O-1": WAITS_FOR_Y, "O-3": Wait(STOCK_ELSEWHERE, "Y", 1)})


def test_an_order_whose_stock_does_not_come_by_itself_keeps_nothing() -> None:
    """In a blocked lane, without a route, at a place that takes no work or from where nothing comes back."""
    far = Destination("D-3", "W", 9, ("Z",))
    others: dict[str, dict[str, Any]] = {
        LANE_BLOCKED: {"reachable": False},
        NO_ROUTE: {"zone": "Z"},
        "returning to a zone without a route": {"reachable": False, "comes_back": True, "zone": "Z"},
        "stranded": {"destination_id": "D-2"},
        "at a paused destination": {"destination_id": "PAUSED", "comes_back": True},
        "served from other zones": {"destination_id": "D-3", "comes_back": True},
    }
    for obstacle, other in others.items():
        found = plan(
            [FIRST, YOUNGER], shelf(1, "X", 9), shelf(2, "Y", 9, **other), stations={**BOTH, "D-3": far}
        )
        assert units_of(found.allocations, order_id="O-2") == 2, obstacle
        assert found.waiting.keys() == {"O-1"}, obstacle


def test_an_order_of_a_paused_destination_keeps_nothing() -> None:
    """It is not worked on, so nobody waits for it."""
    away = shelf(2, "Y", 9, destination_id="D-2", comes_back=True)
    found = plan([FIRST, YOUNGER], shelf(1, "X", 9), away, stations={"D-2": NARROW})
    assert units_of(found.allocations, order_id="O-2") == 2


def test_one_order_of_each_destination_keeps_carriers() -> None:
    """However many wait for the same, the others' carriers go on with their work."""
    away = shelf(9, "Y", 1, destination_id="D-2", comes_back=True)
    crowd = [order(number, [("X", 1), ("Y", 1)], "D-1", partial=False) for number in range(20)]
    lanes = [shelf(number, "X", 1) for number in range(3)]
    found = plan([*crowd, order(30, [("X", 2)], "D-2")], *lanes, away, stations={"D-1": WIDE, "D-2": NARROW})
    assert units_of(found.allocations, order_id="O-30") == 2


def test_the_reason_is_what_must_end_for_the_order_to_go_on() -> None:
    """A word for what ends by itself only when that is enough; else for what a person has to do."""
    away = shelf(1, "X", 3, destination_id="D-2", comes_back=True)
    blocked = shelf(2, "X", 3, reachable=False)
    foreign = shelf(3, "X", 9, zone="Z")
    for units, reason in ((3, STOCK_ELSEWHERE), (6, LANE_BLOCKED), (7, NO_ROUTE)):
        found = plan([order(1, [("X", units)])], away, blocked, foreign)
        assert found.waiting == {"O-1": Wait(reason, "X", units)}


def test_of_two_lines_the_one_that_needs_more_is_told() -> None:
    """What comes back by itself is no news while a lane is to be opened."""
    away = shelf(1, "X", 3, destination_id="D-2", comes_back=True)
    blocked = shelf(2, "Y", 3, reachable=False)
    for lines in ([("X", 1), ("Y", 1)], [("Y", 1), ("X", 1)]):
        waits = plan([order(1, lines)], away, blocked).waiting["O-1"]
        assert (waits.reason, waits.sku) == (LANE_BLOCKED, lines[0][0])


def test_a_carrier_behind_too_many_others_is_the_last_that_is_taken() -> None:
    """However old it is; but it is taken when there is nothing else."""
    deep, near = shelf(1, "X", 3, deep=True, age_rank=0), shelf(2, "X", 3, age_rank=9)
    found = plan([order(1, [("X", 4)])], deep, near)
    assert [(one.carrier_id, one.quantity) for one in found.allocations] == [("C-2", 3), ("C-1", 1)]
