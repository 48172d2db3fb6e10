"""No order starves while its stock moves around, and no waiting order reserves stock in vain."""

from dataclasses import replace
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.core.domain.test_allocation_shortage import (
    DESTINATIONS,
    NARROW,
    RULE,
    WIDE,
    free_carrier,
    units_of,
    wave_order,
)

from wms_core.domain.orders.orders import Order
from wms_core.domain.stock.allocation import (
    LANE_BLOCKED,
    NO_ROUTE,
    STOCK_ELSEWHERE,
    AllocationPlan,
    OrderWait,
    allocate,
)
from wms_core.domain.stock.warehouse import Allocation, Destination, FreeCarrier

SKUS = "XYZ"


class TravellingCarrier:
    """The only carrier of a SKU. It leaves when allocated, stays while orders join it, then returns."""

    def __init__(self, sku: str, outbound_cycles: int, return_cycles: int) -> None:
        self.sku, self.outbound_cycles, self.return_cycles = sku, outbound_cycles, return_cycles
        self.target: str | None = None
        self.remaining_cycles = 0

    def to_free_carrier(self) -> FreeCarrier:
        """Return the carrier as input of the allocation."""
        carrier = replace(free_carrier(0, self.sku, 10_000), carrier_id=self.sku)
        if self.target is not None:
            return replace(carrier, destination_id=self.target, is_returning=True)
        return replace(carrier, is_reachable=False, is_returning=True) if self.remaining_cycles else carrier

    def advance_cycle(self, allocations: list[Allocation]) -> None:
        """Start towards its new destination, or continue its way by one cycle."""
        destination_ids = [
            allocation.destination_id for allocation in allocations if allocation.carrier_id == self.sku
        ]
        if destination_ids:
            self.remaining_cycles = max(self.remaining_cycles, 1) if self.target else self.outbound_cycles
            self.target = destination_ids[0]
        elif self.remaining_cycles:
            self.remaining_cycles -= 1
            if self.target and not self.remaining_cycles:
                self.target, self.remaining_cycles = None, self.return_cycles


LINES = st.lists(st.sampled_from(SKUS), min_size=1, max_size=3, unique=True)
CYCLES = st.tuples(st.integers(1, 3), st.integers(1, 3))
COMPETITORS = st.sets(st.sampled_from(sorted(DESTINATIONS)), min_size=1)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(LINES, st.sampled_from(sorted(DESTINATIONS))), min_size=1, max_size=4),
    st.tuples(CYCLES, CYCLES, CYCLES),
    st.tuples(COMPETITORS, COMPETITORS, COMPETITORS),
)
def test_order_with_several_lines_never_starves(
    waiting: list[tuple[list[str], str]],
    cycles_by_sku: tuple[tuple[int, int], ...],
    competitors_by_sku: tuple[set[str], ...],
) -> None:
    """Carriers come and go, and any number of younger orders arrives in each cycle."""
    numbers = count()
    queue = [wave_order(next(numbers), [(sku, 1) for sku in skus], target) for skus, target in waiting]
    old_order_ids = {order.order_id for order in queue}
    carriers = [TravellingCarrier(sku, *cycles) for sku, cycles in zip(SKUS, cycles_by_sku, strict=True)]
    for _ in range(8 * (len(queue) + 1)):
        for sku, destination_ids in zip(SKUS, competitors_by_sku, strict=True):
            queue += [wave_order(next(numbers), [(sku, 1)], target) for target in sorted(destination_ids)]
        allocations = allocate(
            [], queue, [order.to_free_carrier() for order in carriers], DESTINATIONS, RULE
        ).allocations
        allocated_order_ids = {order.order_id for order in allocations}
        queue = [order for order in queue if order.order_id not in allocated_order_ids]
        for order in carriers:
            order.advance_cycle(allocations)
        if not old_order_ids & {order.order_id for order in queue}:
            return
    assert not old_order_ids & {order.order_id for order in queue}


def plan(
    orders: list[Order], *carriers: FreeCarrier, destinations: dict[str, Destination] = DESTINATIONS
) -> AllocationPlan:
    """Allocate stock to orders without backorders."""
    return allocate([], orders, carriers, destinations, RULE)


FIRST = wave_order(1, [("X", 2), ("Y", 2)], "D-1")
YOUNGER = wave_order(2, [("X", 2)], "D-2")
WAITS_FOR_Y = OrderWait(STOCK_ELSEWHERE, "Y", 2)


def test_waiting_order_reserves_its_reachable_stock() -> None:
    """The younger order does not call the reserved carrier. It waits and does not fail."""
    away = free_carrier(2, "Y", 9, destination_id="D-2", is_returning=True)
    result = plan([FIRST, YOUNGER], free_carrier(1, "X", 9), away)
    assert result == AllocationPlan(
        waits_by_order={"O-1": WAITS_FOR_Y, "O-2": OrderWait(STOCK_ELSEWHERE, "X", 2)}
    )


