"""`python -m benchmarks.workers`: see benchmarks/README.md."""

from typing import Annotated

import typer

from benchmarks.fulfillment.services import open_services
from benchmarks.progress import open_phase_progress
from benchmarks.workers.measuring import Rates, Rounds, measure
from benchmarks.workers.plot import draw
from benchmarks.workers.report import show, write
from wms_dev.embedded.postgres import EmbeddedPostgresError
from wms_dev.errors import UserError
from wms_dev.local_stack.interrupts import InterruptedBySignal, InterruptHandler
from wms_dev.local_stack.startup import create_console


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of all measurements.")] = 5,
    orders: Annotated[int, typer.Option(min=100, help="Orders of wms-orders in batches per round.")] = 5_000,
    single: Annotated[int, typer.Option(min=10, help="Orders of wms-orders one by one per round.")] = 300,
    rival: Annotated[int, typer.Option(min=10, help="Orders of each competitor per round.")] = 300,
    record: Annotated[bool, typer.Option(help="Write benchmarks/results/workers.json and its plots.")] = True,
) -> None:
    """Measure the worker's cycle, compared with Procrastinate, DBOS and Temporal."""
    console = create_console()
    rates = Rates()
    round_sizes = Rounds(rounds=rounds, orders=orders, single=single, rival=rival)
    with InterruptHandler() as interruption:
        try:
            with open_services() as services, open_phase_progress(console) as phase_progress:
                interruption.run(measure(services, round_sizes, phase_progress, rates))
        except InterruptedBySignal as reason:
            console.print(f"Stopped by {reason}; figures of the complete rounds:")
            if rates.complete_rounds().rates_by_name:
                show(console, rates.complete_rounds())
            raise typer.Exit(reason.exit_code) from None
        except (UserError, EmbeddedPostgresError) as problem:
            console.print(str(problem), soft_wrap=True)
            raise typer.Exit(1) from None
    show(console, rates)
    if record:
        file = write(rates, round_sizes)
        console.print(f"Recorded in {', '.join(str(path) for path in (file, *draw(rates, file.parent)))}")


if __name__ == "__main__":
    typer.run(main)
