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
def test_a_blocker_never_goes_into_its_own_lane(lanes: list[Lane], number: int) -> None:
    """However much room there is; the others of its zone take it while they can."""
    own = Lane("OWN", "W", "A", 99, 10)
    carriers = [StrayCarrier(f"C-{n}", "W", frozenset("A"), lane_id="OWN") for n in range(number)]
    trips = plan_trips(carriers, [own, *lanes])
    room = sum(lane.capacity - lane.occupied for lane in lanes if lane.zone == "A")
    assert len(trips) == min(number, room)
    assert {(trip.kind, trip.from_lane_id) for trip in trips} <= {(MoveKind.RELOCATE, "OWN")}
    assert "OWN" not in {trip.to_lane_id for trip in trips}


def test_fifty_carriers_do_not_bury_each_other_in_the_emptiest_lane() -> None:
    """Of ten empty lanes each takes five."""
    lanes = [Lane(f"L-{number}", "W", "A", 60) for number in range(10)]
    carriers = [StrayCarrier(f"C-{n}", "W", frozenset("A"), destination_id="PACK-1") for n in range(50)]
    assert set(Counter(trip.to_lane_id for trip in plan_trips(carriers, lanes)).values()) == {5}
