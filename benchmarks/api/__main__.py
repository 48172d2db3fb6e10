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
from benchmarks.api.targets import Verdict, verdicts
from benchmarks.progress import phases
from wms_dev.embedded_postgres import EmbeddedPostgresError
from wms_dev.problem import Problem
from wms_dev.stack.interruption import Interrupted, Interruption
from wms_dev.stack.launching import new_console


def main(
    quick: Annotated[bool, typer.Option(help="One short round on small databases, to try it.")] = False,
    rounds: Annotated[int, typer.Option(min=0, help="Rounds; 0: five, or one with --quick.")] = 0,
    record: Annotated[bool, typer.Option(help="Write results/ and the tables of the README.")] = True,
) -> None:
    """Measure CreateOrder and the reads beside other services, with and without millions of orders."""
    console = new_console()
    scale = QUICK if quick else Scale()
    scale = replace(scale, rounds=rounds or scale.rounds)
    try:
        figures = _measured(console, scale)
    except Interrupted as reason:
        console.print(f"Stopped by {reason}.")
        raise typer.Exit(reason.exit_code) from None
    except (Problem, EmbeddedPostgresError) as problem:
        console.print(str(problem), soft_wrap=True)
        raise typer.Exit(1) from None
    found = verdicts(figures, scale)
    if record and not quick:
        keep(console, figures, scale, found)
    show(console, figures, found)


def keep(console: Console, figures: Figures, scale: Scale, found: Sequence[Verdict]) -> None:
    """Write the results, the plots and the tables of the README."""
    # Slow to load, and needed only here.
    from benchmarks.api.plots import draw  # noqa: PLC0415

    files = [write(figures, scale, found), *draw(figures, found)]
    write_tables(figures, found)
    console.print("Recorded in " + ", ".join(file.name for file in files), soft_wrap=True)


def _measured(console: Console, scale: Scale) -> Figures:
    with ExitStack() as stack, phases(console) as shown:
        interruption = stack.enter_context(Interruption())
        build()
        return interruption.run(measure(stack, scale, shown))


if __name__ == "__main__":
    typer.run(main)
