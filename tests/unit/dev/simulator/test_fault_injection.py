"""The simulated warehouse without a service: random faults, times and transport."""

import asyncio
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from wms.orders.v1 import storage_pb2
from wms_dev.api_client import seeded_generator
from wms_dev.simulator import FaultRates, InvalidRate
from wms_dev.simulator.command import run_simulator
from wms_dev.simulator.fault_plan import FaultPlan, MoveOutcome
from wms_dev.simulator.incident_log import Incident, IncidentLog, read_incident_log
from wms_dev.simulator.move_client import Transport
from wms_dev.simulator.seeded_random import SeededRandom, hash_to_share
from wms_dev.simulator.timing import Timing

RETRIEVE, RELOCATE, RETURN = (
    storage_pb2.MOVE_KIND_RETRIEVE,
    storage_pb2.MOVE_KIND_RELOCATE,
    storage_pb2.MOVE_KIND_RETURN,
)
CARRIERS = [f"CAR-{number}" for number in range(5000)]


def fault_plan(**rates: float) -> FaultPlan:
    """Return the fault plan of one seed with these rates."""
    return FaultPlan(SeededRandom(1), FaultRates(**rates))


def first_outcomes(plan: FaultPlan, carriers: Iterable[str] = CARRIERS) -> dict[str, MoveOutcome]:
    """Return the outcome of the first move of each carrier."""
    return {carrier_id: plan.choose_move_outcome(carrier_id, RETRIEVE, 1) for carrier_id in carriers}


def test_same_seed_gives_the_same_outcomes() -> None:
    """The sequence of the calls does not matter. Another seed gives other outcomes."""
    rates = FaultRates(breakdown=0.2, lost=0.1, damaged=0.1)
    first, second, other_seed = (FaultPlan(SeededRandom(seed), rates) for seed in (1, 1, 2))
    assert first_outcomes(first) == first_outcomes(second, reversed(CARRIERS))
    assert first_outcomes(first) != first_outcomes(other_seed)


def test_fault_frequencies_match_the_rates() -> None:
    """The frequency of each fault is measured over many carriers and lines."""
    outcomes = list(first_outcomes(fault_plan(breakdown=0.2, lost=0.1, damaged=0.05)).values())
    assert outcomes.count(MoveOutcome.LOST) / len(CARRIERS) == pytest.approx(0.1, rel=0.15)
    assert outcomes.count(MoveOutcome.BREAKS_DOWN) / len(CARRIERS) == pytest.approx(0.9 * 0.2, rel=0.15)
    assert outcomes.count(MoveOutcome.DAMAGED) / len(CARRIERS) == pytest.approx(0.9 * 0.8 * 0.05, rel=0.25)
    plan = fault_plan(not_found=0.1, mismatch=0.1)
    lines = [line[1] for order in CARRIERS if (line := plan.choose_short_pick(order, 1, 10))]
    assert lines.count("not_found") / len(CARRIERS) == pytest.approx(0.1, rel=0.15)
    assert lines.count("quantity_mismatch") / len(CARRIERS) == pytest.approx(0.9 * 0.1, rel=0.15)


@pytest.mark.parametrize("rate", [0, 1])
def test_rates_of_zero_and_one_are_exact(rate: int) -> None:
    """A rate of 0 affects no carrier, and a rate of 1 affects all."""
    assert [outcome is MoveOutcome.LOST for outcome in first_outcomes(fault_plan(lost=rate)).values()] == [
        bool(rate)
    ] * len(CARRIERS)


def test_faults_are_independent() -> None:
    """The same carriers are lost, whatever other rates are set."""
    only_lost, with_other_faults = (
        first_outcomes(fault_plan(lost=0.1)),
        first_outcomes(fault_plan(lost=0.1, breakdown=0.5, damaged=0.5)),
    )
    assert {carrier_id for carrier_id in CARRIERS if only_lost[carrier_id] is MoveOutcome.LOST} == {
        carrier_id for carrier_id in CARRIERS if with_other_faults[carrier_id] is MoveOutcome.LOST
    }


