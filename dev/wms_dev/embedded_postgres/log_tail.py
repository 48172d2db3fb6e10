"""The end of the server's log, for error messages."""

from pathlib import Path

LINES = 20


def log_end(log: Path) -> int:
    """The place up to which the log is written now."""
    return log.stat().st_size


def log_tail(log: Path, since: int) -> str:
    """The last lines that were written after the place `since`."""
    with log.open("rb") as file:
        file.seek(since)
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-LINES:]) or "(nothing)"
