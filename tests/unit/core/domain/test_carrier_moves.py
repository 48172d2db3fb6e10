"""The choice of a lane for load carriers that return or block others."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from wms_core.domain.stock.warehouse import DisplacedCarrier, Lane, MoveKind
from wms_core.domain.stock.wave_planning import plan_lane_moves

ZONES = st.sampled_from("AB")
LANES = st.lists(st.tuples(ZONES, st.integers(1, 5), st.integers(0, 5)), max_size=6).map(
    lambda facts: [
        Lane(f"L-{number}", "W", zone, capacity, min(occupied, capacity))
        for number, (zone, capacity, occupied) in enumerate(facts)
    ]
)
RETURNING = st.lists(st.frozensets(ZONES), max_size=12).map(
    lambda facts: [
        DisplacedCarrier(f"C-{number}", "W", zones, destination_id="PACK-1")
        for number, zones in enumerate(facts)
    ]
)


@given(RETURNING, LANES)
def test_returning_carriers_spread_over_the_lanes(
    carriers: list[DisplacedCarrier], lanes: list[Lane]
) -> None:
    """Each one moves to the lane with the most free positions.

    No lane overflows, and no carrier stays in vain.
    """
    free_positions = {lane.lane_id: lane.capacity - lane.occupied_positions for lane in lanes}
    moves = {move.carrier_id: move for move in plan_lane_moves(carriers, lanes)}
    for carrier in carriers:
        usable_lanes = [
            lane.lane_id for lane in lanes if lane.zone in carrier.zones and free_positions[lane.lane_id]
        ]
        move = moves.get(carrier.carrier_id)
        assert (move is None) is not bool(usable_lanes)
        if move:
            assert free_positions[move.to_lane_id] == max(free_positions[lane_id] for lane_id in usable_lanes)
            free_positions[move.to_lane_id] -= 1
    assert all(free >= 0 for free in free_positions.values())


@given(LANES, st.integers(1, 5))
def test_blocking_carrier_returns_to_its_lane_only_if_others_are_full(lanes: list[Lane], number: int) -> None:
    """Other lanes of its zone are used first, however many positions its own lane has. No carrier stays."""
    own = Lane("OWN", "W", "A", 99, 10)
    carriers = [DisplacedCarrier(f"C-{n}", "W", frozenset("A"), lane_id="OWN") for n in range(number)]
    moves = plan_lane_moves(carriers, [own, *lanes])
    free_positions = sum(lane.capacity - lane.occupied_positions for lane in lanes if lane.zone == "A")
    assert len(moves) == number
    assert {(move.kind, move.from_lane_id) for move in moves} == {(MoveKind.RELOCATE, "OWN")}
    assert [move.to_lane_id for move in moves].count("OWN") == max(number - free_positions, 0)


LANE_CONTENTS = st.lists(st.lists(st.booleans(), max_size=5), min_size=1, max_size=4)


@given(LANE_CONTENTS, st.integers(0, 3))
def test_relocation_terminates(lane_contents: list[list[bool]], spare: int) -> None:
    """Each round of moves reduces the number of carriers in front of needed ones, until it is zero.

    Each lane lists from its head on which of its carriers are needed. All lanes are in one zone.
    """
    carriers_by_lane = {
        f"L-{n}": [(f"C-{n}-{m}", is_needed) for m, is_needed in enumerate(lane)]
        for n, lane in enumerate(lane_contents)
    }
    capacity = {lane_id: len(carriers) + spare for lane_id, carriers in carriers_by_lane.items()}
    blocker_count = _count_blockers(carriers_by_lane)
    while blocker_count:
        for carriers in carriers_by_lane.values():
            if carriers and carriers[0][1]:
                carriers.pop(0)  # It moves to its destination.
        blocker_count = _count_blockers(carriers_by_lane)
        heads = [
            DisplacedCarrier(carriers[0][0], "W", frozenset("A"), lane_id=lane_id)
            for lane_id, carriers in carriers_by_lane.items()
            if carriers and not carriers[0][1] and any(is_needed for _, is_needed in carriers)
        ]
        lanes = [
            Lane(name, "W", "A", capacity[name], len(carriers_by_lane[name]))
            for name in carriers_by_lane
            if capacity[name]
        ]
        for move in plan_lane_moves(heads, lanes):
            carriers_by_lane[move.to_lane_id].append(carriers_by_lane[move.from_lane_id or ""].pop(0))
        assert not heads or _count_blockers(carriers_by_lane) < blocker_count
        blocker_count = _count_blockers(carriers_by_lane)


def _count_blockers(carriers_by_lane: dict[str, list[tuple[str, bool]]]) -> int:
    """Return the number of unneeded carriers in front of needed ones, summed over all needed carriers."""
    return sum(
        sum(not is_other_needed for _, is_other_needed in carriers[:position])
        for carriers in carriers_by_lane.values()
        for position, (_, is_needed) in enumerate(carriers)
        if is_needed
    )


def test_fifty_carriers_spread_evenly() -> None:
    """Ten empty lanes receive five carriers each."""
    lanes = [Lane(f"L-{number}", "W", "A", 60) for number in range(10)]
    carriers = [DisplacedCarrier(f"C-{n}", "W", frozenset("A"), destination_id="PACK-1") for n in range(50)]
    assert set(Counter(move.to_lane_id for move in plan_lane_moves(carriers, lanes)).values()) == {5}
