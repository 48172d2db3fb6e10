"""Wave planning and the way back: every order once, the load shared, no lane over its capacity."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wms_core.domain.planning import plan_trips, plan_waves
from wms_core.domain.storage import Destination, Lane, MoveKind, StrayCarrier

WAREHOUSES = ("WH-01", "WH-02", "WH-03")
orders = st.lists(st.sampled_from(WAREHOUSES), max_size=60).map(
    lambda warehouses: [(f"ORD-{number:03}", warehouse) for number, warehouse in enumerate(warehouses)]
)
#: The third warehouse has none.
destinations = st.lists(st.tuples(st.sampled_from(WAREHOUSES[:2]), st.integers(0, 30)), max_size=5).map(
    lambda kinds: [
        Destination(f"D{number}", warehouse, 10, ("X",), waiting_orders=waiting)
        for number, (warehouse, waiting) in enumerate(kinds)
    ]
)
sizes = st.integers(1, 10)
Orders = list[tuple[str, str]]


@given(orders, destinations, sizes)
def test_every_order_is_in_one_wave_of_its_warehouse(
    wanted: Orders, where: list[Destination], size: int
) -> None:
    """None twice, none forgotten; those of a warehouse without a destination are left for later."""
    served = {one.warehouse_id for one in where}
    planned = [
        (order_id, one.warehouse_id)
        for one, members in plan_waves(wanted, where, size)
        for order_id in members
    ]
    assert sorted(planned) == sorted(pair for pair in wanted if pair[1] in served)


@given(orders, destinations, sizes)
def test_no_wave_is_larger_than_allowed_and_only_the_last_is_smaller(
    wanted: Orders, where: list[Destination], size: int
) -> None:
    """A wave has `size` orders, except the last one of its warehouse."""
    waves: dict[str, list[int]] = {}
    for destination, members in plan_waves(wanted, where, size):
        waves.setdefault(destination.warehouse_id, []).append(len(members))
    for lengths in waves.values():
        assert set(lengths[:-1]) <= {size}
        assert 1 <= lengths[-1] <= size


@given(orders, destinations, sizes)
def test_the_most_urgent_go_first(wanted: Orders, where: list[Destination], size: int) -> None:
    """Within a warehouse the waves keep the order in which the orders came."""
    waves = plan_waves(wanted, where, size)
    for warehouse in WAREHOUSES:
        planned = [
            order_id for one, members in waves if one.warehouse_id == warehouse for order_id in members
        ]
        assert all(earlier < later for earlier, later in pairwise(planned))


@given(orders, destinations, sizes)
def test_each_wave_goes_where_the_fewest_wait(wanted: Orders, where: list[Destination], size: int) -> None:
    """Counting what waits there already and the waves before it, so that the load is shared."""
    waiting = Counter({one.destination_id: one.waiting_orders for one in where})
    for destination, members in plan_waves(wanted, where, size):
        here = [one.destination_id for one in where if one.warehouse_id == destination.warehouse_id]
        assert waiting[destination.destination_id] == min(waiting[name] for name in here)
        waiting[destination.destination_id] += len(members)


@given(orders, destinations, sizes, st.data())
def test_an_order_goes_where_its_stock_can_go(
    wanted: Orders, where: list[Destination], size: int, data: st.DataObject
) -> None:
    """Unless it can go nowhere; and no order is left out for it."""
    names = [one.destination_id for one in where] or ["none"]
    sets = st.frozensets(st.sampled_from(names))
    missed = {order_id: data.draw(sets) for order_id, _ in wanted}
    waves = plan_waves(wanted, where, size, missed)
    for destination, members in waves:
        here = {one.destination_id for one in where if one.warehouse_id == destination.warehouse_id}
        for order_id in members:
            assert destination.destination_id not in missed[order_id] or here <= missed[order_id]
    planned = [order_id for _, members in waves for order_id in members]
    assert sorted(planned) == sorted(
        order_id for _, members in plan_waves(wanted, where, size) for order_id in members
    )


@given(orders, st.integers(2, 5), sizes)
def test_idle_destinations_share_the_work_evenly(wanted: Orders, number: int, size: int) -> None:
    """From an even start no destination is ever a whole wave more behind than another."""
    where = [Destination(f"D{place}", "WH-01", 10, ("X",)) for place in range(number)]
    load = Counter({one.destination_id: 0 for one in where})
    for destination, members in plan_waves(wanted, where, size):
        load[destination.destination_id] += len(members)
    assert max(load.values()) - min(load.values()) <= size


def _stray(number: int, *zones: str, warehouse: str = "WH-01") -> StrayCarrier:
    return StrayCarrier(f"CAR-{number}", warehouse, frozenset(zones), destination_id="PACK-1")


lanes = st.lists(
    st.tuples(st.sampled_from(WAREHOUSES[:2]), st.sampled_from("XYZ"), st.integers(1, 4), st.integers(0, 4)),
    max_size=6,
).map(
    lambda kinds: [
        Lane(f"L{number}", warehouse, zone, capacity, min(occupied, capacity))
        for number, (warehouse, zone, capacity, occupied) in enumerate(kinds)
    ]
)
strays = st.lists(st.tuples(st.sampled_from(WAREHOUSES), st.sets(st.sampled_from("XYZ"))), max_size=20).map(
    lambda kinds: [
        _stray(number, *zones, warehouse=warehouse) for number, (warehouse, zones) in enumerate(kinds)
    ]
)


@given(strays, lanes)
def test_returns_never_fill_a_lane_over_its_capacity(carriers: list[StrayCarrier], into: list[Lane]) -> None:
    """Positions that are taken or promised count, those of this plan too."""
    promised = Counter(trip.to_lane_id for trip in plan_trips(carriers, into))
    assert all(lane.occupied + promised[lane.lane_id] <= lane.capacity for lane in into)


@given(strays, lanes)
def test_a_carrier_returns_once_to_a_zone_it_may_go_to(
    carriers: list[StrayCarrier], into: list[Lane]
) -> None:
    """Within its warehouse, into a zone that its destination is served from."""
    by_id, lane_of = {one.carrier_id: one for one in carriers}, {lane.lane_id: lane for lane in into}
    trips = plan_trips(carriers, into)
    assert len({trip.carrier_id for trip in trips}) == len(trips)
    for trip in trips:
        lane, carrier = lane_of[trip.to_lane_id], by_id[trip.carrier_id]
        assert lane.zone in carrier.zones
        assert lane.warehouse_id == carrier.warehouse_id == trip.warehouse_id


@given(strays, lanes)
def test_a_carrier_stays_only_when_no_lane_has_room_for_it(
    carriers: list[StrayCarrier], into: list[Lane]
) -> None:
    """Nothing is left at a destination that could go."""
    trips = plan_trips(carriers, into)
    promised = Counter(trip.to_lane_id for trip in trips)
    going = {trip.carrier_id for trip in trips}
    for carrier in carriers:
        if carrier.carrier_id not in going:
            assert all(
                lane.occupied + promised[lane.lane_id] == lane.capacity
                for lane in into
                if lane.warehouse_id == carrier.warehouse_id and lane.zone in carrier.zones
            )


# Out of the way


@st.composite
def blocked_lanes(draw: st.DrawFn) -> tuple[list[StrayCarrier], list[Lane]]:
    """Draw lanes, and a carrier that is in the way in some of them."""
    into = draw(lanes)
    full = [lane for lane in into if lane.occupied]
    chosen = draw(st.lists(st.sampled_from(full), unique_by=lambda lane: lane.lane_id)) if full else []
    return [
        StrayCarrier(f"CAR-{lane.lane_id}", lane.warehouse_id, frozenset({lane.zone}), lane_id=lane.lane_id)
        for lane in chosen
    ], into


@given(blocked_lanes())
def test_a_carrier_in_the_way_goes_to_another_lane_of_its_zone(
    case: tuple[list[StrayCarrier], list[Lane]],
) -> None:
    """Never over a lane's capacity, and to the end of its own lane only when no other lane has room."""
    carriers, into = case
    trips = {trip.carrier_id: trip for trip in plan_trips(carriers, into)}
    promised = Counter(trip.to_lane_id for trip in trips.values() if trip.to_lane_id != trip.from_lane_id)
    lane_of = {lane.lane_id: lane for lane in into}
    assert all(lane.occupied + promised[lane.lane_id] <= lane.capacity for lane in into)
    for carrier in carriers:
        trip = trips[carrier.carrier_id]
        others = [
            lane
            for lane in into
            if lane.warehouse_id == carrier.warehouse_id
            and lane.zone in carrier.zones
            and lane.lane_id != carrier.lane_id
        ]
        assert (trip.kind, trip.from_lane_id) == (MoveKind.RELOCATE, carrier.lane_id)
        if trip.to_lane_id != carrier.lane_id:
            assert lane_of[trip.to_lane_id] in others
        else:
            assert all(lane.occupied + promised[lane.lane_id] == lane.capacity for lane in others)


def test_a_carrier_from_a_destination_returns() -> None:
    """Its move says that it comes back, from where, and to which lane."""
    (trip,) = plan_trips([_stray(1, "X")], [Lane("L1", "WH-01", "X", 1)])
    assert (trip.kind, trip.destination_id, trip.to_lane_id) == (MoveKind.RETURN, "PACK-1", "L1")
