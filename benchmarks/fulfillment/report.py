"""The figures as tables for people."""

from rich.console import Console
from rich.table import Table

from benchmarks.fulfillment.figures import Figures

TARGET = 0.25


def show(console: Console, figures: Figures) -> None:
    """Print everything about one measurement."""
    for table in (_rates(figures), _cycles(figures), _steps(figures)):
        console.print(table)
        console.print()


def _rates(figures: Figures) -> Table:
    scale, verdict = figures.scale, "reached" if figures.share >= TARGET else "missed"
    before, after = figures.bare
    table = Table(
        title=f"{scale['orders']:,} orders after {scale['finished']:,} finished ones", title_justify="left"
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_row("bare four-status update, before / after", f"{before:,.0f} / {after:,.0f} orders/s")
    table.add_row("fulfilled: first cycle to the last in PACKING", f"{figures.fulfilled:,.0f} orders/s")
    table.add_row(f"share of the bare update (wanted {TARGET:.2f}: {verdict})", f"{figures.share:.3f}")
    table.add_row("shipped, one ShipOrder each", f"{figures.shipped:,.0f} orders/s")
    table.add_row(
        "worker's memory at 10 % / at the end",
        f"{figures.memory_at_tenth:.0f} / {figures.memory_at_end:.0f} MB",
    )
    effort = ", ".join(f"{name} {spent:.2f}" for name, spent in figures.cpu_ms_per_order.items())
    table.add_row("processor ms per order", effort)
    table.add_row("a cycle with nothing to do", f"{figures.idle_cycle_ms:.1f} ms")
    table.add_row("database at the beginning", f"{figures.database_bytes / 1e6:,.0f} MB")
    table.add_row("orders by status", _counts(figures.statuses))
    table.add_row("lines", _counts(figures.lines))
    table.add_row("moves", _counts(figures.moves))
    table.add_row("steps that failed", str(figures.failed_steps))
    return table


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _cycles(figures: Figures) -> Table:
    table = Table(title="Cycles by the work in them", title_justify="left")
    for name in ("work in a cycle", "cycles", "median ms", "ms for 1,000"):
        table.add_column(name, justify="right")
    for one in figures.cycles:
        most = "more" if one.most_work is None else f"up to {one.most_work:,}" if one.most_work else "none"
        each = "" if one.per_thousand_ms is None else f"{one.per_thousand_ms:,.0f}"
        table.add_row(most, f"{one.cycles:,}", f"{one.median_ms:,.1f}", each)
    return table


def _steps(figures: Figures) -> Table:
    table = Table(title="Where the cycles' time went", title_justify="left")
    for name in ("step", "done", "seconds", "ms for 1,000"):
        table.add_column(name, justify="left" if name == "step" else "right")
    for step, (count, seconds) in sorted(figures.steps.items(), key=lambda one: -one[1][1]):
        each = f"{1_000_000 * seconds / count:,.0f}" if count else ""
        table.add_row(step, f"{count:,}", f"{seconds:,.2f}", each)
    return table
