"""The command `wms-orders simulate`: its options and its output."""

import asyncio
import contextlib
import logging
import math
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from wms_dev.errors import UserError
from wms_dev.local_stack.address import Address
from wms_dev.simulator.counters import Counters
from wms_dev.simulator.fault_plan import FaultRates
from wms_dev.simulator.layout import Simulation, simulate_warehouse

logger = logging.getLogger("simulator")

PROGRESS_INTERVAL_SECONDS = 10.0


def _require_finite(value: float) -> float:
    if not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


def _parse_target(value: str) -> str:
    try:
        return Address.parse("--server", value).target
    except UserError as error:
        raise typer.BadParameter(f"{error}.") from None


def _require_filled(value: str) -> str:
    if not value.strip():
        raise typer.BadParameter("must not be empty.")
    return value


def _rate_option(description: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(min=0, max=1, help=f"{description}, 0 to 1.")
    return option


def run_simulator(
    server: Annotated[
        str, typer.Option(callback=_parse_target, help="Address of the service, host:port.")
    ] = "127.0.0.1:8001",
    warehouse: Annotated[
        str, typer.Option(callback=_require_filled, help="Warehouse to simulate.")
    ] = "WH-01",
    name: Annotated[
        str, typer.Option(callback=_require_filled, help="Name under which moves are claimed.")
    ] = "simulator",
    speed: Annotated[
        float,
        typer.Option(
            min=0.01, callback=_require_finite, help="Simulated seconds per real second; 1 is real time."
        ),
    ] = 30.0,
    seed: Annotated[int, typer.Option(help="Random seed. The same seed produces the same faults.")] = 1,
    crane_trips: Annotated[
        int, typer.Option(min=1, max=100, help="Load carriers that a crane moves at the same time.")
    ] = 1,
    breakdown_rate: Annotated[float, _rate_option("Share of moves during which the crane breaks down")] = 0.0,
    lost_rate: Annotated[float, _rate_option("Share of retrieved load carriers that are not found")] = 0.0,
    found_rate: Annotated[float, _rate_option("Share of lost load carriers that the inspector finds")] = 0.5,
    damaged_rate: Annotated[
        float, _rate_option("Share of retrieved load carriers that arrive damaged")
    ] = 0.0,
    not_found_rate: Annotated[float, _rate_option("Share of order lines with no units at the station")] = 0.0,
    mismatch_rate: Annotated[float, _rate_option("Share of order lines with some units missing")] = 0.0,
    journal: Annotated[
        Path | None, typer.Option(dir_okay=False, help="File for incidents, a line of JSON for each.")
    ] = None,
    stocked: Annotated[
        bool,
        typer.Option("--stocked", help="First set up lanes, stock and stations if there are none."),
    ] = False,
) -> None:
    """Simulate a warehouse until Ctrl-C or SIGTERM: move load carriers, pick, pack, ship, deliver, inspect.

    Each zone has a crane, whose moves take longer the farther the lane is. Conveyors connect zones and
    destinations. Faults occur only at the given rates. Reads LOG_LEVEL.
    """
    level = os.environ.get("LOG_LEVEL", "info").upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")
    rates = FaultRates(breakdown_rate, lost_rate, damaged_rate, not_found_rate, mismatch_rate, found_rate)
    simulation = Simulation(server, warehouse, name, speed, seed, crane_trips, rates, journal, stocked)
    counters = Counters()
    try:
        asyncio.run(_run_until_signal(simulation, counters))
    except (UserError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    finally:
        typer.echo(f"done: {counters}", err=True)


async def _run_until_signal(simulation: Simulation, counters: Counters) -> None:
    task = asyncio.ensure_future(simulate_warehouse(simulation, counters))
    progress_task = asyncio.ensure_future(_log_progress(counters))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        progress_task.cancel()


async def _log_progress(counters: Counters) -> None:
    """Log the counters periodically if they have changed."""
    logged_counts = str(counters)
    while True:
        await asyncio.sleep(PROGRESS_INTERVAL_SECONDS)
        if (current_counts := str(counters)) != logged_counts:
            logged_counts = current_counts
            logger.info("so far: %s", current_counts)
