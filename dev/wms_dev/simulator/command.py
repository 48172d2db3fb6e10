"""`wms-orders simulate`: the options, and an end that says what was done."""

import asyncio
import contextlib
import logging
import math
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from wms_dev.problem import Problem
from wms_dev.simulator.fates import Rates
from wms_dev.simulator.site import Site, simulate
from wms_dev.simulator.tally import Tally
from wms_dev.stack.address import Address

log = logging.getLogger("simulator")

PROGRESS_SECONDS = 10.0


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


def _address(value: str) -> str:
    try:
        return Address.parse("--server", value).target
    except Problem as problem:
        raise typer.BadParameter(f"{problem}.") from None


def _filled(value: str) -> str:
    if not value.strip():
        raise typer.BadParameter("it must not be empty.")
    return value


def _rate(what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(min=0, max=1, help=f"{what}, 0 to 1.")
    return option


def command(
    server: Annotated[
        str, typer.Option(callback=_address, help="The service, host:port.")
    ] = "127.0.0.1:8001",
    warehouse: Annotated[str, typer.Option(callback=_filled, help="The warehouse to play.")] = "WH-01",
    name: Annotated[str, typer.Option(callback=_filled, help="The name to claim moves under.")] = "simulator",
    speed: Annotated[
        float,
        typer.Option(
            min=0.01, callback=_finite, help="Seconds of the warehouse that pass in one; 1 is life."
        ),
    ] = 30.0,
    seed: Annotated[int, typer.Option(help="The seed of all chance: the same one, the same fates.")] = 1,
    crane_trips: Annotated[
        int, typer.Option(min=1, max=100, help="Carriers that one zone's crane moves at a time.")
    ] = 1,
    breakdown_rate: Annotated[float, _rate("The share of trips on which the crane breaks down")] = 0.0,
    lost_rate: Annotated[float, _rate("The share of retrieved carriers that are not found")] = 0.0,
    found_rate: Annotated[float, _rate("The share of lost carriers that the inspector finds")] = 0.5,
    damaged_rate: Annotated[float, _rate("The share of retrieved carriers that arrive damaged")] = 0.0,
    not_found_rate: Annotated[float, _rate("The share of order lines whose goods are not there")] = 0.0,
    mismatch_rate: Annotated[float, _rate("The share of order lines of which some units are missing")] = 0.0,
    journal: Annotated[
        Path | None, typer.Option(dir_okay=False, help="A file for what goes wrong, a line of JSON each.")
    ] = None,
    stocked: Annotated[
        bool,
        typer.Option("--stocked", help="First give an empty one Northwind's lanes, stock, stations."),
    ] = False,
) -> None:
    """Play a warehouse until Ctrl-C or SIGTERM: move carriers, pick, pack, ship, deliver, inspect.

    A crane for each zone carries one thing after the other, the farther the lane the longer; conveyors run
    between zones and destinations. Nothing goes wrong unless a rate says so. LOG_LEVEL is honoured.
    """
    level = os.environ.get("LOG_LEVEL", "info").upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")
    rates = Rates(breakdown_rate, lost_rate, damaged_rate, not_found_rate, mismatch_rate, found_rate)
    site = Site(server, warehouse, name, speed, seed, crane_trips, rates, journal, stocked)
    tally = Tally()
    try:
        asyncio.run(_until_told(site, tally))
    except (Problem, OSError) as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None
    finally:
        typer.echo(f"done: {tally}", err=True)


async def _until_told(site: Site, tally: Tally) -> None:
    task = asyncio.ensure_future(simulate(site, tally))
    progress = asyncio.ensure_future(_tell_progress(tally))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        progress.cancel()


async def _tell_progress(tally: Tally) -> None:
    """Log the counts every few seconds in which something was done."""
    told = str(tally)
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        if (now := str(tally)) != told:
            told = now
            log.info("so far: %s", now)
