"""Which lane takes a carrier that comes back or is in the way."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from wms_core.domain.planning import plan_trips
from wms_core.domain.storage import Lane, MoveKind, StrayCarrier

ZONES = st.sampled_from("AB")
LANES = st.lists(st.tuples(ZONES, st.integers(1, 5), st.integers(0, 5)), max_size=6).map(
    lambda facts: [
        Lane(f"L-{number}", "W", zone, capacity, min(occupied, capacity))
        for number, (zone, capacity, occupied) in enumerate(facts)
    ]
)
RETURNING = st.lists(st.frozensets(ZONES), max_size=12).map(
    lambda facts: [
        StrayCarrier(f"C-{number}", "W", zones, destination_id="PACK-1") for number, zones in enumerate(facts)
    ]
)


@given(RETURNING, LANES)
def test_carriers_that_come_back_together_spread_over_the_lanes(
    carriers: list[StrayCarrier], lanes: list[Lane]
) -> None:
    """Each goes to the lane with the most room at its turn; none stays that could go, no lane overflows."""
    room = {lane.lane_id: lane.capacity - lane.occupied for lane in lanes}
    trips = {trip.carrier_id: trip for trip in plan_trips(carriers, lanes)}
    for carrier in carriers:
        fitting = [lane.lane_id for lane in lanes if lane.zone in carrier.zones and room[lane.lane_id]]
        trip = trips.get(carrier.carrier_id)
        assert (trip is None) is not bool(fitting)
        if trip:
            assert room[trip.to_lane_id] == max(room[lane_id] for lane_id in fitting)
            room[trip.to_lane_id] -= 1
    assert all(left >= 0 for left in room.values())


@given(LANES, st.integers(1, 5))
def test_a_blocker_goes_into_its_own_lane_only_when_no_other_has_room(lanes: list[Lane], number: int) -> None:
    """However much room there is in it; the others of its zone take it while they can, and none stays."""
    own = Lane("OWN", "W", "A", 99, 10)
    carriers = [StrayCarrier(f"C-{n}", "W", frozenset("A"), lane_id="OWN") for n in range(number)]
    trips = plan_trips(carriers, [own, *lanes])
    room = sum(lane.capacity - lane.occupied for lane in lanes if lane.zone == "A")
    assert len(trips) == number
    assert {(trip.kind, trip.from_lane_id) for trip in trips} == {(MoveKind.RELOCATE, "OWN")}
    assert [trip.to_lane_id for trip in trips].count("OWN") == max(number - room, 0)


STANDING = st.lists(st.lists(st.booleans(), max_size=5), min_size=1, max_size=4)


@given(STANDING, st.integers(0, 3))
def test_relocation_comes_to_an_end(standing: list[list[bool]], spare: int) -> None:
    """Each round of trips leaves fewer carriers in front of wanted ones, until there are none.

    Of each lane is given which of its carriers are wanted, from the head on; all lanes are of one zone.
    """
    inside = {
        f"L-{n}": [(f"C-{n}-{m}", is_wanted) for m, is_wanted in enumerate(lane)]
        for n, lane in enumerate(standing)
    }
    capacity = {lane_id: len(carriers) + spare for lane_id, carriers in inside.items()}
    in_front = _in_front(inside)
    while in_front:
        for carriers in inside.values():
            if carriers and carriers[0][1]:
                carriers.pop(0)  # It goes where it is wanted.
        in_front = _in_front(inside)
        heads = [
            StrayCarrier(carriers[0][0], "W", frozenset("A"), lane_id=lane_id)
            for lane_id, carriers in inside.items()
            if carriers and not carriers[0][1] and any(is_wanted for _, is_wanted in carriers)
        ]
        lanes = [Lane(name, "W", "A", capacity[name], len(inside[name])) for name in inside if capacity[name]]
        for trip in plan_trips(heads, lanes):
            inside[trip.to_lane_id].append(inside[trip.from_lane_id or ""].pop(0))
        assert not heads or _in_front(inside) < in_front
        in_front = _in_front(inside)


def _in_front(inside: dict[str, list[tuple[str, bool]]]) -> int:
    """Sum up over all wanted carriers the unwanted ones in front of them."""
    return sum(
        sum(not other for _, other in carriers[:place])
        for carriers in inside.values()
        for place, (_, is_wanted) in enumerate(carriers)
        if is_wanted
    )


def test_fifty_carriers_do_not_bury_each_other_in_the_emptiest_lane() -> None:
    """Of ten empty lanes each takes five."""
    lanes = [Lane(f"L-{number}", "W", "A", 60) for number in range(10)]
    carriers = [StrayCarrier(f"C-{n}", "W", frozenset("A"), destination_id="PACK-1") for n in range(50)]
    assert set(Counter(trip.to_lane_id for trip in plan_trips(carriers, lanes)).values()) == {5}
