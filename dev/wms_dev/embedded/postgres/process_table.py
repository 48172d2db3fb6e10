"""Checks of running processes."""

import os
from pathlib import Path


def has_process(pid: int) -> bool:
    """Return whether a process has this id, including exited ones that are not reaped yet."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_alive(pid: int) -> bool:
    """Return whether this process of any user is running. Outside Linux, unreaped processes count, too."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return has_process(pid)
    return state not in {"Z", "X"}
