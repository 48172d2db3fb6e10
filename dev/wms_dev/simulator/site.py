"""One simulated warehouse, from its opening to its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from wms_dev.client import connect, dice
from wms_dev.northwind import northwind_products
from wms_dev.northwind_site import open_at_first
from wms_dev.problem import Problem
from wms_dev.simulator.chance import Chance
from wms_dev.simulator.chronicle import Chronicle
from wms_dev.simulator.driving import Driving
from wms_dev.simulator.fates import Fates, Rates
from wms_dev.simulator.inspecting import Inspecting
from wms_dev.simulator.journal import Journal
from wms_dev.simulator.pace import Pace
from wms_dev.simulator.picking import Picking
from wms_dev.simulator.rounds import keep_doing
from wms_dev.simulator.shipping import Shipping
from wms_dev.simulator.tally import Tally
from wms_dev.simulator.transport import Transport

log = logging.getLogger("simulator")


class SimulatorFailed(Problem):
    """The service refused something that it should have accepted."""


@dataclass(frozen=True)
class Site:
    """Which warehouse to play, where its service listens, and how.

    `speed` are the seconds of the warehouse that pass in one, `trips_at_once` the carriers that one crane
    moves at a time. What goes wrong is written to `journal`, if there is one. Two at the same warehouse need
    two names. A `stocked` one is given Northwind's lanes, stock and stations, unless it has a station.
    """

    server: str
    warehouse_id: str
    name: str = "simulator"
    speed: float = 30.0
    seed: int = 1
    trips_at_once: int = 1
    rates: Rates = field(default_factory=Rates)
    journal: Path | None = None
    stocked: bool = False


async def simulate(site: Site, tally: Tally) -> None:
    """Run the warehouse until cancelled, then bring home what is under way.

    An outage of the service is waited out; any other refusal raises `SimulatorFailed`.
    """
    chance, rng = Chance(site.seed), dice(site.seed)
    pace = Pace(chance, rng, site.speed)
    chronicle = Chronicle(Fates(chance, site.rates), tally, Journal(site.journal))
    log.info("playing %s for the service at %s", site.warehouse_id, site.server)
    async with connect(site.server, site.name, rng) as client:
        if site.stocked and (units := await open_at_first(client, site.warehouse_id, northwind_products())):
            log.info("stock received: %s units of %s products", sum(units.values()), len(units))
        transport = Transport(pace, site.trips_at_once)
        driving = Driving(client, site.warehouse_id, site.name, transport, chronicle)
        shipping = Shipping(client, site.warehouse_id, pace, Picking(client, chronicle), tally)
        inspecting = Inspecting(client, site.warehouse_id, pace, chronicle)
        rounds = [driving.claim, driving.report, shipping.ship, shipping.deliver, inspecting.inspect]
        try:
            await _all(rounds, pace, tally)
        finally:
            await driving.bring_home()


async def _all(rounds: Sequence[Callable[[], Awaitable[bool]]], pace: Pace, tally: Tally) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for each in rounds:
                group.create_task(keep_doing(each, name=each.__name__, pace=pace, tally=tally))
    except ExceptionGroup as failures:
        refusals = [error for error in failures.exceptions if isinstance(error, grpc.aio.AioRpcError)]
        if len(refusals) < len(failures.exceptions):
            raise
        reasons = "; ".join(f"{error.code().name}: {error.details()}" for error in refusals)
        raise SimulatorFailed(f"the service refused: {reasons}") from failures
