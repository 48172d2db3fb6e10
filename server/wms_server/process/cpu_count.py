"""The number of CPU cores that this process may use."""

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def count_usable_cores() -> int:
    """Return the cores that the scheduler and the quotas of cgroups (version 2) leave to this process.

    Return 1 on systems other than Linux, where processes listening on one port do not share connections.
    """
    if sys.platform != "linux":
        return 1
    return max(1, math.ceil(min([len(os.sched_getaffinity(0)), *_read_quotas(_find_own_cgroup())])))


def _find_own_cgroup() -> Path:
    """Return the folder of this process's cgroup."""
    try:
        lines = _OWN_CGROUP.read_text().splitlines()
    except OSError:
        return _CGROUP_ROOT
    path = next((line[3:] for line in lines if line.startswith("0::")), "/")
    return _CGROUP_ROOT / path.lstrip("/")


def _read_quotas(group: Path) -> Iterator[float]:
    """Yield the limits, in cores, of a cgroup and its ancestors."""
    for group_folder in (group, *group.parents):
        try:
            quota_microseconds, period_microseconds = (group_folder / "cpu.max").read_text().split()
        except (OSError, ValueError):
            continue
        if quota_microseconds != "max":
            yield int(quota_microseconds) / int(period_microseconds)
