"""The command of `make packages`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from wms_dev.distributions import ROOT
from wms_dev.packages import python

#: Each writes the packages of its language into a folder and returns their paths.
BUILDS: dict[str, Callable[[Path], list[Path]]] = {"python": python.build}


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the packages and print their paths."""
    parser = argparse.ArgumentParser(prog="wms_dev.packages", description="Build the packages.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder they are written to")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"only these: {', '.join(BUILDS)}")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.languages) - BUILDS.keys():
        parser.error(f"no packages are built for {', '.join(sorted(unknown))}")
    output: Path = chosen.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    for language, build in BUILDS.items():
        if language in chosen.languages or not chosen.languages:
            for path in build(output):
                print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
