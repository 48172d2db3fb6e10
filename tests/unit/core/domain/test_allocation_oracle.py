"""The fast planner returns the same plans as a simple one that scans every carrier for every line."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as with_
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.core.domain.test_allocation_shortage import backorder_lists, order_lists, wave_order

from wms_core.domain.orders.backorders import PartialFulfillmentRule
from wms_core.domain.orders.orders import Order
from wms_core.domain.stock.allocation import BackorderedUnits, allocate
from wms_core.domain.stock.warehouse import Destination, FreeCarrier

RULE = PartialFulfillmentRule(0.5)
DESTINATIONS = {
    "D-1": Destination("D-1", "W", 9, ("A", "B")),
    "D-2": Destination("D-2", "W", 9, ("A",)),
    "D-3": Destination("D-3", "W", 9, ("B",)),
    "D-4": Destination("D-4", "W", 9, ("A", "B"), is_paused=True),
}
#: SKU, units, zone, destination, is reachable, age, blockers, is deep, is returning.
KINDS = st.tuples(
    st.sampled_from("XYZ"),
    st.integers(1, 6),
    st.sampled_from("AB"),
    st.sampled_from([None, None, "D-1", "D-2", "D-3", "D-4"]),
    st.sampled_from([True, True, False]),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from([False, False, True]),
    st.booleans(),
)


@dataclass
class _Candidate:
    """A carrier with its free units, its destination, and whether it is reserved for a waiting order."""

    carrier: FreeCarrier
    free: int
    target: str | None
    is_reserved: bool = False

    def can_serve(self, destination: Destination) -> bool:
        if self.is_reserved or not self.carrier.is_reachable:
            return False
        destination_id = destination.destination_id
        return self.target == destination_id if self.target else self.carrier.zone in destination.zones

    def will_return_for(self, destination: Destination, sku: str) -> bool:
        """Return whether it has units of a SKU and will be in a lane that serves the destination."""
        if self.is_reserved or not self.free or self.carrier.sku != sku or self.can_serve(destination):
            return False
        if not self.carrier.is_reachable:
            return self.carrier.is_returning and self.carrier.zone in destination.zones
        if self.target is None or (self.carrier.destination_id and not self.carrier.is_returning):
            return False
        return bool(set(DESTINATIONS[self.target].zones) & set(destination.zones))


Pick: TypeAlias = "tuple[_Candidate, int, str | None]"


class SimplePlanner:
    """Plans with lists and sorting only. `results` has the allocations, short orders and waiting orders."""

    def __init__(self, carriers: Sequence[FreeCarrier]) -> None:
        self.candidates = [
            _Candidate(carrier, carrier.free_units, carrier.destination_id) for carrier in carriers
        ]
        self.available = Counter[str]()
        for carrier in carriers:
            self.available[carrier.sku] += carrier.free_units
        self.results: list[object] = []
        self.reserving_destinations: set[str] = set()

    def allocate_backorder(self, backorder: BackorderedUnits) -> None:
        """Allocate units to a backorder."""
        if not (destination := DESTINATIONS[backorder.destination_id]).is_paused:
            self._record(
                backorder.backorder_id,
                1,
                _pick(self.candidates, backorder.sku, backorder.quantity, destination),
            )

    def allocate_order(self, order: Order) -> None:
        """Allocate units to an order, or record the reason if that is impossible."""
        remaining = self.available.copy()
        requested = []
        for item in order.items:
            requested.append(min(item.units_to_allocate, remaining[item.sku]))
            remaining[item.sku] -= requested[-1]
        missing = sum(item.units_to_allocate for item in order.items) - sum(requested)
        destination = DESTINATIONS[order.destination_id or ""]
        if missing and not RULE.allows_shortage(order, missing):
            self.results.append((order.order_id, "short"))
            return
        missing_by_sku = Counter[str]()
        picks_by_line = []
        for item, units in zip(order.items, requested, strict=True):
            picks_by_line.append(
                [] if destination.is_paused else _pick(self.candidates, item.sku, units, destination)
            )
            missing_by_sku[item.sku] += units - sum(picked_units for _, picked_units, _ in picks_by_line[-1])
        if any(missing_by_sku.values()):
            self.results.append((order.order_id, "waits"))
            self._reserve_or_release(
                [pick for line in picks_by_line for pick in line], missing_by_sku, destination
            )
        else:
            for item, picks in zip(order.items, picks_by_line, strict=True):
                self._record(order.order_id, item.line_number, picks)

    def _record(self, order_or_backorder_id: str, line: int, picks: Sequence[Pick]) -> None:
        for candidate, units, _ in picks:
            self.results.append((order_or_backorder_id, line, candidate.carrier.carrier_id, units))
            self.available[candidate.carrier.sku] -= units

    def _reserve_or_release(
        self, picks: Sequence[Pick], missing_by_sku: Counter[str], destination: Destination
    ) -> None:
        returning_by_sku = {
            sku: [candidate for candidate in self.candidates if candidate.will_return_for(destination, sku)]
            for sku in missing_by_sku
        }
        enough = all(
            missing_by_sku[sku] <= sum(candidate.free for candidate in returning_by_sku[sku])
            for sku in missing_by_sku
        )
        if destination.is_paused or not enough or destination.destination_id in self.reserving_destinations:
            for candidate, units, previous_target in reversed(picks):
                candidate.free += units
                candidate.target = previous_target
            return
        self.reserving_destinations.add(destination.destination_id)
        for candidate, _, previous_target in picks:
            candidate.is_reserved |= previous_target is None
        for sku, units in missing_by_sku.items():
            for candidate in sorted(returning_by_sku[sku], key=_returning_rank):
                candidate.is_reserved |= units > 0
                units -= candidate.free  # noqa: PLW2901


def _returning_rank(candidate: _Candidate) -> tuple[bool, bool, float, int]:
    carrier = candidate.carrier
    return carrier.is_reachable, carrier.is_deep, carrier.age_rank, carrier.blocker_count


def _pick(candidates: Sequence[_Candidate], sku: str, units: int, destination: Destination) -> list[Pick]:
    ranked = sorted(
        (
            candidate
            for candidate in candidates
            if candidate.carrier.sku == sku and candidate.free and candidate.can_serve(destination)
        ),
        key=lambda candidate: (
            candidate.target is None,
            candidate.carrier.is_deep,
            candidate.carrier.age_rank,
            candidate.carrier.blocker_count,
            max(candidate.free - units, 0),
        ),
    )
    picks: list[Pick] = []
    for candidate in ranked:
        picked_units = min(units, candidate.free)
        if picked_units:
            picks.append((candidate, picked_units, candidate.target))
            candidate.free -= picked_units
            candidate.target = destination.destination_id
            units -= picked_units
    return picks


def _plan_fast(
    backorders: Sequence[BackorderedUnits], orders: Sequence[Order], carriers: Sequence[FreeCarrier]
) -> set[object]:
    plan = allocate(backorders, orders, carriers, DESTINATIONS, RULE)
    results: set[object] = {
        (
            allocation.backorder_id or allocation.order_id,
            allocation.line_number,
            allocation.carrier_id,
            allocation.quantity,
        )
        for allocation in plan.allocations
    }
    results |= {(order_id, "short") for order_id in plan.short_skus}
    return results | {(order_id, "waits") for order_id in plan.waits_by_order}


@settings(max_examples=400)
@given(
    backorder_lists(),
    order_lists(),
    st.lists(KINDS, max_size=9),
    st.lists(st.sampled_from(sorted(DESTINATIONS)), max_size=5),
)
def test_fast_planner_matches_the_simple_one(
    backorders: list[BackorderedUnits],
    orders: list[Order],
    kinds: list[tuple[object, ...]],
    destination_ids: list[str],
) -> None:
    """Both plans have the same carriers for the same lines, and the same short and waiting orders."""
    carriers = [
        FreeCarrier(f"C-{number}", "W", *kind)  # type: ignore[arg-type]
        for number, kind in enumerate(kinds)
    ]
    orders = [
        with_(order, destination_id=destination_id)
        for order, destination_id in zip(orders, destination_ids, strict=False)
    ]
    simple = SimplePlanner(carriers)
    for backorder in backorders:
        simple.allocate_backorder(backorder)
    for order in orders:
        simple.allocate_order(order)
    assert _plan_fast(backorders, orders, carriers) == set(simple.results)


def test_ten_thousand_orders_are_planned_in_two_seconds() -> None:
    """With three lines each and twenty carriers of each SKU, a plan is fast enough for a short cycle."""
    carriers = [
        FreeCarrier(
            f"C-{number}", "W", f"S-{number % 2000}", 60, "AB"[number // 2000 % 2], None, True, number
        )
        for number in range(40_000)
    ]
    orders = [
        wave_order(
            number, [(f"S-{(number * 7 + line * 13) % 2000}", 2) for line in range(3)], f"D-{number % 3 + 1}"
        )
        for number in range(10_000)
    ]
    started = time.process_time()
    plan = allocate([], orders, carriers, DESTINATIONS, RULE)
    assert len(plan.allocations) == 30_000
    assert time.process_time() - started < 2
