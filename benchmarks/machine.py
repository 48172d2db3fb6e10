"""Description of the machine of a measurement."""

import os
import platform
from pathlib import Path
from typing import Any


def describe_machine() -> dict[str, Any]:
    """Return a description of this machine."""
    return {
        "cpus": os.cpu_count(),
        "model": _find_first_line("/proc/cpuinfo", "model name"),
        "memory": _find_first_line("/proc/meminfo", "MemTotal"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_at_the_end": [round(load, 1) for load in os.getloadavg()],
    }


def _find_first_line(file: str, name: str) -> str:
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
