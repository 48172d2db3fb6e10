"""Print the figures as tables."""

from rich.console import Console
from rich.table import Table

from benchmarks.fulfillment.figures import Figures

TARGET_SHARE = 0.25


def show(console: Console, figures: Figures) -> None:
    """Print the figures of one measurement."""
    for table in (_rates(figures), _cycles(figures), _steps(figures)):
        console.print(table)
        console.print()


def _rates(figures: Figures) -> Table:
    scale, verdict = figures.scale, "reached" if figures.share >= TARGET_SHARE else "missed"
    before, after = figures.bare
    table = Table(
        title=f"{scale['orders']:,} orders after {scale['finished']:,} finished ones", title_justify="left"
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_row("bare four-status update, before / after", f"{before:,.0f} / {after:,.0f} orders/s")
    table.add_row("fulfilled: first cycle to the last in PACKING", f"{figures.fulfilled:,.0f} orders/s")
    table.add_row(f"share of the bare update (target {TARGET_SHARE:.2f}: {verdict})", f"{figures.share:.3f}")
    table.add_row("shipped, one ShipOrder each", f"{figures.shipped:,.0f} orders/s")
    table.add_row(
        "worker's memory at 10 % / at the end",
        f"{figures.memory_at_tenth:.0f} / {figures.memory_at_end:.0f} MB",
    )
    effort = ", ".join(f"{name} {cpu_ms:.2f}" for name, cpu_ms in figures.cpu_ms_per_order.items())
    table.add_row("processor ms per order", effort)
    table.add_row("a cycle without work", f"{figures.idle_cycle_ms:.1f} ms")
    table.add_row("database at the start", f"{figures.database_bytes / 1e6:,.0f} MB")
    table.add_row("orders by status", _counts(figures.statuses))
    table.add_row("lines", _counts(figures.lines))
    table.add_row("moves", _counts(figures.moves))
    table.add_row("failed steps", str(figures.failed_steps))
    return table


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _cycles(figures: Figures) -> Table:
    table = Table(title="Cycles by the work in them", title_justify="left")
    for name in ("work in a cycle", "cycles", "median ms", "ms for 1,000"):
        table.add_column(name, justify="right")
    for group in figures.cycles:
        bound = (
            "more" if group.most_work is None else f"up to {group.most_work:,}" if group.most_work else "none"
        )
        per_thousand = "" if group.per_thousand_ms is None else f"{group.per_thousand_ms:,.0f}"
        table.add_row(bound, f"{group.cycles:,}", f"{group.median_ms:,.1f}", per_thousand)
    return table


def _steps(figures: Figures) -> Table:
    table = Table(title="Time of the cycles by step", title_justify="left")
    for name in ("step", "count", "seconds", "ms for 1,000"):
        table.add_column(name, justify="left" if name == "step" else "right")
    for step, (count, seconds) in sorted(figures.steps.items(), key=lambda entry: -entry[1][1]):
        per_thousand = f"{1_000_000 * seconds / count:,.0f}" if count else ""
        table.add_row(step, f"{count:,}", f"{seconds:,.2f}", per_thousand)
    return table
