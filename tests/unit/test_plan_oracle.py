"""The quick planner gives the answers of a simple one, which looks at every carrier for every line."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as with_
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_shortage import debts, order, orders
from wms_core.domain.allocation import OwedUnits, allocate
from wms_core.domain.backorders import PartialRule
from wms_core.domain.orders import Order
from wms_core.domain.storage import Destination, FreeCarrier

RULE = PartialRule(0.5)
STATIONS = {
    "D-1": Destination("D-1", "W", 9, ("A", "B")),
    "D-2": Destination("D-2", "W", 9, ("A",)),
    "D-3": Destination("D-3", "W", 9, ("B",)),
    "D-4": Destination("D-4", "W", 9, ("A", "B"), paused=True),
}
#: SKU, units, zone, destination, reachable, age, blockers, deep, comes back.
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
class _Pile:
    """A carrier, its free units, where it goes, and whether it is kept for one who waits."""

    carrier: FreeCarrier
    free: int
    target: str | None
    kept: bool = False

    def serves(self, station: Destination) -> bool:
        if self.kept or not self.carrier.reachable:
            return False
        there = station.destination_id
        return self.target == there if self.target else self.carrier.zone in station.zones

    def comes_to(self, station: Destination, sku: str) -> bool:
        """Say whether it has units of a SKU and will stand in a lane from where the station is served."""
        if self.kept or not self.free or self.carrier.sku != sku or self.serves(station):
            return False
        if not self.carrier.reachable:
            return self.carrier.comes_back and self.carrier.zone in station.zones
        if self.target is None or (self.carrier.destination_id and not self.carrier.comes_back):
            return False
        return bool(set(STATIONS[self.target].zones) & set(station.zones))


Taken: TypeAlias = "tuple[_Pile, int, str | None]"


class Simple:
    """Plans with lists and sorting only; `said` tells who gets what, who is short and who waits."""

    def __init__(self, there: Sequence[FreeCarrier]) -> None:
        """Begin with what there is."""
        self.piles = [_Pile(one, one.free, one.destination_id) for one in there]
        self.there = Counter[str]()
        for one in there:
            self.there[one.sku] += one.free
        self.said: list[object] = []
        self.keepers: set[str] = set()

    def fill(self, owed: OwedUnits) -> None:
        """Serve a backorder."""
        if not (station := STATIONS[owed.destination_id]).paused:
            self._say(owed.backorder_id, 1, _take(self.piles, owed.sku, owed.quantity, station))

    def serve(self, asked: Order) -> None:
        """Serve an order, or say why not."""
        left = self.there.copy()
        wanted = []
        for item in asked.items:
            wanted.append(min(item.needed, left[item.sku]))
            left[item.sku] -= wanted[-1]
        missing = sum(item.needed for item in asked.items) - sum(wanted)
        station = STATIONS[asked.destination_id or ""]
        if missing and not RULE.allows(asked, missing):
            self.said.append((asked.order_id, "short"))
            return
        lacking = Counter[str]()
        taken = []
        for item, units in zip(asked.items, wanted, strict=True):
            taken.append([] if station.paused else _take(self.piles, item.sku, units, station))
            lacking[item.sku] += units - sum(part for _, part, _ in taken[-1])
        if any(lacking.values()):
            self.said.append((asked.order_id, "waits"))
            self._keep_or_give_back([one for line in taken for one in line], lacking, station)
        else:
            for item, got in zip(asked.items, taken, strict=True):
                self._say(asked.order_id, item.line_number, got)

    def _say(self, name: str, line: int, taken: Sequence[Taken]) -> None:
        for pile, units, _ in taken:
            self.said.append((name, line, pile.carrier.carrier_id, units))
            self.there[pile.carrier.sku] -= units

    def _keep_or_give_back(self, taken: Sequence[Taken], lacking: Counter[str], station: Destination) -> None:
        coming = {sku: [one for one in self.piles if one.comes_to(station, sku)] for sku in lacking}
        enough = all(lacking[sku] <= sum(one.free for one in coming[sku]) for sku in lacking)
        if station.paused or not enough or station.destination_id in self.keepers:
            for pile, units, before in reversed(taken):
                pile.free += units
                pile.target = before
            return
        self.keepers.add(station.destination_id)
        for pile, _, before in taken:
            pile.kept |= before is None
        for sku, units in lacking.items():
            for pile in sorted(coming[sku], key=_coming_first):
                pile.kept |= units > 0
                units -= pile.free  # noqa: PLW2901


def _coming_first(pile: _Pile) -> tuple[bool, bool, float, int]:
    carrier = pile.carrier
    return carrier.reachable, carrier.deep, carrier.age_rank, carrier.blockers


def _take(piles: Sequence[_Pile], sku: str, units: int, station: Destination) -> list[Taken]:
    ranked = sorted(
        (pile for pile in piles if pile.carrier.sku == sku and pile.free and pile.serves(station)),
        key=lambda pile: (
            pile.target is None,
            pile.carrier.deep,
            pile.carrier.age_rank,
            pile.carrier.blockers,
            max(pile.free - units, 0),
        ),
    )
    taken: list[Taken] = []
    for pile in ranked:
        part = min(units, pile.free)
        if part:
            taken.append((pile, part, pile.target))
            pile.free -= part
            pile.target = station.destination_id
            units -= part
    return taken


def _quickly(owed: Sequence[OwedUnits], asked: Sequence[Order], there: Sequence[FreeCarrier]) -> set[object]:
    plan = allocate(owed, asked, there, STATIONS, RULE)
    said: set[object] = {
        (one.backorder_id or one.order_id, one.line_number, one.carrier_id, one.quantity)
        for one in plan.allocations
    }
    said |= {(order_id, "short") for order_id in plan.short}
    return said | {(order_id, "waits") for order_id in plan.waiting}


@settings(max_examples=400)
@given(
    debts(), orders(), st.lists(KINDS, max_size=9), st.lists(st.sampled_from(sorted(STATIONS)), max_size=5)
)
def test_the_quick_planner_answers_like_the_simple_one(
    owed: list[OwedUnits], asked: list[Order], kinds: list[tuple[object, ...]], where: list[str]
) -> None:
    """Whatever there is: the same carriers for the same lines, the same who are short and who wait."""
    there = [
        FreeCarrier(f"C-{number}", "W", *kind)  # type: ignore[arg-type]
        for number, kind in enumerate(kinds)
    ]
    asked = [with_(one, destination_id=there) for one, there in zip(asked, where, strict=False)]
    simple = Simple(there)
    for debt in owed:
        simple.fill(debt)
    for one in asked:
        simple.serve(one)
    assert _quickly(owed, asked, there) == set(simple.said)


def test_ten_thousand_orders_are_planned_in_well_under_a_second() -> None:
    """Three lines each, twenty carriers of each SKU: a plan is quick enough for a cycle every second."""
    there = [
        FreeCarrier(
            f"C-{number}", "W", f"S-{number % 2000}", 60, "AB"[number // 2000 % 2], None, True, number
        )
        for number in range(40_000)
    ]
    asked = [
        order(
            number, [(f"S-{(number * 7 + line * 13) % 2000}", 2) for line in range(3)], f"D-{number % 3 + 1}"
        )
        for number in range(10_000)
    ]
    began = time.process_time()
    plan = allocate([], asked, there, STATIONS, RULE)
    assert len(plan.allocations) == 30_000
    assert time.process_time() - began < 2
