"""What a process and its descendants use: memory, and processor time, which other work distorts less."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1024**2


def cpu_seconds(pid: int) -> float:
    """Give the processor time of a process and all its descendants, those that have ended included."""
    # Its own in user and in system mode, then those of its children that have ended.
    return sum(int(field) for fields in _tree(pid) for field in fields[11:15]) / _TICKS


def memory_mb(pid: int) -> float:
    """Give the sum of the resident sets of a process and all its descendants."""
    return sum(int(fields[21]) for fields in _tree(pid)) * _PAGE_MB


def _tree(pid: int) -> Iterator[list[str]]:
    """Give what /proc/<pid>/stat says after the name, of each process."""
    children: dict[int, list[int]] = defaultdict(list)
    known: dict[int, list[str]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        number = int(entry.parent.name)
        children[int(fields[1])].append(number)
        known[number] = fields
    waiting = [pid]
    while waiting:
        number = waiting.pop()
        waiting += children[number]
        if number in known:
            yield known[number]
