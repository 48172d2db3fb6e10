"""Which carriers serve which orders: a pure function of what is asked for and what there is.

Backorders come first, in the order given, then orders, in the order given. A backorder takes what it can get.
An order gets all of what it still needs; when stock does not do for that, a share of it, if it allows
that and the share is large enough; else it is short. What can't be reached now is waited for.

For each line, in this order: a carrier that already goes to the destination (or is there) with units to
spare; then carriers in open lanes of a zone that the destination is served from, the oldest first; of two
equally old ones that with fewer carriers in front of it, then the one that leaves least behind.
"""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from wms_core.domain.backorders import PartialRule
from wms_core.domain.orders import Order
from wms_core.domain.storage import Allocation, Destination, FreeCarrier

#: Reasons for which an order waits although there is stock (see the contract's WaitingReason).
LANE_BLOCKED = "lane_blocked"
STOCK_ELSEWHERE = "stock_elsewhere"
NO_ROUTE = "no_route"
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


@dataclass(slots=True)
class AllocationPlan:
    """What each order gets.

    `allocations` of orders and backorders; `missing` units by line of orders that go on with a share;
    `short` SKUs of orders that stock can't serve; `waiting` reasons of orders whose stock can't be reached.
    """

    allocations: list[Allocation] = field(default_factory=list)
    missing: dict[str, dict[int, int]] = field(default_factory=dict)
    short: dict[str, list[str]] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)

    def of(self, order_ids: Container[str]) -> "AllocationPlan":
        """Give the part of the plan that is about these orders."""
        return AllocationPlan(
            [one for one in self.allocations if one.order_id in order_ids],
            {key: value for key, value in self.missing.items() if key in order_ids},
            {key: value for key, value in self.short.items() if key in order_ids},
            {key: value for key, value in self.waiting.items() if key in order_ids},
        )


def allocate(
    owed: Sequence[OwedUnits],
    orders: Sequence[Order],
    carriers: Sequence[FreeCarrier],
    destinations: Mapping[str, Destination],
    rule: PartialRule,
    left_out: Mapping[tuple[str, str], int] = MappingProxyType({}),
) -> AllocationPlan:
    """Serve backorders, then orders, from the carriers, which come oldest first.

    `left_out` are by warehouse and SKU the units of further carriers: not needed, or not to be reached.
    """
    plan = AllocationPlan()
    stock = _Stock(carriers, left_out)
    for one in owed:
        if (target := destinations.get(one.destination_id)) and not target.paused:
            plan.allocations += stock.fill(one, target)
    for order in orders:
        _serve(order, destinations.get(order.destination_id or ""), stock, rule, plan)
    return plan


def stock_asked(owed: Sequence[OwedUnits], orders: Sequence[Order]) -> list[StockAsked]:
    """Sum up by warehouse, SKU and destination what is asked for."""
    asked: dict[tuple[str, str, str | None], list[int]] = defaultdict(list)
    for one in owed:
        asked[one.warehouse_id, one.sku, one.destination_id].append(one.quantity)
    for order in orders:
        for item in order.items:
            asked[order.warehouse_id, item.sku, order.destination_id].append(item.needed)
    return [StockAsked(*key, len(units), sum(units)) for key, units in asked.items()]


def _serve(
    order: Order, target: Destination | None, stock: "_Stock", rule: PartialRule, plan: AllocationPlan
) -> None:
    wanted, missing = stock.share(order)
    if missing and not rule.allows(order, sum(missing.values())):
        plan.short[order.order_id] = sorted({item.sku for item in order.items if item.line_number in missing})
        return
    if target is None or target.paused:
        plan.waiting[order.order_id] = DESTINATION_PAUSED
        return
    served = stock.serve(order, wanted, target)
    if isinstance(served, str):
        plan.waiting[order.order_id] = served
        return
    plan.allocations += served
    if missing:
        plan.missing[order.order_id] = missing


