"""The command of `make attack`: run the attacks, print a table, and exit with 1 if an attack fails."""

import argparse
import asyncio
import json
import math
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from tests.attack.registry import ATTACKS
from tests.attack.runner import Campaign, Report
from wms_core.runtime.file_descriptors import raise_descriptor_limit

_WIDTH = 180


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named attacks, by default all of them."""
    parser = argparse.ArgumentParser(prog="tests.attack", description=__doc__)
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=f"attacks to run: {', '.join(ATTACKS)}")
    parser.add_argument(
        "--short", action="store_true", help="run the short form of each attack, within four minutes in all"
    )
    parser.add_argument("--output", choices=("table", "json"), default="table")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.attacks if name not in ATTACKS]:
        parser.error(f"unknown attacks: {', '.join(unknown)}; choose from: {', '.join(ATTACKS)}")
    raise_descriptor_limit()
    try:
        return asyncio.run(_run(options.attacks or list(ATTACKS), short=options.short, output=options.output))
    except asyncio.CancelledError:
        return 130


async def _run(names: Sequence[str], *, short: bool, output: str) -> int:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        # Cancellation ends the started processes, also where a shell ignores the signal.
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    progress = Console(stderr=True)
    started = time.monotonic()
    reports: list[Report] = []
    async with Campaign() as campaign:
        for name in names:
            report = await campaign.run(ATTACKS[name], short=short)
            reports.append(report)
            progress.print(_format_line(report), soft_wrap=True, highlight=False, markup=False)
    if output == "json":
        sys.stdout.write(json.dumps([_to_json(report) for report in reports], indent=2) + "\n")
    else:
        console = Console()
        # A console that writes to a file or a log has no width of its own.
        console.width = max(console.width, _WIDTH)
        console.print(_build_table(reports))
    passed = sum(report.holds for report in reports)
    progress.print(f"{passed} of {len(reports)} attacks withstood, in {time.monotonic() - started:.0f} s")
    return 0 if passed == len(reports) else 1


def _format_line(report: Report) -> str:
    return (
        f"{report.attack} ({report.size}): {_format_verdict(report)} "
        f"{[round_.responses for round_ in report.rounds]}"
    )


def _format_verdict(report: Report) -> str:
    return "; ".join(report.faults) or "withstood"


def _to_json(report: Report) -> dict[str, object]:
    rounds = [
        {name: None if value == math.inf else value for name, value in asdict(round_).items()}
        for round_ in report.rounds
    ]
    return {**asdict(report), "rounds": rounds, "holds": report.holds}


def _build_table(reports: Sequence[Report]) -> Table:
    table = Table("attack", "size", box=None, header_style="bold")
    for title in ("duration s", "answers after s", "p99 ms", "peak MiB", "end MiB by round"):
        table.add_column(title, justify="right")
    table.add_column("verdict", max_width=60)
    kind = ""
    for report in reports:
        if report.kind != kind:
            kind = report.kind
            table.add_row(f"[bold]{kind}[/bold]")
        table.add_row(
            report.attack,
            report.size,
            f"{sum(round_.seconds for round_ in report.rounds):.1f}",
            f"{max(round_.answers_after_seconds for round_ in report.rounds):.2f}",
            f"{max(round_.p99_ms for round_ in report.rounds):.0f}",
            f"{max(round_.peak_mib for round_ in report.rounds):.0f}",
            ", ".join(f"{round_.end_mib:.0f}" for round_ in report.rounds),
            _format_verdict(report),
            style=None if report.holds else "red",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
