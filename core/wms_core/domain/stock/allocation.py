"""Allocation rule: assigns units of load carriers to backorders and orders. A pure function.

Backorders come first, then orders, each in the given order. A backorder takes all units that it can get. An
order gets all units that it still needs. When stock is short, it gets a share of them, if it allows partial
fulfillment and the share is large enough; otherwise it is short. An order waits for stock that is unreachable
now.

Each line takes load carriers in this order: first those that already go to the destination (or are there) and
have free units; then those in open lanes of a zone with a route to the destination, the oldest first. Of
equally old ones the planner prefers fewer carriers in front in the lane, then the smallest remainder.
Carriers with too many others in front of them come last.

Some orders wait only for carriers that return to a lane without further action. The first such order at each
destination reserves the units that it could get already and the carriers for which it waits. Later orders do
not get these carriers, so all of them are in their lanes at last and the order does not starve.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from wms_core.domain.orders.backorders import PartialFulfillmentRule
from wms_core.domain.orders.orders import Order, OrderLine
from wms_core.domain.stock.stock_pool import (
    LANE_BLOCKED,
    NO_ROUTE,
    OBSTACLE_REASONS,
    STOCK_ELSEWHERE,
    CarrierPick,
    SkuStock,
    pool_carriers,
)
from wms_core.domain.stock.warehouse import Allocation, Destination, FreeCarrier

__all__ = ["DESTINATION_PAUSED", "LANE_BLOCKED", "NO_ROUTE", "STOCK_ELSEWHERE", "AllocationPlan", "allocate"]

#: The order's destination is paused (the other waiting reasons are OBSTACLE_REASONS).
DESTINATION_PAUSED = "destination_paused"


@dataclass(frozen=True, slots=True)
class CandidateLimits:
    """Limits of the orders that one plan considers, beside its size (docs/concepts/allocation.md).

    Orders with a waiting reason take at most `retried_share` of the plan. For each load carrier without a
    destination, `retries_per_carrier` of the most urgent orders are retried, and as many at random. Of each
    destination, the first `first_in_line` orders with the reason `stock_elsewhere` are always candidates.
    """

    retried_share: float = 0.5
    retries_per_carrier: int = 8
    first_in_line: int = 5


@dataclass(frozen=True, slots=True)
class BackorderedUnits:
    """The units of a backorder that are not allocated."""

    backorder_id: str
    order_id: str
    line_number: int
    warehouse_id: str
    destination_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class StockDemand:
    """Demand for a SKU at a destination: number of lines and their units in total."""

    warehouse_id: str
    sku: str
    destination_id: str | None
    line_count: int
    units: int


@dataclass(frozen=True, slots=True)
class OrderWait:
    """Waiting reason of an order, with the SKU and its unreachable units if stock is the reason."""

    reason: str
    sku: str | None = None
    units: int = 0


@dataclass
class AllocationPlan:
    """Result of the allocation rule.

    `allocations` are those of orders and backorders. `missing_units` has the units by line of orders that
    proceed with a share, `short_skus` the SKUs of orders with too little stock, and `waits_by_order` the
    waiting reasons of orders whose stock is unreachable.
    """

    allocations: list[Allocation] = field(default_factory=list)
    missing_units: dict[str, dict[int, int]] = field(default_factory=dict)
    short_skus: dict[str, list[str]] = field(default_factory=dict)
    waits_by_order: dict[str, OrderWait] = field(default_factory=dict)

    def select_orders(self, order_ids: Collection[str]) -> "AllocationPlan":
        """Return the part of a finished plan that concerns these orders."""
        return AllocationPlan(
            [
                allocation
                for order_id in order_ids
                for allocation in self._allocations_by_order.get(order_id, ())
            ],
            {key: self.missing_units[key] for key in order_ids if key in self.missing_units},
            {key: self.short_skus[key] for key in order_ids if key in self.short_skus},
            {key: self.waits_by_order[key] for key in order_ids if key in self.waits_by_order},
        )

    @cached_property
    def _allocations_by_order(self) -> Mapping[str, list[Allocation]]:
        allocations_by_order: dict[str, list[Allocation]] = defaultdict(list)
        for allocation in self.allocations:
            allocations_by_order[allocation.order_id].append(allocation)
        return allocations_by_order


def allocate(
    backordered_units: Sequence[BackorderedUnits],
    orders: Sequence[Order],
    carriers: Sequence[FreeCarrier],
    destinations: Mapping[str, Destination],
    partial_rule: PartialFulfillmentRule,
) -> AllocationPlan:
    """Allocate units of the carriers, given oldest first, to the backorders and then to the orders."""
    stock_pool = _StockPool(pool_carriers(carriers), destinations)
    for backorder_units in backordered_units:
        stock_pool.fill_backorder(backorder_units)
    for order in orders:
        stock_pool.serve_order(order, partial_rule)
    return stock_pool.allocation_plan


def sum_stock_demand(
    backordered_units: Sequence[BackorderedUnits], orders: Sequence[Order]
) -> list[StockDemand]:
    """Return the demand by warehouse, SKU and destination."""
    units_by_key: dict[tuple[str, str, str | None], list[int]] = defaultdict(list)
    for backorder_units in backordered_units:
        units_by_key[
            backorder_units.warehouse_id, backorder_units.sku, backorder_units.destination_id
        ].append(backorder_units.quantity)
    for order in orders:
        for item in order.items:
            units_by_key[order.warehouse_id, item.sku, order.destination_id].append(item.units_to_allocate)
    return [StockDemand(*key, len(units), sum(units)) for key, units in units_by_key.items()]


class _StockPool:
    """The free units, as the plan uses them up."""

    def __init__(
        self, sku_stocks: Mapping[tuple[str, str], SkuStock], destinations: Mapping[str, Destination]
    ) -> None:
        self.allocation_plan = AllocationPlan()
        self._sku_stocks = sku_stocks
        self._destinations = destinations
        #: The destinations for which a waiting order has reserved carriers.
        self._reserved_destination_ids: set[str] = set()

    def fill_backorder(self, backordered_units: BackorderedUnits) -> None:
        """Allocate all units that a backorder can get."""
        destination = self._destinations.get(backordered_units.destination_id)
        if destination is None or destination.is_paused:
            return
        sku_stock = self._sku_stocks[backordered_units.warehouse_id, backordered_units.sku]
        carrier_picks = sku_stock.pick_units(backordered_units.quantity, destination)
        sku_stock.allocate(carrier_picks)
        for pooled_carrier, units, _ in carrier_picks:
            carrier_id = pooled_carrier.carrier.carrier_id
            self.allocation_plan.allocations.append(
                Allocation(
                    backordered_units.order_id,
                    backordered_units.line_number,
                    carrier_id,
                    backordered_units.destination_id,
                    units,
                    backordered_units.backorder_id,
                )
            )

    def serve_order(self, order: Order, partial_rule: PartialFulfillmentRule) -> None:
        """Allocate units to an order, or record why it gets none."""
        units_by_line, missing_by_line = self._split_by_stock(order)
        if missing_by_line and not partial_rule.allows_shortage(order, sum(missing_by_line.values())):
            missing_skus = {item.sku for item in order.items if item.line_number in missing_by_line}
            self.allocation_plan.short_skus[order.order_id] = sorted(missing_skus)
            return
        destination = self._destinations.get(order.destination_id or "")
        if destination is None or destination.is_paused:
            self.allocation_plan.waits_by_order[order.order_id] = OrderWait(DESTINATION_PAUSED)
            return
        if self._pick_for_order(order, units_by_line, destination) and missing_by_line:
            self.allocation_plan.missing_units[order.order_id] = missing_by_line

    def _split_by_stock(self, order: Order) -> tuple[dict[int, int], dict[int, int]]:
        """Return the units by line that stock covers, reachable or not, and the missing units by line."""
        remaining_by_sku: dict[str, int] = {}
        units_by_line: dict[int, int] = {}
        missing_by_line: dict[int, int] = {}
        for item in order.items:
            if item.sku not in remaining_by_sku:
                remaining_by_sku[item.sku] = self._sku_stocks[order.warehouse_id, item.sku].units
            units = min(item.units_to_allocate, remaining_by_sku[item.sku])
            remaining_by_sku[item.sku] -= units
            units_by_line[item.line_number] = units
            if units < item.units_to_allocate:
                missing_by_line[item.line_number] = item.units_to_allocate - units
        return units_by_line, missing_by_line

    def _pick_for_order(
        self, order: Order, units_by_line: Mapping[int, int], destination: Destination
    ) -> bool:
        """Pick the units for all lines and return True, or record why the order waits."""
        tentative_picks = _TentativePicks()
        for item in order.items:
            sku_stock = self._sku_stocks[order.warehouse_id, item.sku]
            tentative_picks.add_line(sku_stock, item, units_by_line[item.line_number], destination)
        if not tentative_picks.lacking_units:
            self.allocation_plan.allocations += tentative_picks.allocate(
                order.order_id, destination.destination_id
            )
            return True
        obstacle_reason, is_incoming = tentative_picks.find_obstacle(destination, self._destinations)
        sku = tentative_picks.lacking_sku
        units = sum(item.units_to_allocate for item in order.items if item.sku == sku)
        self.allocation_plan.waits_by_order[order.order_id] = OrderWait(obstacle_reason, sku, units)
        if is_incoming and destination.destination_id not in self._reserved_destination_ids:
            tentative_picks.reserve(destination, self._destinations)
            self._reserved_destination_ids.add(destination.destination_id)
        else:
            tentative_picks.undo_picks()
        return False


class _TentativePicks:
    """Tentative picks of an order by line, and the lacking units by SKU."""

    def __init__(self) -> None:
        self._line_picks: list[tuple[int, SkuStock, list[CarrierPick]]] = []
        self.lacking_units: dict[SkuStock, int] = {}
        self.lacking_sku: str | None = None

    def add_line(self, sku_stock: SkuStock, item: OrderLine, units: int, destination: Destination) -> None:
        carrier_picks = sku_stock.pick_units(units, destination)
        self._line_picks.append((item.line_number, sku_stock, carrier_picks))
        if missing_units := units - sum(picked_units for _, picked_units, _ in carrier_picks):
            self.lacking_sku = self.lacking_sku or item.sku
            self.lacking_units[sku_stock] = self.lacking_units.get(sku_stock, 0) + missing_units

    def allocate(self, order_id: str, destination_id: str) -> list[Allocation]:
        for _, sku_stock, carrier_picks in self._line_picks:
            sku_stock.allocate(carrier_picks)
        return [
            Allocation(order_id, line_number, pooled_carrier.carrier.carrier_id, destination_id, units)
            for line_number, _, carrier_picks in self._line_picks
            for pooled_carrier, units, _ in carrier_picks
        ]

    def find_obstacle(
        self, destination: Destination, destinations: Mapping[str, Destination]
    ) -> tuple[str, bool]:
        """Return the most severe obstacle, and whether all lacking units arrive without further action."""
        obstacles_by_sku = [
            sku_stock.find_obstacle(units, destination, destinations)
            for sku_stock, units in self.lacking_units.items()
        ]
        return max(
            (obstacle_reason for obstacle_reason, _ in obstacles_by_sku), key=OBSTACLE_REASONS.index
        ), all(is_incoming for _, is_incoming in obstacles_by_sku)

    def reserve(self, destination: Destination, destinations: Mapping[str, Destination]) -> None:
        for _, sku_stock, carrier_picks in self._line_picks:
            sku_stock.reserve(carrier_picks, self.lacking_units.pop(sku_stock, 0), destination, destinations)

    def undo_picks(self) -> None:
        for _, sku_stock, carrier_picks in reversed(self._line_picks):
            sku_stock.undo_picks(carrier_picks)
