"""The rates as a picture, one bar each, on a logarithmic scale."""

from pathlib import Path
from statistics import median

from matplotlib.figure import Figure

from benchmarks.workers.measuring import OURS, Rates


def draw(rates: Rates, folder: Path) -> list[Path]:
    """Draw medians, with lines from the lowest round to the highest, as PNG and SVG."""
    names = list(rates.found)
    middles = [median(rates.found[name]) for name in names]
    spread = [
        [middle - min(rates.found[name]) for name, middle in zip(names, middles, strict=True)],
        [max(rates.found[name]) - middle for name, middle in zip(names, middles, strict=True)],
    ]
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    colours = ["tab:blue" if name in OURS else "tab:gray" for name in names]
    bars = axes.barh(names, middles, xerr=spread, color=colours, log=True)
    axes.bar_label(bars, [f"{middle:,.0f}" for middle in middles], padding=6)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.set_xlabel("orders a second, four steps each")
    files = [folder / f"workers.{kind}" for kind in ("png", "svg")]
    for file in files:
        figure.savefig(file, dpi=150, metadata={"Date": None} if file.suffix == ".svg" else None)
    return files
