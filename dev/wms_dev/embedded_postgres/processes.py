"""What the process table says."""

import os
from pathlib import Path


def has_process(pid: int) -> bool:
    """Whether this number is in the table, be it of a process that ended and was not reaped yet."""
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
    """Whether this process, whoever's it is, has not ended. Off Linux an unreaped one counts as alive."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return has_process(pid)
    return state not in {"Z", "X"}
