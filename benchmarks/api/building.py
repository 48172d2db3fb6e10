"""Build the Go programs of the benchmarks from pinned modules."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from wms_dev.codegen.protos import PROTOS, proto_files
from wms_dev.errors import UserError

GO_MODULE_FOLDER = Path(__file__).resolve().parents[1] / "go"
GO_BIN_FOLDER = GO_MODULE_FOLDER / "bin"
PROTOC_PLUGINS = {
    "go": "google.golang.org/protobuf/cmd/protoc-gen-go",
    "go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
}
GO_PACKAGES = {"wms/orders/v1": "benchmarks/gen/orders", "buf/validate": "benchmarks/gen/validate"}


class GoBuildFailed(UserError):
    """The build of the Go programs failed."""


def build() -> None:
    """Build the load program and the competitor. Raises GoBuildFailed."""
    go = shutil.which("go")
    if go is None:
        raise GoBuildFailed("The benchmark needs Go 1.26 or newer: on Debian `apt-get install golang-go`.")
    _run([go, "build", "-o", f"{GO_BIN_FOLDER}/", "./load", *PROTOC_PLUGINS.values()])
    _generate()
    _run([go, "build", "-o", f"{GO_BIN_FOLDER}/", "./competitor"])


def _generate() -> None:
    """Generate the messages of the contract for Go; they are not committed."""
    (GO_MODULE_FOLDER / "gen").mkdir(exist_ok=True)
    files = {file: package for folder, package in GO_PACKAGES.items() for file in proto_files(folder)}
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}"]
    for name, plugin in PROTOC_PLUGINS.items():
        command += [
            f"--plugin=protoc-gen-{name}={GO_BIN_FOLDER / Path(plugin).name}",
            f"--{name}_out={GO_MODULE_FOLDER}",
            f"--{name}_opt=module=benchmarks",
            *(f"--{name}_opt=M{file}={package}" for file, package in files.items()),
        ]
    _run([*command, *files])


def _run(command: Sequence[str]) -> None:
    completed = subprocess.run(
        command,
        cwd=GO_MODULE_FOLDER,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if completed.returncode != 0:
        raise GoBuildFailed(
            f"`{Path(command[0]).name} {' '.join(command[1:4])} ...` failed:\n{completed.stdout[-2000:]}"
        )
