"""The conformance programs: how each is built and started."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wms_dev.generate.clients import ALL
from wms_dev.generate.protos import CLIENTS, GenerationError, one_at_a_time
from wms_dev.generate.typescript import install
from wms_dev.problem import Problem


class NotBuilt(Problem):
    """A conformance program can't be built."""


@dataclass(frozen=True, slots=True)
class Program:
    """One column of the table: `client` is the folder of its client."""

    name: str
    client: str
    command: tuple[str, ...]
    build: Callable[[], None]

    @property
    def missing(self) -> tuple[str, ...]:
        """The programs that this machine lacks for it."""
        return next(client.missing for client in ALL if client.name == self.client)


def _python() -> None:
    """Python needs no building."""


def _go() -> None:
    _run(["go", "vet", "./..."], "go")
    _run(["go", "build", "-o", "bin/", "./cmd/conformance"], "go")


def _typescript() -> None:
    try:
        install()
    except GenerationError as error:
        raise NotBuilt(str(error)) from None
    _run(["npm", "run", "--silent", "build"], "typescript")


def _java() -> None:
    with one_at_a_time():
        _run(
            ["mvn", "--quiet", "--batch-mode", "--offline", "process-classes"], "java", otherwise="--offline"
        )


def _run(command: list[str], client: str, otherwise: str = "") -> None:
    """Build; raises NotBuilt. Tried once more without the option that may be in the way."""
    done = subprocess.run(command, cwd=CLIENTS / client, check=False, capture_output=True, text=True)
    if done.returncode != 0 and otherwise:
        _run([word for word in command if word != otherwise], client)
    elif done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise NotBuilt(f"The client in clients/{client} can't be built:\n{said}")


_NODE = (shutil.which("node") or "node", str(CLIENTS / "typescript" / "dist" / "conformance" / "main.js"))
_JARS = f"{CLIENTS / 'java' / 'target' / 'classes'}:{CLIENTS / 'java' / 'target' / 'jars'}/*"
PROGRAMS = (
    Program("Python", "python", (sys.executable, "-m", "wms_client.conformance"), _python),
    Program("Go", "go", (str(CLIENTS / "go" / "bin" / "conformance"),), _go),
    Program("TypeScript, connect-es", "typescript", (*_NODE, "connect"), _typescript),
    Program("TypeScript, grpc-js", "typescript", (*_NODE, "grpc-js"), _typescript),
    Program(
        "Java",
        "java",
        (shutil.which("java") or "java", "-cp", _JARS, "com.wms.orders.client.conformance.Main"),
        _java,
    ),
)
CASES: Path = CLIENTS / "conformance" / "cases.json"
