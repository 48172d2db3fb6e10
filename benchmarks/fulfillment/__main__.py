"""`python -m benchmarks.fulfillment`: see benchmarks/README.md."""

from typing import Annotated

import typer
from rich.console import Console

from benchmarks.fulfillment.figures import Figures
from benchmarks.fulfillment.measuring import measure
from benchmarks.fulfillment.report import show
from benchmarks.fulfillment.results import write
from benchmarks.fulfillment.scale import Scale
from benchmarks.fulfillment.services import open_services
from benchmarks.progress import open_phase_progress
from wms_dev.embedded.postgres import EmbeddedPostgresError
from wms_dev.errors import UserError
from wms_dev.local_stack.interrupts import InterruptedBySignal, InterruptHandler
from wms_dev.local_stack.startup import create_console


def main(
    orders: Annotated[int, typer.Option(min=100, help="Orders to fulfil.")] = 50_000,
    finished: Annotated[int, typer.Option(min=0, help="Finished orders at the start.")] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements, each with a new database.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 1,
    record: Annotated[bool, typer.Option(help="Write benchmarks/results/fulfillment.json.")] = True,
) -> None:
    """Measure the orders per second of the fulfillment, compared with the bare status update."""
    console = create_console()
    scale = Scale(orders=orders, finished=finished, seed=seed)
    with InterruptHandler() as interruption:
        try:
            results = [_round(console, interruption, scale) for _ in range(rounds)]
        except InterruptedBySignal as reason:
            console.print(f"Stopped by {reason}.")
            raise typer.Exit(reason.exit_code) from None
        except (UserError, EmbeddedPostgresError) as problem:
            console.print(str(problem), soft_wrap=True)
            raise typer.Exit(1) from None
    if record:
        console.print(f"Recorded in {write(results)}")


def _round(console: Console, interruption: InterruptHandler, scale: Scale) -> Figures:
    with open_services() as services, open_phase_progress(console) as phase_progress:
        figures = interruption.run(measure(services, scale, phase_progress))
    show(console, figures)
    return figures


if __name__ == "__main__":
    typer.run(main)
