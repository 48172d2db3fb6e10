"""Free units of a plan's load carriers, in sorted queues that find the best carriers without a scan."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TypeAlias

from wms_core.domain.stock.warehouse import Destination, FreeCarrier

#: Waiting reasons of an order although stock exists (see the contract's WaitingReason), from the one that
#: ends without action to the one that needs the most.
STOCK_ELSEWHERE = "stock_elsewhere"
LANE_BLOCKED = "lane_blocked"
NO_ROUTE = "no_route"
OBSTACLE_REASONS = (STOCK_ELSEWHERE, LANE_BLOCKED, NO_ROUTE)

#: Units that return, without further action, to a lane of a zone that serves the destination.
_INCOMING_UNITS = "coming"

#: A pick: the carrier, the units, and the carrier's destination before the pick.
CarrierPick: TypeAlias = "tuple[PooledCarrier, int, str | None]"


class PooledCarrier:
    """A load carrier, its units that are still free within this plan, and its current destination."""

    __slots__ = ("carrier", "free_units", "is_reserved", "sort_key", "target_id")

    def __init__(self, number: int, carrier: FreeCarrier) -> None:
        """Start with the carrier's free units. Among equally good carriers the lower `number` comes first."""
        self.carrier = carrier
        self.free_units = carrier.free_units
        self.target_id = carrier.destination_id
        self.is_reserved = False
        self.sort_key = (carrier.is_deep, carrier.age_rank, carrier.blocker_count, number)

    def find_obstacle(self, destination: Destination, destinations: Mapping[str, Destination]) -> str:
        """Return why the carrier cannot serve a destination now: an obstacle, or `_INCOMING_UNITS`."""
        carrier = self.carrier
        if self.is_reserved:
            return STOCK_ELSEWHERE
        if not carrier.is_reachable:
            if not carrier.is_returning:
                return LANE_BLOCKED
            return _INCOMING_UNITS if carrier.zone in destination.zones else NO_ROUTE
        if self.target_id is None:
            return NO_ROUTE
        current_destination = destinations.get(self.target_id)
        if current_destination is None or not (carrier.is_returning or carrier.destination_id is None):
            return STOCK_ELSEWHERE
        return (
            STOCK_ELSEWHERE
            if set(current_destination.zones).isdisjoint(destination.zones)
            else _INCOMING_UNITS
        )


_sort_key = attrgetter("sort_key")