@dataclass(slots=True)
class _Shelf:
    """A carrier and the units of it that are still free within this plan."""

    carrier: FreeCarrier
    free: int
    target: str | None

    def rank(self, destination: Destination) -> int | None:
        """Say how well it serves a destination (lower is better), or None when it can't."""
        if not self.carrier.reachable or not self.free:
            return None
        if self.target is not None:
            return 0 if self.target == destination.destination_id else None
        return 1 if self.carrier.zone in destination.zones else None

    def obstacle(self, destination: Destination) -> str:
        if self.target not in (None, destination.destination_id):
            return STOCK_ELSEWHERE
        if not self.carrier.reachable:
            return LANE_BLOCKED if self.target is None else STOCK_ELSEWHERE
        return NO_ROUTE


class _Stock:
    """The free units, as the plan uses them up."""

    def __init__(self, carriers: Sequence[FreeCarrier], left_out: Mapping[tuple[str, str], int]) -> None:
        self._left_out = left_out
        self._shelves: dict[tuple[str, str], list[_Shelf]] = defaultdict(list)
        for carrier in carriers:
            shelf = _Shelf(carrier, carrier.free, carrier.destination_id)
            self._shelves[carrier.warehouse_id, carrier.sku].append(shelf)

    def share(self, order: Order) -> tuple[dict[int, int], dict[int, int]]:
        """Say by line what stock does for, reachable or not, and what is missing."""
        left: dict[str, int] = {}
        wanted: dict[int, int] = {}
        missing: dict[int, int] = {}
        for item in order.items:
            if item.sku not in left:
                key = (order.warehouse_id, item.sku)
                left[item.sku] = sum(shelf.free for shelf in self._shelves[key]) + self._left_out.get(key, 0)
            units = min(item.needed, left[item.sku])
            left[item.sku] -= units
            wanted[item.line_number] = units
            if units < item.needed:
                missing[item.line_number] = item.needed - units
        return wanted, missing

    def fill(self, owed: OwedUnits, destination: Destination) -> list[Allocation]:
        """Take what a backorder can get."""
        taken = self._take(owed.warehouse_id, owed.sku, owed.quantity, destination)
        return [
            Allocation(
                owed.order_id,
                owed.line_number,
                shelf.carrier.carrier_id,
                destination.destination_id,
                units,
                owed.backorder_id,
            )
            for shelf, units, _ in taken
        ]

    def serve(
        self, order: Order, wanted: Mapping[int, int], destination: Destination
    ) -> list[Allocation] | str:
        """Take what is wanted for the order, or take nothing and give the reason."""
        all_taken: list[tuple[_Shelf, int, str | None]] = []
        allocations: list[Allocation] = []
        for item in order.items:
            units_wanted = wanted[item.line_number]
            taken = self._take(order.warehouse_id, item.sku, units_wanted, destination)
            all_taken += taken
            for shelf, units, _ in taken:
                carrier_id = shelf.carrier.carrier_id
                allocations.append(
                    Allocation(
                        order.order_id, item.line_number, carrier_id, destination.destination_id, units
                    )
                )
            if sum(units for _, units, _ in taken) < units_wanted:
                for shelf, units, target in reversed(all_taken):
                    shelf.free += units
                    shelf.target = target
                return self._obstacle(order.warehouse_id, item.sku, destination)
        return allocations

    def _take(
        self, warehouse_id: str, sku: str, units: int, destination: Destination
    ) -> list[tuple[_Shelf, int, str | None]]:
        """Take units from the best shelves; gives shelf, units and the shelf's target before."""
        taken: list[tuple[_Shelf, int, str | None]] = []
        usable = [
            (rank, shelf.carrier.age_rank, shelf.carrier.blockers, max(shelf.free - units, 0), number, shelf)
            for number, shelf in enumerate(self._shelves[warehouse_id, sku])
            if (rank := shelf.rank(destination)) is not None
        ]
        for *_, shelf in sorted(usable, key=lambda one: one[:5]):
            part = min(units, shelf.free)
            if not part:
                break
            taken.append((shelf, part, shelf.target))
            shelf.free -= part
            shelf.target = destination.destination_id
            units -= part
        return taken

    def _obstacle(self, warehouse_id: str, sku: str, destination: Destination) -> str:
        reasons = [
            shelf.obstacle(destination)
            for shelf in self._shelves[warehouse_id, sku]
            if shelf.free and shelf.rank(destination) is None
        ]
        return min(reasons, default=STOCK_ELSEWHERE)
