"""The clients and the programs that their generators need."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wms_dev.codegen import go, java, python, typescript
from wms_dev.codegen.protos import CLIENTS


@dataclass(frozen=True, slots=True)
class LanguageClient:
    """The client of a language. The whole content of `generated_folders` is generated."""

    name: str
    generated_folders: tuple[str, ...]
    generate: Callable[[Path], None]
    required_programs: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The committed folder."""
        return CLIENTS / self.name

    @property
    def missing_programs(self) -> tuple[str, ...]:
        """The required programs that this machine does not have."""
        return tuple(program for program in self.required_programs if shutil.which(program) is None)


PYTHON = LanguageClient("python", ("wms", "buf"), python.generate)
ALL_CLIENTS = (
    PYTHON,
    LanguageClient("go", (go.PACKAGE,), go.generate, ("go",)),
    LanguageClient("typescript", ("src/gen",), typescript.generate, ("node", "npm")),
    LanguageClient("java", ("src/generated",), java.generate, ("java", "mvn")),
)