class SkuStock:
    """All load carriers with one SKU in one warehouse.

    `units` counts units that are not allocated, `reserved_units` those of them that waiting orders have
    reserved.
    """

    def __init__(self) -> None:
        self.units = self.reserved_units = 0
        self._carriers: list[PooledCarrier] = []
        self._idle_by_zone: dict[str, list[PooledCarrier]] = defaultdict(list)
        self._moving_by_destination: dict[str, list[PooledCarrier]] = defaultdict(list)
        self._obstacle_units: dict[str, dict[str, int]] = {}

    def add(self, pooled_carrier: PooledCarrier) -> None:
        """Add a carrier; call `sort_queues` after the last one."""
        self.units += pooled_carrier.free_units
        self._carriers.append(pooled_carrier)
        if (carrier_queue := self._find_queue(pooled_carrier)) is not None:
            carrier_queue.append(pooled_carrier)

    def sort_queues(self) -> None:
        """Sort all queues, the best carrier first."""
        for carrier_queues in (self._idle_by_zone, self._moving_by_destination):
            for carrier_queue in carrier_queues.values():
                carrier_queue.sort(key=_sort_key)

    def pick_units(self, units: int, destination: Destination) -> list[CarrierPick]:
        """Pick up to `units` units for a destination, from the best carriers first."""
        carrier_picks: list[CarrierPick] = []
        remaining_units = units
        while remaining_units and (best_carriers := self._find_best(destination)):
            if len(best_carriers) > 1:
                best_carriers.sort(
                    key=lambda pooled_carrier: (
                        max(pooled_carrier.free_units - units, 0),
                        pooled_carrier.sort_key,
                    )
                )
            for pooled_carrier in best_carriers:
                picked_units = min(remaining_units, pooled_carrier.free_units)
                if not picked_units:
                    break
                carrier_picks.append((pooled_carrier, picked_units, pooled_carrier.target_id))
                self._change_units(pooled_carrier, -picked_units, destination.destination_id)
                remaining_units -= picked_units
        return carrier_picks

    def undo_picks(self, carrier_picks: Sequence[CarrierPick]) -> None:
        """Undo the last picks."""
        for pooled_carrier, units, target_id in reversed(carrier_picks):
            self._change_units(pooled_carrier, units, target_id)

    def allocate(self, carrier_picks: Sequence[CarrierPick]) -> None:
        """Make picks final."""
        self.units -= sum(units for _, units, _ in carrier_picks)
        self._obstacle_units.clear()

    def reserve(
        self,
        carrier_picks: Sequence[CarrierPick],
        lacking_units: int,
        destination: Destination,
        destinations: Mapping[str, Destination],
    ) -> None:
        """Reserve the picks of a waiting order, and incoming carriers with the units that it lacks.

        Idle carriers then serve no other order. Incoming carriers are not kept at their current destination
        by other orders.
        """
        self.reserved_units += sum(units for _, units, _ in carrier_picks)
        for pooled_carrier, _, target_id in carrier_picks:
            if target_id is None:
                self._reserve_carrier(pooled_carrier)
        for pooled_carrier in sorted(
            self._carriers,
            key=lambda pooled_carrier: (pooled_carrier.carrier.is_reachable, pooled_carrier.sort_key),
        ):
            if lacking_units <= 0:
                break
            if pooled_carrier.free_units and self._is_incoming(pooled_carrier, destination, destinations):
                lacking_units -= pooled_carrier.free_units
                self._reserve_carrier(pooled_carrier)
        self._obstacle_units.clear()

    def find_obstacle(
        self, lacking_units: int, destination: Destination, destinations: Mapping[str, Destination]
    ) -> tuple[str, bool]:
        """Return the obstacle to `lacking_units` more units, and whether the units are incoming.

        It is the first obstacle whose units, together with those of the obstacles before it, are enough.
        """
        units_by_obstacle = self._obstacle_units.get(destination.destination_id)
        if units_by_obstacle is None:
            units_by_obstacle = self._obstacle_units[destination.destination_id] = (
                self._sum_units_by_obstacle(destination, destinations)
            )
        if units_by_obstacle[_INCOMING_UNITS] >= lacking_units:
            return STOCK_ELSEWHERE, True
        available_units = units_by_obstacle[_INCOMING_UNITS] + self.reserved_units
        for obstacle_reason in OBSTACLE_REASONS:
            available_units += units_by_obstacle[obstacle_reason]
            if available_units >= lacking_units:
                return obstacle_reason, False
        return next(
            (
                obstacle_name
                for obstacle_name in reversed(OBSTACLE_REASONS)
                if units_by_obstacle[obstacle_name]
            ),
            STOCK_ELSEWHERE,
        ), False

    def _sum_units_by_obstacle(
        self, destination: Destination, destinations: Mapping[str, Destination]
    ) -> dict[str, int]:
        units_by_obstacle: dict[str, int] = dict.fromkeys((_INCOMING_UNITS, *OBSTACLE_REASONS), 0)
        for pooled_carrier in self._carriers:
            if pooled_carrier.free_units and not self._can_serve(pooled_carrier, destination):
                units_by_obstacle[pooled_carrier.find_obstacle(destination, destinations)] += (
                    pooled_carrier.free_units
                )
        return units_by_obstacle

    def _is_incoming(
        self, pooled_carrier: PooledCarrier, destination: Destination, destinations: Mapping[str, Destination]
    ) -> bool:
        return (
            not self._can_serve(pooled_carrier, destination)
            and pooled_carrier.find_obstacle(destination, destinations) == _INCOMING_UNITS
        )

    def _can_serve(self, pooled_carrier: PooledCarrier, destination: Destination) -> bool:
        if pooled_carrier.is_reserved or not pooled_carrier.carrier.is_reachable:
            return False
        if pooled_carrier.target_id is not None:
            return pooled_carrier.target_id == destination.destination_id
        return pooled_carrier.carrier.zone in destination.zones

    def _find_best(self, destination: Destination) -> list[PooledCarrier]:
        """Return the carriers that are equally good and better than all others."""
        if carrier_queue := self._moving_by_destination.get(destination.destination_id):
            return _select_equal_carriers(carrier_queue, carrier_queue[0].sort_key[:3])
        carrier_queues = [
            carrier_queue for zone in destination.zones if (carrier_queue := self._idle_by_zone.get(zone))
        ]
        if not carrier_queues:
            return []
        best_key = min(carrier_queue[0].sort_key[:3] for carrier_queue in carrier_queues)
        return [
            pooled_carrier
            for carrier_queue in carrier_queues
            for pooled_carrier in _select_equal_carriers(carrier_queue, best_key)
        ]

    def _find_queue(self, pooled_carrier: PooledCarrier) -> list[PooledCarrier] | None:
        """Return the queue that has a carrier, or None if it can serve no destination."""
        if (
            not pooled_carrier.free_units
            or pooled_carrier.is_reserved
            or not pooled_carrier.carrier.is_reachable
        ):
            return None
        if pooled_carrier.target_id is not None:
            return self._moving_by_destination[pooled_carrier.target_id]
        return (
            self._idle_by_zone[pooled_carrier.carrier.zone]
            if pooled_carrier.carrier.zone is not None
            else None
        )

    def _change_units(self, pooled_carrier: PooledCarrier, units: int, target_id: str | None) -> None:
        queue_before = self._find_queue(pooled_carrier)
        pooled_carrier.free_units += units
        pooled_carrier.target_id = target_id
        self._move_between_queues(pooled_carrier, queue_before)

    def _reserve_carrier(self, pooled_carrier: PooledCarrier) -> None:
        queue_before = self._find_queue(pooled_carrier)
        pooled_carrier.is_reserved = True
        self._move_between_queues(pooled_carrier, queue_before)

    def _move_between_queues(
        self, pooled_carrier: PooledCarrier, queue_before: list[PooledCarrier] | None
    ) -> None:
        queue_after = self._find_queue(pooled_carrier)
        if queue_after is queue_before:
            return
        if queue_before is not None:
            del queue_before[bisect_left(queue_before, pooled_carrier.sort_key, key=_sort_key)]
        if queue_after is not None:
            insort(queue_after, pooled_carrier, key=_sort_key)


def _select_equal_carriers(
    carrier_queue: Sequence[PooledCarrier], best_key: tuple[bool, float, int]
) -> list[PooledCarrier]:
    """Return the carriers at the head of a queue that are as good as the best."""
    equal_carriers = []
    for pooled_carrier in carrier_queue:
        if pooled_carrier.sort_key[:3] != best_key:
            break
        equal_carriers.append(pooled_carrier)
    return equal_carriers


def pool_carriers(carriers: Sequence[FreeCarrier]) -> defaultdict[tuple[str, str], SkuStock]:
    """Return stock by warehouse and SKU; an unknown SKU has empty stock."""
    stock_by_sku: defaultdict[tuple[str, str], SkuStock] = defaultdict(SkuStock)
    for number, carrier in enumerate(carriers):
        stock_by_sku[carrier.warehouse_id, carrier.sku].add(PooledCarrier(number, carrier))
    for sku_stock in stock_by_sku.values():
        sku_stock.sort_queues()
    return stock_by_sku
