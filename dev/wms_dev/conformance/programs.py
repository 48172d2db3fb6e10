"""Build and start commands of the conformance programs."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wms_dev.codegen.clients import ALL_CLIENTS
from wms_dev.codegen.protos import CLIENTS, GenerationError, exclusive_tool_lock
from wms_dev.codegen.typescript import install_packages
from wms_dev.errors import UserError


class ProgramBuildError(UserError):
    """A conformance program cannot be built."""


@dataclass(frozen=True, slots=True)
class Program:
    """A column of the table. `client` is the folder of its client."""

    name: str
    client: str
    command: tuple[str, ...]
    build: Callable[[], None]

    @property
    def missing(self) -> tuple[str, ...]:
        """The required programs that this machine does not have."""
        return next(client.missing_programs for client in ALL_CLIENTS if client.name == self.client)


def _build_python() -> None:
    """Do nothing: Python needs no build."""


def _build_go() -> None:
    _run_build(["go", "vet", "./..."], "go")
    _run_build(["go", "build", "-o", "bin/", "./cmd/conformance"], "go")


def _build_typescript() -> None:
    try:
        install_packages()
    except GenerationError as error:
        raise ProgramBuildError(str(error)) from None
    _run_build(["npm", "run", "--silent", "build"], "typescript")


def _build_java() -> None:
    with exclusive_tool_lock():
        _run_build(
            ["mvn", "--quiet", "--batch-mode", "--offline", "process-classes"],
            "java",
            retry_without_option="--offline",
        )


def _run_build(command: list[str], client: str, retry_without_option: str = "") -> None:
    """Build a program, and retry once without `retry_without_option` after a failure.

    Raises:
        ProgramBuildError: The build failed.
    """
    completed = subprocess.run(command, cwd=CLIENTS / client, check=False, capture_output=True, text=True)
    if completed.returncode != 0 and retry_without_option:
        _run_build([argument for argument in command if argument != retry_without_option], client)
    elif completed.returncode != 0:
        output_tail = "\n".join((completed.stdout + completed.stderr).splitlines()[-30:])
        raise ProgramBuildError(f"The client in clients/{client} cannot be built:\n{output_tail}")


_NODE_COMMAND = (
    shutil.which("node") or "node",
    str(CLIENTS / "typescript" / "dist" / "conformance" / "main.js"),
)
_JAVA_CLASSPATH = f"{CLIENTS / 'java' / 'target' / 'classes'}:{CLIENTS / 'java' / 'target' / 'jars'}/*"
PROGRAMS = (
    Program("Python", "python", (sys.executable, "-m", "wms_client.conformance"), _build_python),
    Program("Go", "go", (str(CLIENTS / "go" / "bin" / "conformance"),), _build_go),
    Program("TypeScript, connect-es", "typescript", (*_NODE_COMMAND, "connect"), _build_typescript),
    Program("TypeScript, grpc-js", "typescript", (*_NODE_COMMAND, "grpc-js"), _build_typescript),
    Program(
        "Java",
        "java",
        (shutil.which("java") or "java", "-cp", _JAVA_CLASSPATH, "com.wms.orders.client.conformance.Main"),
        _build_java,
    ),
)
CASES_PATH: Path = CLIENTS / "conformance" / "cases.json"
