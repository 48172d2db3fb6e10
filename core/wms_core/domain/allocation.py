"""Which carriers serve which orders: a pure function of what is asked for and what there is.

Backorders come first, in the order given, then orders, in the order given. A backorder takes what it can get.
An order gets all of what it still needs; when stock does not do for that, a share of it, if it allows
that and the share is large enough; else it is short. What can't be reached now is waited for.

For each line, in this order: a carrier that already goes to the destination (or is there) with units to
spare; then carriers in open lanes of a zone that the destination is served from, the oldest first; of two
equally old ones that with fewer carriers in front of it, then the one that leaves least behind. Those with
too many in front of them come last.

Some orders wait only for carriers that come back to a lane by themselves. The first of them at each
destination keeps what it could have had already, and what it waits for: no order after it gets those
carriers, so that all of them are in their lanes at last.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from wms_core.domain.backorders import PartialRule
from wms_core.domain.orders import Order, OrderItem
from wms_core.domain.shelves import LANE_BLOCKED, NO_ROUTE, OBSTACLES, STOCK_ELSEWHERE, Rack, Taken, racks
from wms_core.domain.storage import Allocation, Destination, FreeCarrier

__all__ = ["DESTINATION_PAUSED", "LANE_BLOCKED", "NO_ROUTE", "STOCK_ELSEWHERE", "AllocationPlan", "allocate"]

#: The order's destination takes no new work (the other reasons to wait are OBSTACLES).
DESTINATION_PAUSED = "destination_paused"


@dataclass(frozen=True, slots=True)
class OwedUnits:
    """What a backorder still needs."""

    backorder_id: str
    order_id: str
    line_number: int
    warehouse_id: str
    destination_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class StockAsked:
    """How many lines ask for a SKU at a destination, and for how many units together."""

    warehouse_id: str
    sku: str
    destination_id: str | None
    lines: int
    units: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Why an order waits, and the SKU of which it can't reach so many units, when that is the reason."""

    reason: str
    sku: str | None = None
    units: int = 0


@dataclass
class AllocationPlan:
    """What each order gets.

    `allocations` of orders and backorders; `missing` units by line of orders that go on with a share;
    `short` SKUs of orders that stock can't serve; `waiting`: why orders wait whose stock can't be reached.
    """

    allocations: list[Allocation] = field(default_factory=list)
    missing: dict[str, dict[int, int]] = field(default_factory=dict)
    short: dict[str, list[str]] = field(default_factory=dict)
    waiting: dict[str, Wait] = field(default_factory=dict)

    def of(self, order_ids: Collection[str]) -> "AllocationPlan":
        """Give the part of a finished plan that is about these orders."""
        return AllocationPlan(
            [one for order_id in order_ids for one in self._by_order.get(order_id, ())],
            {key: self.missing[key] for key in order_ids if key in self.missing},
            {key: self.short[key] for key in order_ids if key in self.short},
            {key: self.waiting[key] for key in order_ids if key in self.waiting},
        )

    @cached_property
    def _by_order(self) -> Mapping[str, list[Allocation]]:
        found: dict[str, list[Allocation]] = defaultdict(list)
        for one in self.allocations:
            found[one.order_id].append(one)
        return found


def allocate(
    owed: Sequence[OwedUnits],
    orders: Sequence[Order],
    carriers: Sequence[FreeCarrier],
    destinations: Mapping[str, Destination],
    rule: PartialRule,
) -> AllocationPlan:
    """Serve backorders, then orders, from the carriers, which come oldest first."""
    stock = _Stock(racks(carriers), destinations)
    for one in owed:
        stock.fill(one)
    for order in orders:
        stock.serve(order, rule)
    return stock.plan


def stock_asked(owed: Sequence[OwedUnits], orders: Sequence[Order]) -> list[StockAsked]:
    """Sum up by warehouse, SKU and destination what is asked for."""
    asked: dict[tuple[str, str, str | None], list[int]] = defaultdict(list)
    for one in owed:
        asked[one.warehouse_id, one.sku, one.destination_id].append(one.quantity)
    for order in orders:
        for item in order.items:
            asked[order.warehouse_id, item.sku, order.destination_id].append(item.needed)
    return [StockAsked(*key, len(units), sum(units)) for key, units in asked.items()]


