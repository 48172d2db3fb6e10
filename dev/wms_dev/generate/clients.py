"""The clients, each with what its generation needs."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wms_dev.generate import go, java, python, typescript
from wms_dev.generate.protos import CLIENTS


@dataclass(frozen=True, slots=True)
class Client:
    """The client of one language: `made` are the folders below its own that are generated as a whole."""

    name: str
    made: tuple[str, ...]
    generate: Callable[[Path], None]
    programs: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where it is committed."""
        return CLIENTS / self.name

    @property
    def missing(self) -> tuple[str, ...]:
        """The programs that this machine lacks for it."""
        return tuple(program for program in self.programs if shutil.which(program) is None)


PYTHON = Client("python", ("wms", "buf"), python.generate)
ALL = (
    PYTHON,
    Client("go", (go.PACKAGE,), go.generate, ("go",)),
    Client("typescript", ("src/gen",), typescript.generate, ("node", "npm")),
    Client("java", ("src/generated",), java.generate, ("java", "mvn")),
)