def test_unreserved_stock_serves_younger_orders() -> None:
    """Another carrier of the same SKU is free for them."""
    away = free_carrier(3, "Y", 9, destination_id="D-2", is_returning=True)
    result = plan([FIRST, YOUNGER], free_carrier(1, "X", 9), free_carrier(2, "X", 9), away)
    assert result.waits_by_order == {"O-1": WAITS_FOR_Y}
    assert units_of(result.allocations, order_id="O-2", carrier_id="C-2") == 2


def test_awaited_carrier_is_not_delayed_at_its_destination() -> None:
    """A younger order at the present destination of the carrier does not keep it there."""
    away = free_carrier(2, "Y", 9, destination_id="D-2", is_returning=True)
    result = plan([FIRST, wave_order(3, [("Y", 1)], "D-2")], free_carrier(1, "X", 9), away)
    assert result == AllocationPlan(
        waits_by_order={"O-1": WAITS_FOR_Y, "O-3": OrderWait(STOCK_ELSEWHERE, "Y", 1)}
    )


def test_order_whose_stock_does_not_return_by_itself_reserves_nothing() -> None:
    """The stock is in a blocked lane, without a route, or at a destination from which it does not return."""
    far = Destination("D-3", "W", 9, ("Z",))
    values_by_obstacle: dict[str, dict[str, Any]] = {
        LANE_BLOCKED: {"is_reachable": False},
        NO_ROUTE: {"zone": "Z"},
        "returning to a zone without a route": {"is_reachable": False, "is_returning": True, "zone": "Z"},
        "stranded": {"destination_id": "D-2"},
        "at a paused destination": {"destination_id": "PAUSED", "is_returning": True},
        "served from other zones": {"destination_id": "D-3", "is_returning": True},
    }
    for obstacle, values in values_by_obstacle.items():
        result = plan(
            [FIRST, YOUNGER],
            free_carrier(1, "X", 9),
            free_carrier(2, "Y", 9, **values),
            destinations={**DESTINATIONS, "D-3": far},
        )
        assert units_of(result.allocations, order_id="O-2") == 2, obstacle
        assert result.waits_by_order.keys() == {"O-1"}, obstacle


def test_order_of_a_paused_destination_reserves_nothing() -> None:
    """It is not processed, so no order waits for it."""
    away = free_carrier(2, "Y", 9, destination_id="D-2", is_returning=True)
    result = plan([FIRST, YOUNGER], free_carrier(1, "X", 9), away, destinations={"D-2": NARROW})
    assert units_of(result.allocations, order_id="O-2") == 2


def test_one_order_of_each_destination_reserves_carriers() -> None:
    """However many orders wait for the same SKU, the carriers of the others stay available."""
    away = free_carrier(9, "Y", 1, destination_id="D-2", is_returning=True)
    waiting_orders = [wave_order(number, [("X", 1), ("Y", 1)], "D-1", partial=False) for number in range(20)]
    lanes = [free_carrier(number, "X", 1) for number in range(3)]
    result = plan(
        [*waiting_orders, wave_order(30, [("X", 2)], "D-2")],
        *lanes,
        away,
        destinations={"D-1": WIDE, "D-2": NARROW},
    )
    assert units_of(result.allocations, order_id="O-30") == 2


def test_waiting_reason_is_the_decisive_obstacle() -> None:
    """Stock elsewhere is the reason only if its return is enough. Otherwise the reason needs an operator."""
    away = free_carrier(1, "X", 3, destination_id="D-2", is_returning=True)
    blocked = free_carrier(2, "X", 3, is_reachable=False)
    foreign = free_carrier(3, "X", 9, zone="Z")
    for units, reason in ((3, STOCK_ELSEWHERE), (6, LANE_BLOCKED), (7, NO_ROUTE)):
        result = plan([wave_order(1, [("X", units)])], away, blocked, foreign)
        assert result.waits_by_order == {"O-1": OrderWait(reason, "X", units)}


def test_waiting_reason_is_that_of_the_line_that_needs_an_operator() -> None:
    """Returning stock is not the reason while a blocked lane must be opened."""
    away = free_carrier(1, "X", 3, destination_id="D-2", is_returning=True)
    blocked = free_carrier(2, "Y", 3, is_reachable=False)
    for lines in ([("X", 1), ("Y", 1)], [("Y", 1), ("X", 1)]):
        wait = plan([wave_order(1, lines)], away, blocked).waits_by_order["O-1"]
        assert (wait.reason, wait.sku) == (LANE_BLOCKED, lines[0][0])


def test_deep_carrier_is_used_last() -> None:
    """Its age does not matter. It is used when there is no other one."""
    deep, near = free_carrier(1, "X", 3, is_deep=True, age_rank=0), free_carrier(2, "X", 3, age_rank=9)
    result = plan([wave_order(1, [("X", 4)])], deep, near)
    assert [(allocation.carrier_id, allocation.quantity) for allocation in result.allocations] == [
        ("C-2", 3),
        ("C-1", 1),
    ]
