"""Planning of waves and of moves into lanes: pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from types import MappingProxyType

from wms_core.domain.stock.warehouse import Destination, DisplacedCarrier, Lane, LaneMove, MoveKind

#: The negative number of free positions of a lane, so that the emptiest comes first, and its id.
_RankedLane = tuple[int, str]


def plan_waves(
    orders: Sequence[tuple[str, str]],
    destinations: Sequence[Destination],
    wave_size: int,
    unreachable_by_order: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> list[tuple[Destination, list[str]]]:
    """Divide the orders (id and warehouse, most urgent first) into waves of at most `wave_size` orders.

    Each wave goes to the destination of its warehouse with the fewest waiting orders, including those of this
    plan. `unreachable_by_order` has, by order, the destinations that a part of its stock cannot reach; the
    order goes to another destination if there is one. Orders of a warehouse without a destination are left
    out.
    """
    order_ids_by_group: dict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
    for order_id, warehouse_id in orders:
        order_ids_by_group[warehouse_id, unreachable_by_order.get(order_id, frozenset())].append(order_id)
    waiting_by_destination = {
        destination.destination_id: destination.waiting_orders for destination in destinations
    }
    waves = []
    for (warehouse_id, unreachable_ids), order_ids in order_ids_by_group.items():
        open_destinations = [
            destination for destination in destinations if destination.warehouse_id == warehouse_id
        ]
        open_destinations = [
            destination
            for destination in open_destinations
            if destination.destination_id not in unreachable_ids
        ] or open_destinations
        for start in range(0, len(order_ids) if open_destinations else 0, wave_size):
            member_ids = order_ids[start : start + wave_size]
            target_destination = min(
                open_destinations,
                key=lambda destination: (
                    waiting_by_destination[destination.destination_id],
                    destination.destination_id,
                ),
            )
            waiting_by_destination[target_destination.destination_id] += len(member_ids)
            waves.append((target_destination, member_ids))
    return waves


def with_planned_load(
    destinations: Sequence[Destination], planned_waves: Sequence[tuple[Destination, list[str]]]
) -> list[Destination]:
    """Return the destinations with the orders of the planned waves added to their waiting orders."""
    added_orders: dict[str, int] = defaultdict(int)
    for destination, order_ids in planned_waves:
        added_orders[destination.destination_id] += len(order_ids)
    return [
        replace(
            open_destination,
            waiting_orders=open_destination.waiting_orders + added_orders[open_destination.destination_id],
        )
        for open_destination in destinations
    ]


def plan_lane_moves(carriers: Iterable[DisplacedCarrier], lanes: Sequence[Lane]) -> list[LaneMove]:
    """Plan for each carrier a move into another lane of its zones: one with its SKU, or the emptiest.

    A lane with a single SKU causes no relocations. Positions taken by this plan count, so carriers that move
    together do not bury each other in one lane. Without another free lane, a carrier in a lane moves to the
    end of its own lane, in which it already has a position. A carrier at a destination stays there.
    """
    free_positions = _FreePositions(lanes)
    lane_moves = []
    for carrier in carriers:
        lane_id = free_positions.take_position(carrier) or carrier.lane_id
        if lane_id is not None:
            kind = MoveKind.RELOCATE if carrier.lane_id else MoveKind.RETURN
            lane_moves.append(
                LaneMove(
                    carrier.carrier_id,
                    carrier.warehouse_id,
                    kind,
                    lane_id,
                    carrier.destination_id,
                    carrier.lane_id,
                )
            )
    return lane_moves


class _FreePositions:
    """The free positions of lanes, as the plan takes them."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._free_by_lane = {lane.lane_id: lane.capacity - lane.occupied_positions for lane in lanes}
        #: Lanes with free positions by warehouse and zone, the emptiest on top. A lane whose count has
        #: changed is pushed again, so an entry is valid only if it equals the count in `_free_by_lane`.
        self._heaps_by_zone: dict[tuple[str, str], list[_RankedLane]] = defaultdict(list)
        for lane in lanes:
            if free_count := self._free_by_lane[lane.lane_id]:
                heappush(self._heaps_by_zone[lane.warehouse_id, lane.zone], (-free_count, lane.lane_id))
        self._zone_of = {lane.lane_id: (lane.warehouse_id, lane.zone) for lane in lanes}

    def take_position(self, carrier: DisplacedCarrier) -> str | None:
        """Take a position for a carrier in a lane other than its own. Return the lane, or None."""
        same_sku_lanes = [
            (-self._free_by_lane.get(lane_id, 0), lane_id) for lane_id in carrier.same_sku_lanes
        ]
        ranked_lanes = [
            ranked_lane
            for ranked_lane in same_sku_lanes
            if ranked_lane[0] and ranked_lane[1] != carrier.lane_id
        ]
        if not ranked_lanes:
            top_lanes = (
                self._find_top_lane((carrier.warehouse_id, zone), carrier.lane_id) for zone in carrier.zones
            )
            ranked_lanes = [ranked_lane for ranked_lane in top_lanes if ranked_lane]
        if not ranked_lanes:
            return None
        _, lane_id = min(ranked_lanes)
        self._free_by_lane[lane_id] -= 1
        if self._free_by_lane[lane_id]:
            heappush(self._heaps_by_zone[self._zone_of[lane_id]], (-self._free_by_lane[lane_id], lane_id))
        return lane_id

    def _find_top_lane(self, zone_key: tuple[str, str], own_lane_id: str | None) -> _RankedLane | None:
        """Return the lane with the most free positions, other than the carrier's own."""
        lane_heap = self._heaps_by_zone[zone_key]
        own_lane = None
        while lane_heap and (
            -lane_heap[0][0] != self._free_by_lane[lane_heap[0][1]] or lane_heap[0][1] == own_lane_id
        ):
            ranked_lane = heappop(lane_heap)
            if ranked_lane[1] == own_lane_id and -ranked_lane[0] == self._free_by_lane[ranked_lane[1]]:
                own_lane = ranked_lane
        top_lane = lane_heap[0] if lane_heap else None
        if own_lane:
            heappush(lane_heap, own_lane)
        return top_lane
