"""Which orders go together, to which destination, and which lane takes a carrier back: pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from heapq import heappop, heappush

from wms_core.domain.storage import Destination, Lane, LaneTrip, MoveKind, StrayCarrier

#: The free positions of a lane, negative so that the most come first, and its id.
_Room = tuple[int, str]


def plan_waves(
    orders: Sequence[tuple[str, str]], destinations: Sequence[Destination], size: int
) -> list[tuple[Destination, list[str]]]:
    """Cut the orders (id and warehouse, most urgent first) into waves of at most `size`.

    Each wave goes to the destination of its warehouse at which the fewest orders wait; the orders of this
    plan count too. Orders of a warehouse without a destination are left out.
    """
    by_warehouse: dict[str, list[str]] = defaultdict(list)
    for order_id, warehouse_id in orders:
        by_warehouse[warehouse_id].append(order_id)
    waiting = {one.destination_id: one.waiting_orders for one in destinations}
    waves = []
    for warehouse_id, order_ids in by_warehouse.items():
        here = [one for one in destinations if one.warehouse_id == warehouse_id]
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
    """Give each carrier the other lane with the most room in a zone it may go to.

    What this plan puts into a lane counts: carriers that come together don't bury each other in one lane.
    With no room anywhere else a carrier that is in the way goes to the end of its own lane, in which it has
    a position already; one from a destination stays there.
    """
    rooms = _rooms(lanes)
    trips = []
    for carrier in carriers:
        fitting = [rooms[carrier.warehouse_id, zone] for zone in carrier.zones]
        lane_id = _take_place(min(filter(None, fitting), default=[]), carrier.lane_id) or carrier.lane_id
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


def _rooms(lanes: Sequence[Lane]) -> dict[tuple[str, str], list[_Room]]:
    """Give a heap of the lanes with room for each warehouse and zone, the most room on top."""
    rooms: dict[tuple[str, str], list[_Room]] = defaultdict(list)
    for lane in lanes:
        if lane.occupied < lane.capacity:
            heappush(rooms[lane.warehouse_id, lane.zone], (lane.occupied - lane.capacity, lane.lane_id))
    return rooms


def _take_place(rooms: list[_Room], own: str | None) -> str | None:
    """Take a position in the lane with the most room that is not the carrier's own."""
    aside = heappop(rooms) if rooms and rooms[0][1] == own else None
    taken = None
    if rooms:
        full_at_zero, taken = heappop(rooms)
        if full_at_zero + 1 < 0:
            heappush(rooms, (full_at_zero + 1, taken))
    if aside:
        heappush(rooms, aside)
    return taken
