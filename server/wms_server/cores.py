"""How many cores this process may use."""

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Count the cores that the scheduler and the quotas of control groups (version 2) leave to this process.

    1 elsewhere than on Linux, where processes that listen on one port do not share what comes.
    """
    if sys.platform != "linux":
        return 1
    return max(1, math.ceil(min([len(os.sched_getaffinity(0)), *_quotas(_own_cgroup())])))


def _own_cgroup() -> Path:
    """Give the folder of the control group that this process is in."""
    try:
        lines = _OWN_CGROUP.read_text().splitlines()
    except OSError:
        return _CGROUPS
    path = next((line[3:] for line in lines if line.startswith("0::")), "/")
    return _CGROUPS / path.lstrip("/")


def _quotas(group: Path) -> Iterator[float]:
    """Give the cores that a group and those that it is in may keep busy, where there is a limit."""
    for folder in (group, *group.parents):
        try:
            quota, period = (folder / "cpu.max").read_text().split()
        except (OSError, ValueError):
            continue
        if quota != "max":
            yield int(quota) / int(period)