class _Stock:
    """The free units, as the plan uses them up."""

    def __init__(self, there: Mapping[tuple[str, str], Rack], stations: Mapping[str, Destination]) -> None:
        self.plan = AllocationPlan()
        self._racks = there
        self._stations = stations
        #: The destinations for which an order that waits keeps carriers.
        self._kept_for: set[str] = set()

    def fill(self, owed: OwedUnits) -> None:
        """Take what a backorder can get."""
        station = self._stations.get(owed.destination_id)
        if station is None or station.paused:
            return
        rack = self._racks[owed.warehouse_id, owed.sku]
        taken = rack.take(owed.quantity, station)
        rack.promise(taken)
        for shelf, units, _ in taken:
            carrier_id = shelf.carrier.carrier_id
            self.plan.allocations.append(
                Allocation(
                    owed.order_id,
                    owed.line_number,
                    carrier_id,
                    owed.destination_id,
                    units,
                    owed.backorder_id,
                )
            )

    def serve(self, order: Order, rule: PartialRule) -> None:
        """Give an order what it may have, or a reason why it gets nothing."""
        wanted, missing = self._share(order)
        if missing and not rule.allows(order, sum(missing.values())):
            skus = {item.sku for item in order.items if item.line_number in missing}
            self.plan.short[order.order_id] = sorted(skus)
            return
        station = self._stations.get(order.destination_id or "")
        if station is None or station.paused:
            self.plan.waiting[order.order_id] = Wait(DESTINATION_PAUSED)
            return
        if self._take(order, wanted, station) and missing:
            self.plan.missing[order.order_id] = missing

    def _share(self, order: Order) -> tuple[dict[int, int], dict[int, int]]:
        """Say by line what stock does for, reachable or not, and what is missing."""
        left: dict[str, int] = {}
        wanted: dict[int, int] = {}
        missing: dict[int, int] = {}
        for item in order.items:
            if item.sku not in left:
                left[item.sku] = self._racks[order.warehouse_id, item.sku].units
            units = min(item.needed, left[item.sku])
            left[item.sku] -= units
            wanted[item.line_number] = units
            if units < item.needed:
                missing[item.line_number] = item.needed - units
        return wanted, missing

    def _take(self, order: Order, wanted: Mapping[int, int], station: Destination) -> bool:
        """Take what is wanted for all lines; else the order waits, and it is noted why."""
        basket = _Basket()
        for item in order.items:
            rack = self._racks[order.warehouse_id, item.sku]
            basket.fill(rack, item, wanted[item.line_number], station)
        if not basket.lacking:
            self.plan.allocations += basket.promise(order.order_id, station.destination_id)
            return True
        obstacle, coming = basket.obstacle(station, self._stations)
        sku = basket.lacking_sku
        units = sum(item.needed for item in order.items if item.sku == sku)
        self.plan.waiting[order.order_id] = Wait(obstacle, sku, units)
        if coming and station.destination_id not in self._kept_for:
            basket.keep(station, self._stations)
            self._kept_for.add(station.destination_id)
        else:
            basket.give_back()
        return False


class _Basket:
    """What an order could have now, line by line, and how many units of each SKU are lacking."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, Rack, list[Taken]]] = []
        self.lacking: dict[Rack, int] = {}
        self.lacking_sku: str | None = None

    def fill(self, rack: Rack, item: OrderItem, units: int, station: Destination) -> None:
        taken = rack.take(units, station)
        self._lines.append((item.line_number, rack, taken))
        if lack := units - sum(part for _, part, _ in taken):
            self.lacking_sku = self.lacking_sku or item.sku
            self.lacking[rack] = self.lacking.get(rack, 0) + lack

    def promise(self, order_id: str, destination_id: str) -> list[Allocation]:
        for _, rack, taken in self._lines:
            rack.promise(taken)
        return [
            Allocation(order_id, line_number, shelf.carrier.carrier_id, destination_id, units)
            for line_number, _, taken in self._lines
            for shelf, units, _ in taken
        ]

    def obstacle(self, station: Destination, stations: Mapping[str, Destination]) -> tuple[str, bool]:
        """Give the obstacle that needs the most to end, and whether all that is lacking comes by itself."""
        found = [rack.obstacle(units, station, stations) for rack, units in self.lacking.items()]
        return max((one for one, _ in found), key=OBSTACLES.index), all(coming for _, coming in found)

    def keep(self, station: Destination, stations: Mapping[str, Destination]) -> None:
        for _, rack, taken in self._lines:
            rack.keep(taken, self.lacking.pop(rack, 0), station, stations)

    def give_back(self) -> None:
        for _, rack, taken in reversed(self._lines):
            rack.give_back(taken)
