"""Plot the rates as bars on a logarithmic scale."""

from pathlib import Path
from statistics import median

from matplotlib.figure import Figure

from benchmarks.workers.measuring import OWN_NAMES, Rates


def draw(rates: Rates, folder: Path) -> list[Path]:
    """Draw medians with error bars from the lowest round to the highest. Return the PNG and the SVG file."""
    names = list(rates.rates_by_name)
    medians = [median(rates.rates_by_name[name]) for name in names]
    spread = [
        [
            median_rate - min(rates.rates_by_name[name])
            for name, median_rate in zip(names, medians, strict=True)
        ],
        [
            max(rates.rates_by_name[name]) - median_rate
            for name, median_rate in zip(names, medians, strict=True)
        ],
    ]
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    colors = ["tab:blue" if name in OWN_NAMES else "tab:gray" for name in names]
    bars = axes.barh(names, medians, xerr=spread, color=colors, log=True)
    axes.bar_label(bars, [f"{median_rate:,.0f}" for median_rate in medians], padding=6)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.set_xlabel("orders a second, four steps each")
    files = [folder / f"workers.{kind}" for kind in ("png", "svg")]
    for file in files:
        figure.savefig(file, dpi=150, metadata={"Date": None} if file.suffix == ".svg" else None)
    return files
