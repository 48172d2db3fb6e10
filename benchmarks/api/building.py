"""The Go programs of the benchmarks, built by the machine's Go from pinned modules."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from wms_dev.generate.protos import PROTOS, proto_files
from wms_dev.problem import Problem

MODULE = Path(__file__).resolve().parents[1] / "go"
BIN = MODULE / "bin"
PLUGINS = {
    "go": "google.golang.org/protobuf/cmd/protoc-gen-go",
    "go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
}
PACKAGES = {"wms/orders/v1": "benchmarks/gen/orders", "buf/validate": "benchmarks/gen/validate"}


class NotBuilt(Problem):
    """The Go programs can't be built."""


def build() -> None:
    """Build the load program and the rival. Raises NotBuilt."""
    go = shutil.which("go")
    if go is None:
        raise NotBuilt("The benchmark needs Go 1.26 or newer: on Debian `apt-get install golang-go`.")
    _run([go, "build", "-o", f"{BIN}/", "./load", *PLUGINS.values()])
    _generate()
    _run([go, "build", "-o", f"{BIN}/", "./rival"])


def _generate() -> None:
    """Make the messages of the contract for Go; they are not kept."""
    (MODULE / "gen").mkdir(exist_ok=True)
    files = {file: package for folder, package in PACKAGES.items() for file in proto_files(folder)}
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}"]
    for name, plugin in PLUGINS.items():
        command += [
            f"--plugin=protoc-gen-{name}={BIN / Path(plugin).name}",
            f"--{name}_out={MODULE}",
            f"--{name}_opt=module=benchmarks",
            *(f"--{name}_opt=M{file}={package}" for file, package in files.items()),
        ]
    _run([*command, *files])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(
        command, cwd=MODULE, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        raise NotBuilt(
            f"`{Path(command[0]).name} {' '.join(command[1:4])} ...` failed:\n{done.stdout[-2000:]}"
        )
