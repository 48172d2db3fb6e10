"""Chance, times and transport of the simulated warehouse, without a service."""

import asyncio
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from wms.orders.v1 import storage_pb2
from wms_dev.client import dice
from wms_dev.simulator import Rates, RateWrong
from wms_dev.simulator.chance import Chance, share
from wms_dev.simulator.command import command
from wms_dev.simulator.fates import Fate, Fates
from wms_dev.simulator.journal import Incident, Journal, read_journal
from wms_dev.simulator.pace import Pace
from wms_dev.simulator.transport import Transport

RETRIEVE, RELOCATE, RETURN = (
    storage_pb2.MOVE_KIND_RETRIEVE,
    storage_pb2.MOVE_KIND_RELOCATE,
    storage_pb2.MOVE_KIND_RETURN,
)
CARRIERS = [f"CAR-{number}" for number in range(5000)]


def fates(**rates: float) -> Fates:
    """The fates of one seed at these rates."""
    return Fates(Chance(1), Rates(**rates))


def trips(of: Fates, carriers: Iterable[str] = CARRIERS) -> dict[str, Fate]:
    """How the first trip of each carrier ends."""
    return {carrier_id: of.of_trip(carrier_id, RETRIEVE, 1) for carrier_id in carriers}


def test_the_same_seed_gives_the_same_fates_whenever_it_is_asked() -> None:
    """The order of the questions changes no answer; another seed gives others."""
    rates = Rates(breakdown=0.2, lost=0.1, damaged=0.1)
    one, same, other = (Fates(Chance(seed), rates) for seed in (1, 1, 2))
    assert trips(one) == trips(same, reversed(CARRIERS))
    assert trips(one) != trips(other)


def test_the_rates_are_met() -> None:
    """Over many carriers and lines each kind strikes as often as its rate says."""
    found = list(trips(fates(breakdown=0.2, lost=0.1, damaged=0.05)).values())
    assert found.count(Fate.LOST) / len(CARRIERS) == pytest.approx(0.1, rel=0.15)
    assert found.count(Fate.BREAKS_DOWN) / len(CARRIERS) == pytest.approx(0.9 * 0.2, rel=0.15)
    assert found.count(Fate.DAMAGED) / len(CARRIERS) == pytest.approx(0.9 * 0.8 * 0.05, rel=0.25)
    of = fates(not_found=0.1, mismatch=0.1)
    lines = [line[1] for order in CARRIERS if (line := of.of_line(order, 1, 10))]
    assert lines.count("not_found") / len(CARRIERS) == pytest.approx(0.1, rel=0.15)
    assert lines.count("quantity_mismatch") / len(CARRIERS) == pytest.approx(0.9 * 0.1, rel=0.15)


@pytest.mark.parametrize("rate", [0, 1])
def test_never_and_always_mean_it(rate: int) -> None:
    """A rate of nought spares everybody, one of one nobody."""
    assert [fate is Fate.LOST for fate in trips(fates(lost=rate)).values()] == [bool(rate)] * len(CARRIERS)


def test_another_kind_of_mishap_takes_no_victims_from_the_first() -> None:
    """Who is lost is lost whatever else may happen."""
    alone, among = trips(fates(lost=0.1)), trips(fates(lost=0.1, breakdown=0.5, damaged=0.5))
    assert {one for one in CARRIERS if alone[one] is Fate.LOST} == {
        one for one in CARRIERS if among[one] is Fate.LOST
    }


def test_each_trip_of_a_carrier_has_a_fate_of_its_own() -> None:
    """A carrier that a crane failed to bring once is brought in the end."""
    of = fates(breakdown=0.5)
    assert {of.of_trip("CAR-1", RETRIEVE, number) for number in range(1, 30)} == {
        Fate.ARRIVES,
        Fate.BREAKS_DOWN,
    }


def test_only_what_is_fetched_can_be_lost_or_arrive_damaged() -> None:
    """A carrier on its way back is in the crane's hands."""
    of = fates(lost=1, damaged=1)
    assert of.of_trip("CAR-1", RETURN, 1) is of.of_trip("CAR-1", RELOCATE, 1) is Fate.ARRIVES


def test_a_shortfall_is_at_least_a_unit_and_no_more_than_there_is() -> None:
    """Also of a line of one unit."""
    of = fates(mismatch=1, damaged=1)
    for quantity in (1, 2, 60):
        assert all(1 <= of.damaged_units(one, quantity) <= quantity for one in CARRIERS[:200])
        lines = [of.of_line(one, 1, quantity) for one in CARRIERS[:200]]
        assert all(line and 1 <= line[0] <= quantity for line in lines)


@pytest.mark.parametrize("rate", [-0.1, 1.1, math.nan])
def test_a_rate_that_is_no_share_is_refused_by_name(rate: float) -> None:
    """The error says which."""
    with pytest.raises(RateWrong, match="the rate of lost is"):
        Rates(lost=rate)


def test_the_same_seed_draws_the_same_times() -> None:
    """A run can be repeated; twice the speed takes half the time; the building is the same for every seed."""

    def times(speed: float, seed: int = 7) -> list[float]:
        pace = Pace(Chance(seed), dice(seed), speed)
        building = [pace.crane("LANE-1"), pace.conveyor("NORTH", "PACK-1"), pace.repair()]
        return [*building, pace.pack("ORD-1", 1), pace.deliver("ORD-1"), pace.inspect("CAR-1")]

    assert times(1) == times(1)
    assert times(2) == pytest.approx([seconds / 2 for seconds in times(1)])
    assert times(1)[:3] == times(1, seed=8)[:3]
    assert times(1)[3:] != times(1, seed=8)[3:]


