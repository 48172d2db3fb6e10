"""The memory of a process and its descendants, as a container is charged for it."""

from pathlib import Path

MIB = 1024 * 1024


def proportional_bytes_of_tree(pid: int) -> int:
    """Return the proportional set size of a process and its descendants in bytes. Shared pages count once."""
    total, waiting = 0, [pid]
    while waiting:
        process = Path("/proc", str(waiting.pop()))
        try:
            total += _proportional_bytes(process)
            for task in (process / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def _proportional_bytes(process: Path) -> int:
    lines = (process / "smaps_rollup").read_text().splitlines()
    (kibibytes,) = [line.split()[1] for line in lines if line.startswith("Pss:")]
    return int(kibibytes) * 1024
