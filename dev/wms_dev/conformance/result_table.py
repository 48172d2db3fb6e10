"""The table of the results: a line for each case, a column for each program."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wms_dev.conformance.runner import CaseResult, ProgramReport


def find_failures(cases: Sequence[str], reports: Mapping[str, ProgramReport]) -> list[str]:
    """Return a message for each case that failed or is missing, and each program that failed."""
    messages = []
    for name, report in reports.items():
        for case in cases:
            result = report.results.get(case)
            if result is None:
                messages.append(f"{name}: {case} was not run")
            elif not result.has_passed:
                messages.append(f"{name}: {case}: {result.detail}")
        if unknown_cases := sorted(report.results.keys() - set(cases)):
            messages.append(f"{name}: unknown cases: {', '.join(unknown_cases)}")
        if report.exit_code != 0 and len(report.results) < len(cases):
            messages.append(f"{name}: exited with code {report.exit_code}: " + "\n".join(report.output_lines))
    return messages


def print_results(console: Console, cases: Sequence[str], reports: Mapping[str, ProgramReport]) -> None:
    """Print the table with the times in milliseconds and the sums."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("case", no_wrap=True)
    for name in reports:
        table.add_column("\n".join(name.split(", ")), justify="right")
    for case in cases:
        table.add_row(case, *(_format_result(report.results.get(case)) for report in reports.values()))
    table.add_section()
    sums = [_format_passed(cases, report) for report in reports.values()]
    table.add_row(Text("passed", style="bold"), *sums)
    console.print(table)


def _format_result(result: CaseResult | None) -> Text:
    if result is None:
        return Text("missing", style="yellow")
    return (
        Text(f"{result.milliseconds} ms ✓", style="green")
        if result.has_passed
        else Text("failed ✗", style="bold red")
    )


def _format_passed(cases: Sequence[str], report: ProgramReport) -> Text:
    passed = sum(1 for case in cases if case in report.results and report.results[case].has_passed)
    return Text(f"{passed} of {len(cases)}", style="bold green" if passed == len(cases) else "bold red")
