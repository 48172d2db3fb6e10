"""Which orders go together, to which destination, and which lane takes a carrier back: pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from wms_core.domain.storage import Destination, Lane, ReturnTrip, StrayCarrier


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


def plan_returns(carriers: Iterable[StrayCarrier], lanes: Sequence[Lane]) -> list[ReturnTrip]:
    """Give each carrier the first lane with room in a zone it may go to; lanes come emptiest first."""
    room = {lane.lane_id: lane.capacity - lane.occupied for lane in lanes}
    trips = []
    for carrier in carriers:
        for lane in lanes:
            fits = lane.warehouse_id == carrier.warehouse_id and lane.zone in carrier.zones
            if fits and room[lane.lane_id]:
                room[lane.lane_id] -= 1
                trips.append(
                    ReturnTrip(carrier.carrier_id, carrier.warehouse_id, carrier.destination_id, lane.lane_id)
                )
                break
    return trips
