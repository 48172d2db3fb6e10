"""Which orders go together, to which destination, and which lane takes a carrier back: pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from types import MappingProxyType

from wms_core.domain.storage import Destination, Lane, LaneTrip, MoveKind, StrayCarrier

#: The free positions of a lane, negative so that the most come first, and its id.
_Room = tuple[int, str]


def plan_waves(
    orders: Sequence[tuple[str, str]],
    destinations: Sequence[Destination],
    size: int,
    out_of_reach: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> list[tuple[Destination, list[str]]]:
    """Cut the orders (id and warehouse, most urgent first) into waves of at most `size`.

    Each wave goes to the destination of its warehouse at which the fewest orders wait; the orders of this
    plan count too. `out_of_reach` are by order the destinations that some of its stock can't be brought to:
    it goes to another, if there is one. Orders of a warehouse without a destination are left out.
    """
    alike: dict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
    for order_id, warehouse_id in orders:
        alike[warehouse_id, out_of_reach.get(order_id, frozenset())].append(order_id)
    waiting = {one.destination_id: one.waiting_orders for one in destinations}
    waves = []
    for (warehouse_id, missed), order_ids in alike.items():
        here = [one for one in destinations if one.warehouse_id == warehouse_id]
        here = [one for one in here if one.destination_id not in missed] or here
        for start in range(0, len(order_ids) if here else 0, size):
            members = order_ids[start : start + size]
            target = min(here, key=lambda one: (waiting[one.destination_id], one.destination_id))
            waiting[target.destination_id] += len(members)
            waves.append((target, members))
    return waves


def busier(
    destinations: Sequence[Destination], planned: Sequence[tuple[Destination, list[str]]]
) -> list[Destination]:
    """Give the destinations as they are once the orders of the waves wait there too."""
    more: dict[str, int] = defaultdict(int)
    for destination, order_ids in planned:
        more[destination.destination_id] += len(order_ids)
    return [
        replace(one, waiting_orders=one.waiting_orders + more[one.destination_id]) for one in destinations
    ]


def plan_trips(carriers: Iterable[StrayCarrier], lanes: Sequence[Lane]) -> list[LaneTrip]:
    """Give each carrier another lane in a zone it may go to: one that holds its SKU, or that with most room.

    Where a lane keeps to one SKU, nothing is in the way of it. What this plan puts into a lane counts:
    carriers that come together don't bury each other in one lane. With no room anywhere else a carrier that
    is in the way goes to the end of its own lane, in which it has a position already; one from a destination
    stays there.
    """
    rooms = _Rooms(lanes)
    trips = []
    for carrier in carriers:
        lane_id = rooms.take(carrier) or carrier.lane_id
        if lane_id is not None:
            kind = MoveKind.RELOCATE if carrier.lane_id else MoveKind.RETURN
            trips.append(
                LaneTrip(
                    carrier.carrier_id,
                    carrier.warehouse_id,
                    kind,
                    lane_id,
                    carrier.destination_id,
                    carrier.lane_id,
                )
            )
    return trips


class _Rooms:
    """The free positions of lanes, as the plan takes them."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._free = {lane.lane_id: lane.capacity - lane.occupied for lane in lanes}
        #: Of each warehouse and zone the lanes with room, the most room on top. One that was taken from since
        #: stands there once more, with the number that `_free` has.
        self._heaps: dict[tuple[str, str], list[_Room]] = defaultdict(list)
        for lane in lanes:
            if free := self._free[lane.lane_id]:
                heappush(self._heaps[lane.warehouse_id, lane.zone], (-free, lane.lane_id))
        self._zone_of = {lane.lane_id: (lane.warehouse_id, lane.zone) for lane in lanes}

    def take(self, carrier: StrayCarrier) -> str | None:
        """Take a position for a carrier, if there is one in another lane than its own."""
        homes = [(-self._free.get(lane_id, 0), lane_id) for lane_id in carrier.homes]
        places = [room for room in homes if room[0] and room[1] != carrier.lane_id]
        if not places:
            tops = (self._top((carrier.warehouse_id, zone), carrier.lane_id) for zone in carrier.zones)
            places = [room for room in tops if room]
        if not places:
            return None
        _, lane_id = min(places)
        self._free[lane_id] -= 1
        if self._free[lane_id]:
            heappush(self._heaps[self._zone_of[lane_id]], (-self._free[lane_id], lane_id))
        return lane_id

    def _top(self, zone: tuple[str, str], own: str | None) -> _Room | None:
        """Give the lane with the most room that is not the carrier's own."""
        heap = self._heaps[zone]
        aside = None
        while heap and (-heap[0][0] != self._free[heap[0][1]] or heap[0][1] == own):
            room = heappop(heap)
            if room[1] == own and -room[0] == self._free[room[1]]:
                aside = room
        top = heap[0] if heap else None
        if aside:
            heappush(heap, aside)
        return top
