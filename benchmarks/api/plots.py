"""Plot the figures, as PNG and SVG."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from benchmarks.api.figures import Figures, MeasuredCase
from benchmarks.api.report import creators
from benchmarks.api.results import RESULTS
from benchmarks.api.schedule import CONCURRENCY_LEVELS, EMPTY_DATABASE
from benchmarks.api.targets import TargetVerdict

# A fixed salt: equal figures result in equal files.
mpl.rcParams["svg.hashsalt"] = "wms-orders"


def draw(figures: Figures, verdicts: Sequence[TargetVerdict]) -> list[Path]:
    """Draw all plots. Return the files."""
    files = _save(_rates(figures), "api-create-order")
    return files + _save(_targets(verdicts), "api-targets")


def _save(canvas: Canvas, name: str) -> list[Path]:
    files = [RESULTS / f"{name}.{kind}" for kind in ("png", "svg")]
    for file in files:
        canvas.savefig(
            file, dpi=120, bbox_inches="tight", metadata={"Date": None} if file.suffix == ".svg" else None
        )
    return files


def _rates(figures: Figures) -> Canvas:
    canvas = Canvas(figsize=(11, 9))
    rates, latencies = canvas.subplots(2, 1)
    for title, cases in creators(figures, EMPTY_DATABASE):
        if not all(case in figures.cases for case in cases):
            continue
        _line(rates, figures, title, cases, "rate")
        _line(latencies, figures, title, cases, "p99_ms")
    rates.set_ylabel("orders a second")
    latencies.set_ylabel("99th percentile (ms)")
    latencies.set_yscale("log")
    for axes in (rates, latencies):
        axes.set_xscale("log", base=2)
        axes.set_xticks(CONCURRENCY_LEVELS, [str(count) for count in CONCURRENCY_LEVELS])
        axes.set_xlabel("calls in flight")
        axes.grid(alpha=0.3)
    rates.set_title("CreateOrder: median, minimum and maximum of the rounds; 1 or 2 processes")
    rates.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return canvas


def _line(axes: Axes, figures: Figures, title: str, cases: Sequence[MeasuredCase], name: str) -> None:
    spreads = [figures.spread_of(case, name) for case in cases]
    below = [spread.median - spread.lowest for spread in spreads]
    above = [spread.highest - spread.median for spread in spreads]
    style = "o-" if title.startswith("ours,") else "o--"
    axes.errorbar(
        [case.in_flight for case in cases],
        [spread.median for spread in spreads],
        yerr=[below, above],
        fmt=style,
        capsize=3,
        label=title,
    )


def _targets(verdicts: Sequence[TargetVerdict]) -> Canvas:
    """Draw each ratio relative to its target: 1 is the target, more is better."""
    canvas = Canvas(figsize=(11, 7))
    axes = canvas.subplots()
    shares = [
        verdict.target_ratio / verdict.measured_ratio.median
        if verdict.is_upper_bound
        else verdict.measured_ratio.median / verdict.target_ratio
        for verdict in verdicts
    ]
    colors = ["tab:green" if verdict.is_reached else "tab:red" for verdict in verdicts]
    axes.barh(
        [f"{verdict.compared_text} ({verdict.target_text})" for verdict in verdicts], shares, color=colors
    )
    axes.axvline(1, color="black", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel("share of the target: 1 or more is reached")
    return canvas
