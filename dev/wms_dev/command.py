"""`wms-orders demo`, `wms-orders dev` and `wms-orders simulate`."""

import asyncio
import contextlib
import logging
import os
import signal
from typing import Annotated

import typer

from wms_dev.demo.tour import run_demo
from wms_dev.problem import Problem
from wms_dev.simulator import Site, Tally
from wms_dev.simulator import simulate as run_site
from wms_dev.stack.launching import new_console
from wms_dev.stay import run_dev


def demo() -> None:
    """Show the whole service with 415 real orders: everything is started, used, added up and ended.

    DATABASE_URL, SERVER_ADDR and WORKER_ADDR are honoured. Exit code 0 only if everything adds up.
    """
    raise typer.Exit(run_demo(new_console()))


def dev() -> None:
    """Start Postgres, server, worker and a simulated warehouse, and stay until Ctrl-C.

    SERVER_ADDR, WORKER_ADDR, DATABASE_URL, DATA_DIR and the service's other variables are honoured.
    """
    raise typer.Exit(run_dev(new_console()))


def simulate(
    server: Annotated[str, typer.Option(help="The service, host:port.")] = "127.0.0.1:8001",
    warehouse: Annotated[str, typer.Option(help="The warehouse to play.")] = "WH-01",
    name: Annotated[str, typer.Option(help="The name to claim moves under.")] = "simulator",
    speed: Annotated[float, typer.Option(min=0.01, help="2 is twice as fast.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The seed of all chance.")] = 1,
    fail_rate: Annotated[float, typer.Option(min=0, max=1, help="The share of moves that fail.")] = 0.0,
) -> None:
    """Play a warehouse: drive the moves, pack, ship and deliver, until Ctrl-C or SIGTERM."""
    level = os.environ.get("LOG_LEVEL", "info").upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")
    site = Site(server, warehouse, name, speed, seed, fail_rate)
    tally = Tally()
    try:
        asyncio.run(_until_told(site, tally))
    except Problem as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None
    finally:
        typer.echo(f"done: {tally}", err=True)


async def _until_told(site: Site, tally: Tally) -> None:
    task = asyncio.ensure_future(run_site(site, tally))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
