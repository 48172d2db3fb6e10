"""One simulated warehouse, from its opening to its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc

from wms_dev.client import connect, dice
from wms_dev.problem import Problem
from wms_dev.simulator.driving import Driving
from wms_dev.simulator.pace import Pace
from wms_dev.simulator.rounds import keep_doing
from wms_dev.simulator.shipping import Shipping
from wms_dev.simulator.tally import Tally

log = logging.getLogger("simulator")


class SimulatorFailed(Problem):
    """The service refused something that it should have accepted."""


@dataclass(frozen=True)
class Site:
    """Which warehouse to play, where its service listens, and how.

    `fail_rate` is the share of moves that end in FailMove, 0 to 1. Two at the same warehouse need two names.
    """

    server: str
    warehouse_id: str
    name: str = "simulator"
    speed: float = 1.0
    seed: int = 1
    fail_rate: float = 0.0


async def simulate(site: Site, tally: Tally) -> None:
    """Run the warehouse until cancelled, then bring home what is under way.

    An outage of the service is waited out; any other refusal raises `SimulatorFailed`.
    """
    rng = dice(site.seed)
    pace = Pace(rng, site.speed)
    log.info("playing %s for the service at %s", site.warehouse_id, site.server)
    async with connect(site.server, site.name, rng) as client:
        driving = Driving(client, site.warehouse_id, site.name, pace, tally, fail_rate=site.fail_rate)
        shipping = Shipping(client, site.warehouse_id, pace, tally)
        try:
            await _all([driving.claim, driving.report, shipping.ship, shipping.deliver], pace, tally)
        finally:
            await driving.bring_home()


async def _all(rounds: list[Callable[[], Awaitable[bool]]], pace: Pace, tally: Tally) -> None:
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
