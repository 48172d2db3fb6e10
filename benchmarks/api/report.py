"""Print the figures as tables."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.api.candidates import Candidate
from benchmarks.api.figures import Figures, MeasuredCase, RoundSpread
from benchmarks.api.schedule import CONCURRENCY_LEVELS, EMPTY_DATABASE, FULL_DATABASE, TURNS
from benchmarks.api.targets import TargetVerdict

Row = tuple[str, ...]


def show(console: Console, figures: Figures, verdicts: Sequence[TargetVerdict]) -> None:
    """Print all tables, the verdicts last."""
    for title, header, rows in tables(figures):
        console.print(_table(title, header, rows))
        console.print()
    for repeated_turn in figures.repeated:
        console.print(f"Repeated, because a call failed: {repeated_turn}", soft_wrap=True)
    table = _table("Targets", ("comparison", "target", "median", "lowest to highest", ""), [])
    for verdict in verdicts:
        verdict_text = Text(verdict.verdict_text, style="green" if verdict.is_reached else "red")
        table.add_row(*verdict_row(verdict)[:-1], verdict_text)
    console.print(table)


def verdict_row(verdict: TargetVerdict) -> Row:
    """Return the row of a verdict."""
    spread = verdict.measured_ratio
    range_text = f"{spread.lowest:.3g} to {spread.highest:.3g}"
    return (
        verdict.compared_text,
        verdict.target_text,
        f"{spread.median:.3g}",
        range_text,
        verdict.verdict_text,
    )


def tables(figures: Figures) -> Iterator[tuple[str, Row, list[Row]]]:
    """Yield title, header and rows of each table."""
    levels = tuple(f"{count} in flight" for count in CONCURRENCY_LEVELS)
    for database in (EMPTY_DATABASE, FULL_DATABASE):
        cases = list(creators(figures, database))
        name = f"CreateOrder, {database} database"
        yield (
            f"{name}: answers a second, median (lowest to highest)",
            ("", *levels),
            [(title, *(_spread(figures, case, "rate") for case in row)) for title, row in cases],
        )
        yield (
            f"{name}: p50 / p99 (ms)",
            ("", *levels),
            [(title, *(_latency(figures, case) for case in row)) for title, row in cases],
        )
        yield (
            f"{name}: processor ms an order of the service + Postgres; memory of the service (MB)",
            ("", *levels, "memory"),
            [
                (title, *(_processor_time_row(figures, case) for case in row), _memory(figures, row))
                for title, row in cases
            ],
        )
    yield (
        "Reads and batches",
        ("", "database", "answers or orders a second", "p50 / p99 (ms)"),
        _competitor_rows(figures),
    )


def creators(figures: Figures, database: str) -> Iterator[tuple[str, list[MeasuredCase]]]:
    """Yield the candidates that create orders in a database, with their cases."""
    for turn in TURNS:
        if turn.database == database:
            cases = [
                MeasuredCase(turn.candidate.name, database, "create", count) for count in CONCURRENCY_LEVELS
            ]
            if any(case in figures.cases for case in cases):
                yield _candidate_title(turn.candidate), cases


def _candidate_title(candidate: Candidate) -> str:
    return f"{candidate.title}, {candidate.processes}"


def _competitor_rows(figures: Figures) -> list[Row]:
    titles = {turn.candidate.name: _candidate_title(turn.candidate) for turn in TURNS}
    titles["unnest"] = "one connection, unnest, 1,000 a transaction"
    words = {
        "get": "GetOrder",
        "list": "ListOrders, first page",
        "list_deep": "ListOrders, deep page",
        "batch": "batches",
    }
    return [
        (
            f"{words[case.call]}, {case.in_flight} in flight: {titles[case.candidate]}",
            case.database,
            _spread(figures, case, "rate"),
            _latency(figures, case),
        )
        for case in sorted(
            figures.cases, key=lambda case: (case.call, case.database, case.candidate, case.in_flight)
        )
        if case.call != "create"
    ]


def _spread(figures: Figures, case: MeasuredCase, name: str) -> str:
    if case not in figures.cases:
        return ""
    spread = figures.spread_of(case, name)
    return f"{spread.median:,.0f} ({spread.lowest:,.0f} to {spread.highest:,.0f})"


def _latency(figures: Figures, case: MeasuredCase) -> str:
    if case not in figures.cases:
        return ""
    p50_ms, p99_ms = (figures.spread_of(case, name).median for name in ("p50_ms", "p99_ms"))
    return f"{p50_ms:.2f} / {p99_ms:.2f}" if p99_ms else ""


def _processor_time_row(figures: Figures, case: MeasuredCase) -> str:
    if case not in figures.cases:
        return ""
    server, postgres = (figures.spread_of(case, name).median for name in ("server_ms", "postgres_ms"))
    return f"{server:.2f} + {postgres:.2f}"


def _memory(figures: Figures, row: Sequence[MeasuredCase]) -> str:
    last: RoundSpread = figures.spread_of([case for case in row if case in figures.cases][-1], "memory_mb")
    return f"{last.median:.0f}"


def _table(title: str, header: Row, rows: Sequence[Row]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in header:
        table.add_column(name, justify="left" if name in {"", "comparison"} else "right")
    for row in rows:
        table.add_row(*row)
    return table
