"""The processor time that was spent, which other work distorts less than the clock."""

import os
from collections import defaultdict
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Give the processor time of a process and all its descendants, those that have ended included."""
    children: dict[int, list[int]] = defaultdict(list)
    spent: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        number = int(entry.parent.name)
        children[int(fields[1])].append(number)
        # Its own in user and in system mode, then those of its children that have ended.
        spent[number] = sum(int(field) for field in fields[11:15])
    return _sum(pid, children, spent) / _TICKS


def _sum(pid: int, children: dict[int, list[int]], spent: dict[int, int]) -> int:
    return spent.get(pid, 0) + sum(_sum(child, children, spent) for child in children[pid])
