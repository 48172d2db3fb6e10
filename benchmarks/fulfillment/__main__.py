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
from benchmarks.progress import phases
from wms_dev.embedded_postgres import EmbeddedPostgresError
from wms_dev.problem import Problem
from wms_dev.stack.interruption import Interrupted, Interruption
from wms_dev.stack.launching import new_console


def main(
    orders: Annotated[int, typer.Option(min=100, help="Orders to fulfil.")] = 50_000,
    finished: Annotated[int, typer.Option(min=0, help="Orders finished before.")] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements, each on a new database.")] = 1,
    seed: Annotated[int, typer.Option(help="The seed of all chance.")] = 1,
    record: Annotated[bool, typer.Option(help="Write benchmarks/results/fulfillment.json.")] = True,
) -> None:
    """Measure how many orders a second are fulfilled, beside the bare status update."""
    console = new_console()
    scale = Scale(orders=orders, finished=finished, seed=seed)
    with Interruption() as interruption:
        try:
            results = [_round(console, interruption, scale) for _ in range(rounds)]
        except Interrupted as reason:
            console.print(f"Stopped by {reason}.")
            raise typer.Exit(reason.exit_code) from None
        except (Problem, EmbeddedPostgresError) as problem:
            console.print(str(problem), soft_wrap=True)
            raise typer.Exit(1) from None
    if record:
        console.print(f"Recorded in {write(results)}")


def _round(console: Console, interruption: Interruption, scale: Scale) -> Figures:
    with open_services() as services, phases(console) as shown:
        figures = interruption.run(measure(services, scale, shown))
    show(console, figures)
    return figures


if __name__ == "__main__":
    typer.run(main)
