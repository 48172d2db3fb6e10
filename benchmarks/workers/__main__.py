"""`python -m benchmarks.workers`: see benchmarks/README.md."""

from typing import Annotated

import typer

from benchmarks.fulfillment.services import open_services
from benchmarks.progress import phases
from benchmarks.workers.measuring import Rates, Rounds, measure
from benchmarks.workers.plot import draw
from benchmarks.workers.report import show, write
from wms_dev.embedded_postgres import EmbeddedPostgresError
from wms_dev.problem import Problem
from wms_dev.stack.interruption import Interrupted, Interruption
from wms_dev.stack.launching import new_console


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, all of them in each.")] = 5,
    orders: Annotated[int, typer.Option(min=100, help="Orders of ours in batches, a round.")] = 5_000,
    single: Annotated[int, typer.Option(min=10, help="Orders of ours one by one, a round.")] = 300,
    rival: Annotated[int, typer.Option(min=10, help="Orders of each rival, a round.")] = 300,
    record: Annotated[bool, typer.Option(help="Write benchmarks/results/workers.json and its plots.")] = True,
) -> None:
    """Measure the worker's cycle beside Procrastinate, DBOS and Temporal."""
    console = new_console()
    rates = Rates()
    wanted = Rounds(rounds=rounds, orders=orders, single=single, rival=rival)
    with Interruption() as interruption:
        try:
            with open_services() as services, phases(console) as shown:
                interruption.run(measure(services, wanted, shown, rates))
        except Interrupted as reason:
            console.print(f"Stopped by {reason}; what was measured until then:")
            if rates.whole_rounds().found:
                show(console, rates.whole_rounds())
            raise typer.Exit(reason.exit_code) from None
        except (Problem, EmbeddedPostgresError) as problem:
            console.print(str(problem), soft_wrap=True)
            raise typer.Exit(1) from None
    show(console, rates)
    if record:
        file = write(rates, wanted)
        console.print(f"Recorded in {', '.join(str(one) for one in (file, *draw(rates, file.parent)))}")


if __name__ == "__main__":
    typer.run(main)
