"""The command line of `make packages`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from wms_dev.checks.distributions import ROOT
from wms_dev.codegen.clients import ALL_CLIENTS
from wms_dev.packages import go, java, python, typescript
from wms_dev.packages.building import PackageBuildError

# Each function writes the packages of its language into a folder and returns their paths.
BUILDS: dict[str, Callable[[Path], list[Path]]] = {
    "python": python.build,
    "go": go.build,
    "typescript": typescript.build,
    "java": java.build,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the packages and print their paths. Return 1 when a package cannot be built."""
    parser = argparse.ArgumentParser(prog="wms_dev.packages", description="Build the packages.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder for the packages")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"only these: {', '.join(BUILDS)}")
    options = parser.parse_args(arguments)
    if unknown := set(options.languages) - BUILDS.keys():
        parser.error(f"unknown languages: {', '.join(sorted(unknown))}")
    output: Path = options.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    requested_clients = [
        client for client in ALL_CLIENTS if client.name in options.languages or not options.languages
    ]
    available_clients = [client for client in requested_clients if not client.missing_programs]
    for client in requested_clients:
        if client.missing_programs:
            print(
                f"skipped: {client.name}, missing programs: {', '.join(client.missing_programs)}",
                file=sys.stderr,
            )
    try:
        for client in available_clients:
            for path in BUILDS[client.name](output):
                print(path)
    except PackageBuildError as error:
        print(error, file=sys.stderr)
        return 1
    # A missing program is an error if its language was requested explicitly.
    return (
        1
        if len(available_clients) < len(requested_clients)
        and (options.languages or os.environ.get("CI") == "true")
        else 0
    )


if __name__ == "__main__":
    sys.exit(main())
