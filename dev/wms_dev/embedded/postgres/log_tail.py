"""The end of the server's log, for error messages."""

from pathlib import Path

LOG_TAIL_LINES = 20


def log_end(log: Path) -> int:
    """Return the current size of the log in bytes."""
    return log.stat().st_size


def log_tail(log: Path, position: int) -> str:
    """Return the last lines that were written after the position `since`."""
    with log.open("rb") as file:
        file.seek(position)
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-LOG_TAIL_LINES:]) or "(empty)"
