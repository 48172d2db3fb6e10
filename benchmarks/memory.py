"""Resident memory of a process."""

from pathlib import Path


def resident_mb(pid: int) -> float:
    """Return the resident set of a process in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
