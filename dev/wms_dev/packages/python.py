"""Builds wheels and source archives of the distributions, with the build tool of this environment."""

from pathlib import Path

from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from wms_dev.checks.distributions import FOLDERS, ROOT


def build(output: Path) -> list[Path]:
    """Write a source archive and a wheel of each distribution into a folder. Return their paths."""
    return [
        Path(artifact)
        for folder in FOLDERS
        for builder in (SdistBuilder, WheelBuilder)
        for artifact in builder(str(ROOT / folder)).build(directory=str(output))
    ]
