"""The number of cores that a process may use."""

import os
from pathlib import Path

import pytest

from wms_server.process import cpu_count
from wms_server.process.cpu_count import count_usable_cores


@pytest.fixture
def cgroup_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the root of the control groups on 16 cores. The process is in `slice/service`."""
    monkeypatch.setattr(cpu_count, "_CGROUP_ROOT", tmp_path / "cgroup")
    monkeypatch.setattr(cpu_count, "_OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    (tmp_path / "own").write_text("1:cpu:/elsewhere\n0::/slice/service\n")
    (tmp_path / "cgroup" / "slice" / "service").mkdir(parents=True)
    return tmp_path / "cgroup"


def test_without_a_quota_the_scheduler_decides(cgroup_root: Path) -> None:
    """A quota of `max` is no quota."""
    assert count_usable_cores() == 16
    (cgroup_root / "slice" / "service" / "cpu.max").write_text("max 100000\n")
    assert count_usable_cores() == 16


@pytest.mark.parametrize(("quota", "expected"), [(200_000, 2), (150_000, 2), (50_000, 1), (3_200_000, 16)])
def test_quota_is_rounded_up_to_cores(cgroup_root: Path, quota: int, expected: int) -> None:
    """Containers have such quotas. The result never exceeds the cores of the machine."""
    (cgroup_root / "slice" / "service" / "cpu.max").write_text(f"{quota} 100000\n")
    assert count_usable_cores() == expected


def test_quota_of_a_parent_group_counts(cgroup_root: Path) -> None:
    """The smallest quota applies."""
    (cgroup_root / "slice" / "service" / "cpu.max").write_text("800000 100000\n")
    (cgroup_root / "slice" / "cpu.max").write_text("300000 100000\n")
    assert count_usable_cores() == 3


def test_machine_without_control_groups_has_no_quota(
    cgroup_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing files cause no error."""
    monkeypatch.setattr(cpu_count, "_OWN_CGROUP", cgroup_root / "nothing")
    assert count_usable_cores() == 16
