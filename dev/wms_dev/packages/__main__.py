"""The command of `make packages`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from wms_dev.distributions import ROOT
from wms_dev.generate.clients import ALL
from wms_dev.packages import go, java, python, typescript
from wms_dev.packages.building import PackageNotBuilt

#: Each writes the packages of its language into a folder and returns their paths.
BUILDS: dict[str, Callable[[Path], list[Path]]] = {
    "python": python.build,
    "go": go.build,
    "typescript": typescript.build,
    "java": java.build,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the packages and print their paths; 1 when one can't be built."""
    parser = argparse.ArgumentParser(prog="wms_dev.packages", description="Build the packages.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder they are written to")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"only these: {', '.join(BUILDS)}")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.languages) - BUILDS.keys():
        parser.error(f"no packages are built for {', '.join(sorted(unknown))}")
    output: Path = chosen.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    wanted = [client for client in ALL if client.name in chosen.languages or not chosen.languages]
    able = [client for client in wanted if not client.missing]
    for client in wanted:
        if client.missing:
            print(f"left out: {client.name}, for want of {' and '.join(client.missing)}", file=sys.stderr)
    try:
        for client in able:
            for path in BUILDS[client.name](output):
                print(path)
    except PackageNotBuilt as error:
        print(error, file=sys.stderr)
        return 1
    # Whoever names a language wants it.
    return 1 if len(able) < len(wanted) and (chosen.languages or os.environ.get("CI") == "true") else 0


if __name__ == "__main__":
    sys.exit(main())
