"""The figures as tables for people."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.api.candidates import Candidate
from benchmarks.api.figures import Case, Figures, Spread
from benchmarks.api.schedule import ALL, EMPTY, FULL, TURNS
from benchmarks.api.targets import Verdict

Row = tuple[str, ...]


def show(console: Console, figures: Figures, verdicts: Sequence[Verdict]) -> None:
    """Print everything, the verdicts last."""
    for title, header, rows in tables(figures):
        console.print(_table(title, header, rows))
        console.print()
    for told in figures.repeated:
        console.print(f"Done once more, for a call had failed: {told}", soft_wrap=True)
    table = _table("Targets", ("what", "wanted", "median", "lowest to highest", ""), [])
    for verdict in verdicts:
        word = Text(verdict.word, style="green" if verdict.reached else "red")
        table.add_row(*verdict_row(verdict)[:-1], word)
    console.print(table)


def verdict_row(verdict: Verdict) -> Row:
    """Write a verdict."""
    found = verdict.found
    between = f"{found.lowest:.3g} to {found.highest:.3g}"
    return (verdict.what, verdict.bound, f"{found.median:.3g}", between, verdict.word)


def tables(figures: Figures) -> Iterator[tuple[str, Row, list[Row]]]:
    """Give title, header and rows of each table."""
    levels = tuple(f"{count} in flight" for count in ALL)
    for database in (EMPTY, FULL):
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
                (title, *(_effort(figures, case) for case in row), _memory(figures, row))
                for title, row in cases
            ],
        )
    yield (
        "Reads and batches",
        ("", "database", "answers or orders a second", "p50 / p99 (ms)"),
        _others(figures),
    )


def creators(figures: Figures, database: str) -> Iterator[tuple[str, list[Case]]]:
    """Give who creates orders on a database, with the cases that there may be."""
    for turn in TURNS:
        if turn.database == database:
            cases = [Case(turn.candidate.name, database, "create", count) for count in ALL]
            if any(case in figures.cases for case in cases):
                yield _title(turn.candidate), cases


def _title(candidate: Candidate) -> str:
    return f"{candidate.title}, {candidate.processes}"


def _others(figures: Figures) -> list[Row]:
    titles = {turn.candidate.name: _title(turn.candidate) for turn in TURNS}
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


def _spread(figures: Figures, case: Case, name: str) -> str:
    if case not in figures.cases:
        return ""
    found = figures.spread(case, name)
    return f"{found.median:,.0f} ({found.lowest:,.0f} to {found.highest:,.0f})"


def _latency(figures: Figures, case: Case) -> str:
    if case not in figures.cases:
        return ""
    half, most = (figures.spread(case, name).median for name in ("p50_ms", "p99_ms"))
    return f"{half:.2f} / {most:.2f}" if most else ""


def _effort(figures: Figures, case: Case) -> str:
    if case not in figures.cases:
        return ""
    server, postgres = (figures.spread(case, name).median for name in ("server_ms", "postgres_ms"))
    return f"{server:.2f} + {postgres:.2f}"


def _memory(figures: Figures, row: Sequence[Case]) -> str:
    last: Spread = figures.spread([case for case in row if case in figures.cases][-1], "memory_mb")
    return f"{last.median:.0f}"


def _table(title: str, header: Row, rows: Sequence[Row]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in header:
        table.add_column(name, justify="left" if name in {"", "what"} else "right")
    for row in rows:
        table.add_row(*row)
    return table
