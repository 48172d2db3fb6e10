"""`python -m benchmarks.events`: see benchmarks/README.md."""

from typing import Annotated

import typer

from benchmarks.events.measuring import measure
from benchmarks.events.report import show
from benchmarks.events.results import write
from benchmarks.events.scale import Scale
from benchmarks.events.services import open_services
from benchmarks.progress import open_phase_progress
from wms_dev.embedded.postgres import EmbeddedPostgresError
from wms_dev.errors import UserError
from wms_dev.local_stack.interrupts import InterruptedBySignal, InterruptHandler
from wms_dev.local_stack.startup import create_console

DEFAULT_SCALE = Scale()


def main(
    log: Annotated[int, typer.Option(min=1000, help="Events in the log at the start.")] = DEFAULT_SCALE.log,
    events: Annotated[
        int, typer.Option(min=1000, help="Events of the burst in the outbox.")
    ] = DEFAULT_SCALE.events,
    delay: Annotated[
        float, typer.Option(min=1, help="Seconds of 500 events per second.")
    ] = DEFAULT_SCALE.delay,
    placing: Annotated[
        float, typer.Option(min=1, help="Seconds of orders in each turn.")
    ] = DEFAULT_SCALE.placing,
    rounds: Annotated[
        int, typer.Option(min=1, help="Turns without and with the relay.")
    ] = DEFAULT_SCALE.rounds,
    record: Annotated[bool, typer.Option(help="Write benchmarks/results/events.json.")] = True,
) -> None:
    """Measure the rate of events to Kafka, and its effect on the latency of CreateOrder."""
    console = create_console()
    scale = Scale(log=log, events=events, delay=delay, placing=placing, rounds=rounds)
    with InterruptHandler() as interruption:
        try:
            with open_services() as services, open_phase_progress(console) as phase_progress:
                figures = interruption.run(measure(services, scale, phase_progress))
        except InterruptedBySignal as reason:
            console.print(f"Stopped by {reason}.")
            raise typer.Exit(reason.exit_code) from None
        except (UserError, EmbeddedPostgresError, TimeoutError) as problem:
            console.print(str(problem), soft_wrap=True)
            raise typer.Exit(1) from None
    show(console, figures)
    if record:
        console.print(f"Recorded in {write(figures)}")


if __name__ == "__main__":
    typer.run(main)
