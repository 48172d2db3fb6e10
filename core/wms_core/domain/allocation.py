"""Which carriers serve which orders: a pure function of what is asked for and what there is.

An order gets all of what it still needs or nothing. For each line, in this order: a carrier that already
goes to the order's destination (or is there) with units to spare; then carriers in open lanes whose zone the
destination is served from. Within each, the oldest carrier first. Orders are served in the order given.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wms_core.domain.orders import Order
from wms_core.domain.storage import Allocation, Destination, FreeCarrier

#: Reasons for which an order waits although there is stock (see the contract's WaitingReason).
LANE_BLOCKED = "lane_blocked"
STOCK_ELSEWHERE = "stock_elsewhere"
NO_ROUTE = "no_route"
DESTINATION_PAUSED = "destination_paused"


@dataclass(slots=True)
class AllocationPlan:
    """What each order gets: its allocations, or the SKUs it lacks, or why it waits."""

    allocations: list[Allocation] = field(default_factory=list)
    short: dict[str, list[str]] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)


def allocate(
    orders: Sequence[Order], carriers: Sequence[FreeCarrier], destinations: Mapping[str, Destination]
) -> AllocationPlan:
    """Serve the orders from the carriers, which come oldest first. An order is short only when the units
    that nobody holds would not do even if every one could be reached; else it waits.
    """
    plan = AllocationPlan()
    stock = _Stock(carriers)
    for order in orders:
        destination = destinations.get(order.destination_id or "")
        lacking = stock.lacking(order)
        if lacking:
            plan.short[order.order_id] = lacking
        elif destination is None or destination.paused:
            plan.waiting[order.order_id] = DESTINATION_PAUSED
        else:
            served = stock.serve(order, destination)
            if isinstance(served, str):
                plan.waiting[order.order_id] = served
            else:
                plan.allocations += served
    return plan


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
    def __init__(self, carriers: Sequence[FreeCarrier]) -> None:
        self._shelves: dict[tuple[str, str], list[_Shelf]] = defaultdict(list)
        for carrier in carriers:
            shelf = _Shelf(carrier, carrier.free, carrier.destination_id)
            self._shelves[carrier.warehouse_id, carrier.sku].append(shelf)

    def lacking(self, order: Order) -> list[str]:
        needed: dict[str, int] = defaultdict(int)
        for item in order.items:
            needed[item.sku] += item.quantity - item.allocated
        return [
            sku
            for sku, units in needed.items()
            if units > sum(shelf.free for shelf in self._shelves[order.warehouse_id, sku])
        ]

    def serve(self, order: Order, destination: Destination) -> list[Allocation] | str:
        """Take what the order needs, or take nothing and give the reason."""
        taken: list[tuple[_Shelf, int, str | None]] = []
        allocations: list[Allocation] = []
        for item in order.items:
            needed = item.quantity - item.allocated
            shelves = self._shelves[order.warehouse_id, item.sku]
            usable = [(rank, shelf) for shelf in shelves if (rank := shelf.rank(destination)) is not None]
            for _, shelf in sorted(usable, key=lambda pair: pair[0]):
                units = min(needed, shelf.free)
                if not units:
                    break
                taken.append((shelf, units, shelf.target))
                shelf.free -= units
                shelf.target = destination.destination_id
                needed -= units
                allocations.append(
                    Allocation(
                        order.order_id,
                        item.line_number,
                        shelf.carrier.carrier_id,
                        destination.destination_id,
                        units,
                    )
                )
            if needed:
                for shelf, units, target in reversed(taken):
                    shelf.free += units
                    shelf.target = target
                return _obstacle(shelves, destination)
        return allocations


def _obstacle(shelves: Sequence[_Shelf], destination: Destination) -> str:
    reasons = [
        shelf.obstacle(destination) for shelf in shelves if shelf.rank(destination) is None and shelf.free
    ]
    return min(reasons, default=STOCK_ELSEWHERE)
