"""Print the figures as a table."""

from rich.console import Console
from rich.table import Table

from benchmarks.events.figures import Figures, median_of

SHARE, TIMES_SIMPLE, DELAY_MS, SLOWDOWN, GROWTH = 0.5, 10.0, 100.0, 1.1, 1.05


def show(console: Console, figures: Figures) -> None:
    """Print the figures of one measurement."""
    scale, (before, after) = figures.scale, figures.bare
    table = Table(title=f"{scale['log']:,} events in the log", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("target")
    table.add_row("bare producer, before / after", f"{before:,.0f} / {after:,.0f} events/s", "")
    table.add_row("outbox to acknowledged", f"{figures.relay:,.0f} events/s", "")
    table.add_row(
        "  as a share", f"{figures.share:.2f}", _format_target(figures.share >= SHARE, f"{SHARE} or more")
    )
    table.add_row("a relay that marks one by one", f"{figures.simple:,.0f} events/s", "")
    faster = figures.times_simple
    table.add_row(
        "  ours is faster",
        f"{faster:.0f} times",
        _format_target(faster >= TIMES_SIMPLE, f"{TIMES_SIMPLE:g} or more"),
    )
    table.add_row("backlog to acknowledged", f"{figures.backlog:,.0f} events/s", "")
    memory = figures.memory
    table.add_row(
        "  relay's memory at a tenth / half / the end",
        f"{memory['at_tenth']:.0f} / {memory['at_half']:.0f} / {memory['at_end']:.0f} MB",
        _format_target(figures.growth <= GROWTH, f"from half on {GROWTH} times or less"),
    )
    p50, p99 = figures.delay["p50"], figures.delay["p99"]
    table.add_row(
        f"commit to Kafka at {scale['delay_rate']}/s, p50 / p99",
        f"{p50:.0f} / {p99:.0f} ms",
        _format_target(p50 < DELAY_MS, f"p50 below {DELAY_MS:g} ms"),
    )
    table.add_row("CreateOrder, highest rate", f"{figures.highest_rate:,.0f} orders/s", "")
    table.add_row(
        "  p50 at half of it, without / with relay",
        f"{median_of(figures.placing_without):.2f} / {median_of(figures.placing_with):.2f} ms",
        _format_target(figures.slowdown <= SLOWDOWN, f"{SLOWDOWN} times or less: {figures.slowdown:.2f}"),
    )
    console.print(table)


def _format_target(is_reached: bool, target_text: str) -> str:
    return f"{target_text}: {'reached' if is_reached else 'missed'}"
