"""The memory that a process of ours has in use."""

from pathlib import Path


def resident_mb(pid: int) -> float:
    """Give the resident set of a process in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
