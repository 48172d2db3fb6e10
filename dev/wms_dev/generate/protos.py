"""The protos, and protoc to read them with."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROTOS = ROOT / "protos"
CLIENTS = ROOT / "clients"

OURS = "wms/orders/v1"
#: protovalidate's options: our messages carry them.
VENDORED = "buf/validate"
#: Which calls are tried again, after what, and their deadlines: gRPC's own form, in every client.
SERVICE_CONFIG = PROTOS / OURS / "service_config.json"


#: Made things that are no part of the project.
_DATA = ROOT / ".data"


class GenerationError(Exception):
    """A generator refused the protos; it has said why."""


def proto_files(folder: str) -> list[str]:
    """The proto files of a folder, as protoc names them."""
    return sorted(path.relative_to(PROTOS).as_posix() for path in (PROTOS / folder).glob("*.proto"))


def run_protoc(*arguments: str) -> None:
    """Run the protoc of this environment; raise GenerationError when it fails."""
    run([sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", *arguments])


def run(command: Sequence[str], folder: Path | None = None) -> None:
    """Run a generator, or what it needs; raise GenerationError when it fails, with what it said."""
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise GenerationError(f"`{Path(command[0]).name} {' '.join(command[1:4])} ...` failed:\n{said}")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep other processes of this project from npm and Maven, which do not bear each other in one folder."""
    _DATA.mkdir(exist_ok=True)
    with (_DATA / "tools.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
