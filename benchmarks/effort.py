"""Memory and processor time of a process and its descendants.

Processor time is less affected by other work on the machine than elapsed time.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1024**2


def cpu_seconds(pid: int) -> float:
    """Return the processor time in seconds of a process and all its descendants, including ended ones."""
    # utime, stime, cutime and cstime: own time in user and system mode, then that of ended children.
    return (
        sum(int(field) for fields in _read_process_stats(pid) for field in fields[11:15]) / _TICKS_PER_SECOND
    )


def memory_mb(pid: int) -> float:
    """Return the sum of the resident sets of a process and all its descendants in megabytes."""
    return sum(int(fields[21]) for fields in _read_process_stats(pid)) * _PAGE_MB


def _read_process_stats(pid: int) -> Iterator[list[str]]:
    """Yield the fields of /proc/<pid>/stat after the name, for a process and all its descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    stat_by_pid: dict[int, list[str]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        number = int(entry.parent.name)
        children[int(fields[1])].append(number)
        stat_by_pid[number] = fields
    remaining_pids = [pid]
    while remaining_pids:
        number = remaining_pids.pop()
        remaining_pids += children[number]
        if number in stat_by_pid:
            yield stat_by_pid[number]
