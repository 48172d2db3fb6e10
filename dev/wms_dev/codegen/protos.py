"""The proto files, and the call of protoc."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROTOS = ROOT / "protos"
CLIENTS = ROOT / "clients"

WMS_PROTO_FOLDER = "wms/orders/v1"
# protovalidate's options, which the messages of the contract use.
VALIDATE_PROTO_FOLDER = "buf/validate"
# gRPC's service config with retries and deadlines, which is part of every client.
SERVICE_CONFIG = PROTOS / WMS_PROTO_FOLDER / "service_config.json"


# Caches and locks, which git ignores.
_DATA_FOLDER = ROOT / ".data"


class GenerationError(Exception):
    """A generator failed. The message has its output."""


def proto_files(folder: str) -> list[str]:
    """Return the proto files of a folder, as protoc names them."""
    return sorted(path.relative_to(PROTOS).as_posix() for path in (PROTOS / folder).glob("*.proto"))


def run_protoc(*arguments: str) -> None:
    """Run the protoc of this environment.

    Raises:
        GenerationError: protoc failed.
    """
    run_generator([sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", *arguments])


def run_generator(command: Sequence[str], folder: Path | None = None) -> None:
    """Run a generator or one of its tools.

    Raises:
        GenerationError: It failed. The message has the end of its output.
    """
    completed = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if completed.returncode != 0:
        output_tail = "\n".join((completed.stdout + completed.stderr).splitlines()[-30:])
        raise GenerationError(
            f"`{Path(command[0]).name} {' '.join(command[1:4])} ...` failed:\n{output_tail}"
        )


@contextmanager
def exclusive_tool_lock() -> Iterator[None]:
    """Exclude other runs of npm and Maven in this project, which fail when they share a folder."""
    _DATA_FOLDER.mkdir(exist_ok=True)
    with (_DATA_FOLDER / "tools.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
