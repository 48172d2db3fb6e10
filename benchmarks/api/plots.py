"""The figures as plots, each as PNG and SVG."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from benchmarks.api.figures import Case, Figures
from benchmarks.api.report import creators
from benchmarks.api.results import RESULTS
from benchmarks.api.schedule import ALL, EMPTY
from benchmarks.api.targets import Verdict

# The same figures give the same bytes.
mpl.rcParams["svg.hashsalt"] = "wms-orders"


def draw(figures: Figures, verdicts: Sequence[Verdict]) -> list[Path]:
    """Draw all; gives the files."""
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
    for title, cases in creators(figures, EMPTY):
        if not all(case in figures.cases for case in cases):
            continue
        _line(rates, figures, title, cases, "rate")
        _line(latencies, figures, title, cases, "p99_ms")
    rates.set_ylabel("orders a second")
    latencies.set_ylabel("99th percentile (ms)")
    latencies.set_yscale("log")
    for axes in (rates, latencies):
        axes.set_xscale("log", base=2)
        axes.set_xticks(ALL, [str(count) for count in ALL])
        axes.set_xlabel("calls in flight")
        axes.grid(alpha=0.3)
    rates.set_title("CreateOrder: median of the rounds, with the lowest and the highest; 1 or 2: processes")
    rates.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return canvas


def _line(axes: Axes, figures: Figures, title: str, cases: Sequence[Case], name: str) -> None:
    spreads = [figures.spread(case, name) for case in cases]
    below = [one.median - one.lowest for one in spreads]
    above = [one.highest - one.median for one in spreads]
    style = "o-" if title.startswith("ours,") else "o--"
    axes.errorbar(
        [case.in_flight for case in cases],
        [one.median for one in spreads],
        yerr=[below, above],
        fmt=style,
        capsize=3,
        label=title,
    )


def _targets(verdicts: Sequence[Verdict]) -> Canvas:
    """Draw how far beyond its target each ratio is: 1 is the target, more is better."""
    canvas = Canvas(figsize=(11, 7))
    axes = canvas.subplots()
    shares = [
        one.wanted / one.found.median if one.at_most else one.found.median / one.wanted for one in verdicts
    ]
    colours = ["tab:green" if one.reached else "tab:red" for one in verdicts]
    axes.barh([f"{one.what} ({one.bound})" for one in verdicts], shares, color=colours)
    axes.axvline(1, color="black", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel("share of the target: 1 and more is reached")
    return canvas
