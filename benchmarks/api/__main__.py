"""`python -m benchmarks.api`: see benchmarks/README.md."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.api.building import build
from benchmarks.api.figures import Figures
from benchmarks.api.measuring import measure
from benchmarks.api.report import show
from benchmarks.api.results import write, write_tables
from benchmarks.api.scale import QUICK, Scale
from benchmarks.api.targets import TargetVerdict, build_verdicts
from benchmarks.progress import open_phase_progress
from wms_dev.embedded.postgres import EmbeddedPostgresError
from wms_dev.errors import UserError
from wms_dev.local_stack.interrupts import InterruptedBySignal, InterruptHandler
from wms_dev.local_stack.startup import create_console


def main(
    quick: Annotated[bool, typer.Option(help="One short round on small databases, as a trial.")] = False,
    rounds: Annotated[int, typer.Option(min=0, help="Rounds; 0: five, or one with --quick.")] = 0,
    record: Annotated[bool, typer.Option(help="Write results/ and the tables of the README.")] = True,
) -> None:
    """Measure CreateOrder and reads, compared with other services, with and without millions of orders."""
    console = create_console()
    scale = QUICK if quick else Scale()
    scale = replace(scale, rounds=rounds or scale.rounds)
    try:
        figures = _measure_figures(console, scale)
    except InterruptedBySignal as reason:
        console.print(f"Stopped by {reason}.")
        raise typer.Exit(reason.exit_code) from None
    except (UserError, EmbeddedPostgresError) as problem:
        console.print(str(problem), soft_wrap=True)
        raise typer.Exit(1) from None
    target_verdicts = build_verdicts(figures, scale)
    if record and not quick:
        record_results(console, figures, scale, target_verdicts)
    show(console, figures, target_verdicts)


def record_results(
    console: Console, figures: Figures, scale: Scale, target_verdicts: Sequence[TargetVerdict]
) -> None:
    """Write the results, the plots and the tables of the README."""
    # matplotlib is slow to import and needed only here.
    from benchmarks.api.plots import draw  # noqa: PLC0415

    files = [write(figures, scale, target_verdicts), *draw(figures, target_verdicts)]
    write_tables(figures, target_verdicts)
    console.print("Recorded in " + ", ".join(file.name for file in files), soft_wrap=True)


def _measure_figures(console: Console, scale: Scale) -> Figures:
    with ExitStack() as stack, open_phase_progress(console) as phase_progress:
        interruption = stack.enter_context(InterruptHandler())
        build()
        return interruption.run(measure(stack, scale, phase_progress))


if __name__ == "__main__":
    typer.run(main)
