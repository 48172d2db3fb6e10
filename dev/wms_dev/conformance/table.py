"""The table: a case in each line, a client in each column."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wms_dev.conformance.run import Report, Result


def failures(cases: Sequence[str], reports: Mapping[str, Report]) -> list[str]:
    """What is wrong, a sentence each: cases that failed or are missing, programs that broke."""
    found = []
    for name, report in reports.items():
        for case in cases:
            result = report.results.get(case)
            if result is None:
                found.append(f"{name}: {case} was not run")
            elif not result.ok:
                found.append(f"{name}: {case}: {result.detail}")
        if extra := sorted(report.results.keys() - set(cases)):
            found.append(f"{name}: nobody asked for {', '.join(extra)}")
        if report.exit_code != 0 and len(report.results) < len(cases):
            found.append(f"{name}: ended with {report.exit_code}: " + "\n".join(report.said))
    return found


def show(console: Console, cases: Sequence[str], reports: Mapping[str, Report]) -> None:
    """Print the table, with the times in milliseconds and a line of sums."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("case", no_wrap=True)
    for name in reports:
        table.add_column("\n".join(name.split(", ")), justify="right")
    for case in cases:
        table.add_row(case, *(_cell(report.results.get(case)) for report in reports.values()))
    table.add_section()
    sums = [_sum(cases, report) for report in reports.values()]
    table.add_row(Text("passed", style="bold"), *sums)
    console.print(table)


def _cell(result: Result | None) -> Text:
    if result is None:
        return Text("missing", style="yellow")
    return (
        Text(f"{result.milliseconds} ms ✓", style="green")
        if result.ok
        else Text("failed ✗", style="bold red")
    )


def _sum(cases: Sequence[str], report: Report) -> Text:
    passed = sum(1 for case in cases if case in report.results and report.results[case].ok)
    return Text(f"{passed} of {len(cases)}", style="bold green" if passed == len(cases) else "bold red")