def test_each_move_of_a_carrier_has_an_outcome_of_its_own() -> None:
    """After a failed move, a later move of the carrier succeeds."""
    plan = fault_plan(breakdown=0.5)
    assert {plan.choose_move_outcome("CAR-1", RETRIEVE, number) for number in range(1, 30)} == {
        MoveOutcome.ARRIVES,
        MoveOutcome.BREAKS_DOWN,
    }


def test_only_retrieved_carriers_can_be_lost_or_damaged() -> None:
    """Returned and relocated carriers always arrive."""
    plan = fault_plan(lost=1, damaged=1)
    assert (
        plan.choose_move_outcome("CAR-1", RETURN, 1)
        is plan.choose_move_outcome("CAR-1", RELOCATE, 1)
        is MoveOutcome.ARRIVES
    )


def test_missing_units_are_within_the_quantity() -> None:
    """At least one unit is missing, also of a line of one unit."""
    plan = fault_plan(mismatch=1, damaged=1)
    for quantity in (1, 2, 60):
        assert all(
            1 <= plan.choose_damaged_units(carrier_id, quantity) <= quantity for carrier_id in CARRIERS[:200]
        )
        lines = [plan.choose_short_pick(carrier_id, 1, quantity) for carrier_id in CARRIERS[:200]]
        assert all(line and 1 <= line[0] <= quantity for line in lines)


@pytest.mark.parametrize("rate", [-0.1, 1.1, math.nan])
def test_invalid_rate_is_rejected_by_name(rate: float) -> None:
    """The error names the rate."""
    with pytest.raises(InvalidRate, match="the rate of lost is"):
        FaultRates(lost=rate)


def test_same_seed_gives_the_same_times() -> None:
    """Twice the speed halves the times. The times of the building are the same for every seed."""

    def times(speed: float, seed: int = 7) -> list[float]:
        timing = Timing(SeededRandom(seed), seeded_generator(seed), speed)
        building_times = [
            timing.crane_seconds("LANE-1"),
            timing.conveyor_seconds("NORTH", "PACK-1"),
            timing.repair_seconds(),
        ]
        return [
            *building_times,
            timing.pack_seconds("ORD-1", 1),
            timing.delivery_seconds("ORD-1"),
            timing.inspection_seconds("CAR-1"),
        ]

    assert times(1) == times(1)
    assert times(2) == pytest.approx([seconds / 2 for seconds in times(1)])
    assert times(1)[:3] == times(1, seed=8)[:3]
    assert times(1)[3:] != times(1, seed=8)[3:]


def test_far_lane_takes_longer_than_a_near_one() -> None:
    """The crane time depends on the lane, and for a relocation on both lanes."""
    timing = Timing(SeededRandom(1), seeded_generator(1), speed=1)
    near, far = sorted(
        (f"LANE-{number}" for number in range(20)), key=lambda lane: hash_to_share("lane", lane)
    )[::19]
    assert 10 <= timing.crane_seconds(near) < timing.crane_seconds(far) <= 30
    assert timing.crane_seconds(near, far) > timing.crane_seconds(far)
    assert len({timing.conveyor_seconds(zone, "PACK-1") for zone in ("NORTH", "EAST", "SOUTH")}) == 3


class ControlledSleep:
    """A sleep that ends when the test allows it. `pending` has the running sleeps in seconds."""

    def __init__(self) -> None:
        self.pending: list[tuple[float, asyncio.Event]] = []

    async def sleep(self, seconds: float) -> None:
        """Sleep until the test ends the sleep."""
        event = asyncio.Event()
        self.pending.append((seconds, event))
        await event.wait()

    async def wait_until_idle(self) -> Sequence[float]:
        """Return the running sleeps once every task waits."""
        for _ in range(20):
            await asyncio.sleep(0)
        return [seconds for seconds, _ in self.pending]

    def finish_all(self) -> None:
        """End all running sleeps."""
        for _, event in self.pending:
            event.set()
        self.pending.clear()


def build_move(kind: storage_pb2.MoveKind.ValueType, lane: str = "NORTH-1") -> storage_pb2.Move:
    """Return a move between a lane and PACK-1, or from one lane to another."""
    return storage_pb2.Move(
        kind=kind,
        from_lane_id="" if kind == RETURN else lane,
        to_lane_id={RETURN: lane, RELOCATE: "NORTH-2"}.get(kind, ""),
        destination_id="" if kind == RELOCATE else "PACK-1",
    )