def test_a_far_lane_takes_longer_than_a_near_one() -> None:
    """The time of a crane hangs on its lane, that of a relocation on both."""
    pace = Pace(Chance(1), dice(1), speed=1)
    near, far = sorted((f"LANE-{number}" for number in range(20)), key=lambda lane: share("lane", lane))[::19]
    assert 10 <= pace.crane(near) < pace.crane(far) <= 30
    assert pace.crane(near, far) > pace.crane(far)
    assert len({pace.conveyor(zone, "PACK-1") for zone in ("NORTH", "EAST", "SOUTH")}) == 3


class Gate:
    """A sleep that ends when the test says so; `asked` are the sleeps that go on, in seconds."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, asyncio.Event]] = []

    async def sleep(self, seconds: float) -> None:
        """Sleep until it is let through."""
        event = asyncio.Event()
        self.asked.append((seconds, event))
        await event.wait()

    async def settled(self) -> Sequence[float]:
        """The sleeps that go on, once every task has come as far as it can."""
        for _ in range(20):
            await asyncio.sleep(0)
        return [seconds for seconds, _ in self.asked]

    def let_through(self) -> None:
        """End the sleeps that go on."""
        for _, event in self.asked:
            event.set()
        self.asked.clear()


def trip(kind: storage_pb2.MoveKind.ValueType, lane: str = "NORTH-1") -> storage_pb2.Move:
    """A move between a lane and PACK-1, or from one lane to another."""
    return storage_pb2.Move(
        kind=kind,
        from_lane_id="" if kind == RETURN else lane,
        to_lane_id={RETURN: lane, RELOCATE: "NORTH-2"}.get(kind, ""),
        destination_id="" if kind == RELOCATE else "PACK-1",
    )


def transport(gate: Gate, trips_at_once: int = 1) -> tuple[Transport, Pace]:
    """A transport that knows three lanes in two zones."""
    pace = Pace(Chance(1), dice(1), speed=1)
    zones = {"NORTH-1": "NORTH", "NORTH-2": "NORTH", "SOUTH-1": "SOUTH"}
    return Transport(pace, trips_at_once, zones=zones, sleep=gate.sleep), pace


@pytest.mark.parametrize(
    ("kind", "fate", "legs"),
    [
        (RETRIEVE, Fate.ARRIVES, ["crane", "conveyor"]),
        (RETRIEVE, Fate.DAMAGED, ["crane", "conveyor"]),
        (RETRIEVE, Fate.LOST, ["crane"]),
        (RETRIEVE, Fate.BREAKS_DOWN, ["crane", "repair"]),
        (RELOCATE, Fate.ARRIVES, ["two lanes"]),
        (RETURN, Fate.ARRIVES, ["conveyor", "crane"]),
    ],
)
async def test_each_kind_of_move_goes_its_way(
    kind: storage_pb2.MoveKind.ValueType, fate: Fate, legs: list[str]
) -> None:
    """Crane and conveyor, crane only, or conveyor and crane; a lost carrier goes nowhere."""
    gate = Gate()
    moving, pace = transport(gate)
    lengths = {
        "crane": pace.crane("NORTH-1"),
        "two lanes": pace.crane("NORTH-1", "NORTH-2"),
        "conveyor": pace.conveyor("NORTH", "PACK-1"),
        "repair": pace.repair(),
    }
    way = asyncio.create_task(moving.carry(trip(kind), fate))
    for leg in legs:
        assert await gate.settled() == [lengths[leg]]
        gate.let_through()
    assert await gate.settled() == []
    assert way.done()


@pytest.mark.parametrize("trips_at_once", [1, 2])
async def test_a_crane_makes_so_many_trips_at_a_time(trips_at_once: int) -> None:
    """The others of its zone wait in line; another zone's crane does not wait for it."""
    gate = Gate()
    moving, pace = transport(gate, trips_at_once)
    north, south = pace.crane("NORTH-1"), pace.crane("SOUTH-1")
    lanes = ["NORTH-1", "NORTH-1", "NORTH-1", "SOUTH-1"]
    ways = [asyncio.create_task(moving.carry(trip(RETRIEVE, lane), Fate.LOST)) for lane in lanes]
    assert sorted(await gate.settled()) == sorted([north] * trips_at_once + [south])
    while not all(way.done() for way in ways):
        gate.let_through()
        assert (await gate.settled()).count(north) <= trips_at_once


def test_a_journal_reads_as_it_was_written(tmp_path: Path) -> None:
    """Names of any script survive; a new journal begins empty."""
    incident = Incident("short_pick", order_id="ORD-1", sku="Rössle\nSauerkraut", units=3, reason="damaged")
    for _ in range(2):
        Journal(tmp_path / "journal").note(incident)
    assert read_journal(tmp_path / "journal") == [incident]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--lost-rate", "1.5"),
        ("--mismatch-rate", "nan"),
        ("--found-rate", "often"),
        ("--speed", "0"),
        ("--speed", "inf"),
        ("--crane-trips", "0"),
        ("--server", "nowhere"),
        ("--name", " "),
    ],
)
def test_a_wrong_option_is_named(option: str, value: str) -> None:
    """The command ends before it calls anybody, with the option's name."""
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [option, value], env={"TERM": "dumb", "NO_COLOR": "1"})
    assert result.exit_code == 2
    assert f"'{option}'" in result.output
