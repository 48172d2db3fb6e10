"""Wave planning and lane moves: each order once, balanced destinations, no lane over its capacity."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wms_core.domain.stock.warehouse import Destination, DisplacedCarrier, Lane, MoveKind
from wms_core.domain.stock.wave_planning import plan_lane_moves, plan_waves

WAREHOUSES = ("WH-01", "WH-02", "WH-03")
order_lists = st.lists(st.sampled_from(WAREHOUSES), max_size=60).map(
    lambda warehouses: [(f"ORD-{number:03}", warehouse) for number, warehouse in enumerate(warehouses)]
)
#: The third warehouse has no destination.
destination_lists = st.lists(st.tuples(st.sampled_from(WAREHOUSES[:2]), st.integers(0, 30)), max_size=5).map(
    lambda kinds: [
        Destination(f"D{number}", warehouse, 10, ("X",), waiting_orders=waiting)
        for number, (warehouse, waiting) in enumerate(kinds)
    ]
)
sizes = st.integers(1, 10)
Orders = list[tuple[str, str]]


@given(order_lists, destination_lists, sizes)
def test_every_order_is_in_one_wave_of_its_warehouse(
    orders: Orders, destinations: list[Destination], size: int
) -> None:
    """No order is missing or in two waves. Orders of a warehouse without a destination wait."""
    warehouse_ids = {destination.warehouse_id for destination in destinations}
    planned = [
        (order_id, destination.warehouse_id)
        for destination, members in plan_waves(orders, destinations, size)
        for order_id in members
    ]
    assert sorted(planned) == sorted(order for order in orders if order[1] in warehouse_ids)


@given(order_lists, destination_lists, sizes)
def test_only_the_last_wave_is_smaller_than_the_limit(
    orders: Orders, destinations: list[Destination], size: int
) -> None:
    """A wave has `size` orders, except for the last one of its warehouse."""
    waves: dict[str, list[int]] = {}
    for destination, members in plan_waves(orders, destinations, size):
        waves.setdefault(destination.warehouse_id, []).append(len(members))
    for lengths in waves.values():
        assert set(lengths[:-1]) <= {size}
        assert 1 <= lengths[-1] <= size


@given(order_lists, destination_lists, sizes)
def test_waves_keep_the_order_of_urgency(orders: Orders, destinations: list[Destination], size: int) -> None:
    """Within a warehouse, waves keep the sequence of the orders."""
    waves = plan_waves(orders, destinations, size)
    for warehouse in WAREHOUSES:
        planned = [
            order_id
            for destination, members in waves
            if destination.warehouse_id == warehouse
            for order_id in members
        ]
        assert all(earlier < later for earlier, later in pairwise(planned))


@given(order_lists, destination_lists, sizes)
def test_each_wave_goes_to_the_least_loaded_destination(
    orders: Orders, destinations: list[Destination], size: int
) -> None:
    """The load counts orders that wait already and earlier waves."""
    waiting = Counter({candidate.destination_id: candidate.waiting_orders for candidate in destinations})
    for destination, members in plan_waves(orders, destinations, size):
        destination_ids = [
            candidate.destination_id
            for candidate in destinations
            if candidate.warehouse_id == destination.warehouse_id
        ]
        assert waiting[destination.destination_id] == min(waiting[name] for name in destination_ids)
        waiting[destination.destination_id] += len(members)


@given(order_lists, destination_lists, sizes, st.data())
def test_order_goes_to_a_destination_that_its_stock_can_reach(
    orders: Orders, destinations: list[Destination], size: int, data: st.DataObject
) -> None:
    """If its stock can reach none, it goes to any. No order is left out."""
    names = [candidate.destination_id for candidate in destinations] or ["none"]
    destination_sets = st.frozensets(st.sampled_from(names))
    unreachable = {order_id: data.draw(destination_sets) for order_id, _ in orders}
    waves = plan_waves(orders, destinations, size, unreachable)
    for destination, members in waves:
        destination_ids = {
            candidate.destination_id
            for candidate in destinations
            if candidate.warehouse_id == destination.warehouse_id
        }
        for order_id in members:
            assert (
                destination.destination_id not in unreachable[order_id]
                or destination_ids <= unreachable[order_id]
            )
    planned = [order_id for _, members in waves for order_id in members]
    assert sorted(planned) == sorted(
        order_id for _, members in plan_waves(orders, destinations, size) for order_id in members
    )


@given(order_lists, st.integers(2, 5), sizes)
def test_idle_destinations_are_loaded_evenly(orders: Orders, number: int, size: int) -> None:
    """From an even start, two destinations never differ by more than a wave."""
    destinations = [Destination(f"D{index}", "WH-01", 10, ("X",)) for index in range(number)]
    load = Counter({candidate.destination_id: 0 for candidate in destinations})
    for destination, members in plan_waves(orders, destinations, size):
        load[destination.destination_id] += len(members)
    assert max(load.values()) - min(load.values()) <= size


def _displaced_carrier(number: int, *zones: str, warehouse: str = "WH-01") -> DisplacedCarrier:
    return DisplacedCarrier(f"CAR-{number}", warehouse, frozenset(zones), destination_id="PACK-1")


lane_lists = st.lists(
    st.tuples(st.sampled_from(WAREHOUSES[:2]), st.sampled_from("XYZ"), st.integers(1, 4), st.integers(0, 4)),
    max_size=6,
).map(
    lambda kinds: [
        Lane(f"L{number}", warehouse, zone, capacity, min(occupied, capacity))
        for number, (warehouse, zone, capacity, occupied) in enumerate(kinds)
    ]
)
carrier_lists = st.lists(
    st.tuples(st.sampled_from(WAREHOUSES), st.sets(st.sampled_from("XYZ"))), max_size=20
).map(
    lambda kinds: [
        _displaced_carrier(number, *zones, warehouse=warehouse)
        for number, (warehouse, zones) in enumerate(kinds)
    ]
)


@given(carrier_lists, lane_lists)
def test_returns_never_exceed_the_capacity_of_a_lane(
    carriers: list[DisplacedCarrier], lanes: list[Lane]
) -> None:
    """The limit counts occupied positions and those of other moves of this plan."""
    planned_arrivals = Counter(move.to_lane_id for move in plan_lane_moves(carriers, lanes))
    assert all(lane.occupied_positions + planned_arrivals[lane.lane_id] <= lane.capacity for lane in lanes)


@given(carrier_lists, lane_lists)
def test_carrier_returns_once_to_an_allowed_zone(carriers: list[DisplacedCarrier], lanes: list[Lane]) -> None:
    """The lane is in its warehouse, in a zone that serves its destination."""
    carriers_by_id, lanes_by_id = (
        {carrier.carrier_id: carrier for carrier in carriers},
        {lane.lane_id: lane for lane in lanes},
    )
    moves = plan_lane_moves(carriers, lanes)
    assert len({move.carrier_id for move in moves}) == len(moves)
    for move in moves:
        lane, carrier = lanes_by_id[move.to_lane_id], carriers_by_id[move.carrier_id]
        assert lane.zone in carrier.zones
        assert lane.warehouse_id == carrier.warehouse_id == move.warehouse_id


@given(carrier_lists, lane_lists)
def test_carrier_stays_only_if_all_lanes_are_full(
    carriers: list[DisplacedCarrier], lanes: list[Lane]
) -> None:
    """No carrier that could return stays at its destination."""
    moves = plan_lane_moves(carriers, lanes)
    planned_arrivals = Counter(move.to_lane_id for move in moves)
    moved_ids = {move.carrier_id for move in moves}
    for carrier in carriers:
        if carrier.carrier_id not in moved_ids:
            assert all(
                lane.occupied_positions + planned_arrivals[lane.lane_id] == lane.capacity
                for lane in lanes
                if lane.warehouse_id == carrier.warehouse_id and lane.zone in carrier.zones
            )


# Relocation


@st.composite
def relocation_cases(draw: st.DrawFn) -> tuple[list[DisplacedCarrier], list[Lane]]:
    """Draw lanes, and a blocking carrier in some of them."""
    lanes = draw(lane_lists)
    occupied_lanes = [lane for lane in lanes if lane.occupied_positions]
    chosen = (
        draw(st.lists(st.sampled_from(occupied_lanes), unique_by=lambda lane: lane.lane_id))
        if occupied_lanes
        else []
    )
    return [
        DisplacedCarrier(
            f"CAR-{lane.lane_id}", lane.warehouse_id, frozenset({lane.zone}), lane_id=lane.lane_id
        )
        for lane in chosen
    ], lanes


@given(relocation_cases())
def test_blocking_carrier_moves_to_another_lane_of_its_zone(
    case: tuple[list[DisplacedCarrier], list[Lane]],
) -> None:
    """It never exceeds the capacity of a lane, and returns to its own lane only if all others are full."""
    carriers, lanes = case
    moves = {move.carrier_id: move for move in plan_lane_moves(carriers, lanes)}
    planned_arrivals = Counter(
        move.to_lane_id for move in moves.values() if move.to_lane_id != move.from_lane_id
    )
    lanes_by_id = {lane.lane_id: lane for lane in lanes}
    assert all(lane.occupied_positions + planned_arrivals[lane.lane_id] <= lane.capacity for lane in lanes)
    for carrier in carriers:
        move = moves[carrier.carrier_id]
        other_lanes = [
            lane
            for lane in lanes
            if lane.warehouse_id == carrier.warehouse_id
            and lane.zone in carrier.zones
            and lane.lane_id != carrier.lane_id
        ]
        assert (move.kind, move.from_lane_id) == (MoveKind.RELOCATE, carrier.lane_id)
        if move.to_lane_id != carrier.lane_id:
            assert lanes_by_id[move.to_lane_id] in other_lanes
        else:
            assert all(
                lane.occupied_positions + planned_arrivals[lane.lane_id] == lane.capacity
                for lane in other_lanes
            )


def test_carrier_returns_from_its_destination() -> None:
    """Its move is a return with its destination and its lane."""
    (move,) = plan_lane_moves([_displaced_carrier(1, "X")], [Lane("L1", "WH-01", "X", 1)])
    assert (move.kind, move.destination_id, move.to_lane_id) == (MoveKind.RETURN, "PACK-1", "L1")