def build_transport(controlled_sleep: ControlledSleep, concurrency: int = 1) -> tuple[Transport, Timing]:
    """Return a transport that knows three lanes in two zones."""
    timing = Timing(SeededRandom(1), seeded_generator(1), speed=1)
    zones = {"NORTH-1": "NORTH", "NORTH-2": "NORTH", "SOUTH-1": "SOUTH"}
    return Transport(timing, concurrency, zones=zones, sleep=controlled_sleep.sleep), timing


@pytest.mark.parametrize(
    ("kind", "outcome", "legs"),
    [
        (RETRIEVE, MoveOutcome.ARRIVES, ["crane", "conveyor"]),
        (RETRIEVE, MoveOutcome.DAMAGED, ["crane", "conveyor"]),
        (RETRIEVE, MoveOutcome.LOST, ["crane"]),
        (RETRIEVE, MoveOutcome.BREAKS_DOWN, ["crane", "repair"]),
        (RELOCATE, MoveOutcome.ARRIVES, ["two lanes"]),
        (RETURN, MoveOutcome.ARRIVES, ["conveyor", "crane"]),
    ],
)
async def test_each_kind_of_move_has_its_legs(
    kind: storage_pb2.MoveKind.ValueType, outcome: MoveOutcome, legs: list[str]
) -> None:
    """The legs are crane and conveyor, only the crane, or conveyor and crane. A lost carrier stays."""
    controlled_sleep = ControlledSleep()
    transport, timing = build_transport(controlled_sleep)
    seconds_by_leg = {
        "crane": timing.crane_seconds("NORTH-1"),
        "two lanes": timing.crane_seconds("NORTH-1", "NORTH-2"),
        "conveyor": timing.conveyor_seconds("NORTH", "PACK-1"),
        "repair": timing.repair_seconds(),
    }
    move_task = asyncio.create_task(transport.move_carrier(build_move(kind), outcome))
    for leg in legs:
        assert await controlled_sleep.wait_until_idle() == [seconds_by_leg[leg]]
        controlled_sleep.finish_all()
    assert await controlled_sleep.wait_until_idle() == []
    assert move_task.done()


@pytest.mark.parametrize("concurrency", [1, 2])
async def test_crane_concurrency_is_limited(concurrency: int) -> None:
    """Other moves of its zone wait. The crane of another zone does not."""
    controlled_sleep = ControlledSleep()
    transport, timing = build_transport(controlled_sleep, concurrency)
    north, south = timing.crane_seconds("NORTH-1"), timing.crane_seconds("SOUTH-1")
    lanes = ["NORTH-1", "NORTH-1", "NORTH-1", "SOUTH-1"]
    move_tasks = [
        asyncio.create_task(transport.move_carrier(build_move(RETRIEVE, lane), MoveOutcome.LOST))
        for lane in lanes
    ]
    assert sorted(await controlled_sleep.wait_until_idle()) == sorted([north] * concurrency + [south])
    while not all(move_task.done() for move_task in move_tasks):
        controlled_sleep.finish_all()
        assert (await controlled_sleep.wait_until_idle()).count(north) <= concurrency


def test_incident_log_round_trips(tmp_path: Path) -> None:
    """Names in any script are unchanged. A new log starts empty."""
    incident = Incident("short_pick", order_id="ORD-1", sku="Rössle\nSauerkraut", units=3, reason="damaged")
    for _ in range(2):
        IncidentLog(tmp_path / "journal").write_incident(incident)
    assert read_incident_log(tmp_path / "journal") == [incident]


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
def test_invalid_option_is_reported(option: str, value: str) -> None:
    """The command ends before its first call, with an error that names the option."""
    app = typer.Typer()
    app.command()(run_simulator)
    result = CliRunner().invoke(app, [option, value], env={"TERM": "dumb", "NO_COLOR": "1"})
    assert result.exit_code == 2
    assert f"'{option}'" in result.output
