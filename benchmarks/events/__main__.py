"""`python -m benchmarks.events`: see benchmarks/README.md."""

from typing import Annotated

import typer

from benchmarks.events.measuring import measure
from benchmarks.events.report import show
from benchmarks.events.results import write
from benchmarks.events.scale import Scale
from benchmarks.events.services import open_services
from benchmarks.progress import phases
from wms_dev.embedded_postgres import EmbeddedPostgresError
from wms_dev.problem import Problem
from wms_dev.stack.interruption import Interrupted, Interruption
from wms_dev.stack.launching import new_console

PLAIN = Scale()


def main(
    log: Annotated[int, typer.Option(min=1000, help="Events in the log before.")] = PLAIN.log,
    events: Annotated[int, typer.Option(min=1000, help="Events in the outbox at once.")] = PLAIN.events,
    delay: Annotated[float, typer.Option(min=1, help="Seconds of 500 events each.")] = PLAIN.delay,
    placing: Annotated[float, typer.Option(min=1, help="Seconds of orders, each turn.")] = PLAIN.placing,
    rounds: Annotated[int, typer.Option(min=1, help="Turns without and with the relay.")] = PLAIN.rounds,
    record: Annotated[bool, typer.Option(help="Write benchmarks/results/events.json.")] = True,
) -> None:
    """Measure how fast events come to Kafka, and what that costs those who place orders."""
    console = new_console()
    scale = Scale(log=log, events=events, delay=delay, placing=placing, rounds=rounds)
    with Interruption() as interruption:
        try:
            with open_services() as services, phases(console) as shown:
                figures = interruption.run(measure(services, scale, shown))
        except Interrupted as reason:
            console.print(f"Stopped by {reason}.")
            raise typer.Exit(reason.exit_code) from None
        except (Problem, EmbeddedPostgresError, TimeoutError) as problem:
            console.print(str(problem), soft_wrap=True)
            raise typer.Exit(1) from None
    show(console, figures)
    if record:
        console.print(f"Recorded in {write(figures)}")


if __name__ == "__main__":
    typer.run(main)
