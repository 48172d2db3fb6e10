"""A simulated warehouse from start to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from wms_dev.api_client import connect_client, seeded_generator
from wms_dev.errors import UserError
from wms_dev.sample_data.northwind import read_northwind_products
from wms_dev.sample_data.warehouse_layout import set_up_warehouse_once
from wms_dev.simulator.counters import Counters
from wms_dev.simulator.fault_plan import FaultPlan, FaultRates
from wms_dev.simulator.incident_counter import IncidentCounter
from wms_dev.simulator.incident_log import IncidentLog
from wms_dev.simulator.inspectors import Inspector
from wms_dev.simulator.move_client import Transport
from wms_dev.simulator.packers import Packer
from wms_dev.simulator.periodic_tasks import repeat_round
from wms_dev.simulator.pickers import Picker
from wms_dev.simulator.seeded_random import SeededRandom
from wms_dev.simulator.timing import Timing
from wms_dev.simulator.vehicles import MoveWorker

log = logging.getLogger("simulator")


class SimulatorFailed(UserError):
    """The service rejected a call that it should have accepted."""


@dataclass(frozen=True)
class Simulation:
    """The warehouse to simulate, the address of its service, and the parameters.

    `speed` is the number of simulated seconds per real second. `concurrent_trips` is the number of load
    carriers that a crane moves at the same time. Incidents are written to `incident_log_path`. Two simulators
    of the same warehouse need different names. `with_opening_stock` sets up Northwind's lanes, stock and
    stations unless the warehouse has a station.
    """

    server: str
    warehouse_id: str
    name: str = "simulator"
    speed: float = 30.0
    seed: int = 1
    concurrent_trips: int = 1
    rates: FaultRates = field(default_factory=FaultRates)
    incident_log_path: Path | None = None
    with_opening_stock: bool = False


async def simulate_warehouse(simulation: Simulation, counters: Counters) -> None:
    """Run the simulation until cancelled, then report the moves in progress.

    Calls are retried during an outage of the service.

    Raises:
        SimulatorFailed: The service rejected a call for another reason.
    """
    seeded_random, random_generator = SeededRandom(simulation.seed), seeded_generator(simulation.seed)
    timing = Timing(seeded_random, random_generator, simulation.speed)
    incident_counter = IncidentCounter(
        FaultPlan(seeded_random, simulation.rates), counters, IncidentLog(simulation.incident_log_path)
    )
    log.info("simulating %s for the service at %s", simulation.warehouse_id, simulation.server)
    async with connect_client(simulation.server, simulation.name, random_generator) as client:
        if simulation.with_opening_stock and (
            units := await set_up_warehouse_once(client, simulation.warehouse_id, read_northwind_products())
        ):
            log.info("stock received: %s units of %s products", sum(units.values()), len(units))
        transport = Transport(timing, simulation.concurrent_trips)
        move_worker = MoveWorker(
            client, simulation.warehouse_id, simulation.name, transport, incident_counter
        )
        packer = Packer(client, simulation.warehouse_id, timing, Picker(client, incident_counter), counters)
        inspector = Inspector(client, simulation.warehouse_id, timing, incident_counter)
        rounds = [
            move_worker.claim_moves,
            move_worker.report_moves,
            packer.ship_packed_orders,
            packer.complete_delivered_orders,
            inspector.inspect_carriers,
        ]
        try:
            await _run_all_rounds(rounds, timing, counters)
        finally:
            await move_worker.report_all_claimed()


async def _run_all_rounds(
    rounds: Sequence[Callable[[], Awaitable[bool]]], timing: Timing, counters: Counters
) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for run_round in rounds:
                group.create_task(
                    repeat_round(run_round, name=run_round.__name__, timing=timing, counters=counters)
                )
    except ExceptionGroup as failures:
        rejections = [error for error in failures.exceptions if isinstance(error, grpc.aio.AioRpcError)]
        if len(rejections) < len(failures.exceptions):
            raise
        reasons = "; ".join(f"{error.code().name}: {error.details()}" for error in rejections)
        raise SimulatorFailed(f"the service rejected a call: {reasons}") from failures
