"""How many cores a process may use."""

import os
from pathlib import Path

import pytest

from wms_server import cores
from wms_server.cores import usable_cores


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give a place for control groups, of which ours is `service` in `slice`; 16 cores."""
    monkeypatch.setattr(cores, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(cores, "_OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    (tmp_path / "own").write_text("1:cpu:/elsewhere\n0::/slice/service\n")
    (tmp_path / "cgroup" / "slice" / "service").mkdir(parents=True)
    return tmp_path / "cgroup"


def test_without_a_quota_it_is_what_the_scheduler_gives(groups: Path) -> None:
    """A quota of `max` is none."""
    assert usable_cores() == 16
    (groups / "slice" / "service" / "cpu.max").write_text("max 100000\n")
    assert usable_cores() == 16


@pytest.mark.parametrize(("quota", "expected"), [(200_000, 2), (150_000, 2), (50_000, 1), (3_200_000, 16)])
def test_a_quota_counts_as_the_cores_that_it_keeps_busy(groups: Path, quota: int, expected: int) -> None:
    """As containers have it: a part of a core as a whole one, never more than there are."""
    (groups / "slice" / "service" / "cpu.max").write_text(f"{quota} 100000\n")
    assert usable_cores() == expected


def test_the_quota_of_a_group_above_counts_too(groups: Path) -> None:
    """The smallest one does."""
    (groups / "slice" / "service" / "cpu.max").write_text("800000 100000\n")
    (groups / "slice" / "cpu.max").write_text("300000 100000\n")
    assert usable_cores() == 3


def test_a_machine_without_control_groups_has_no_quota(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said when there is nothing to read."""
    monkeypatch.setattr(cores, "_OWN_CGROUP", groups / "nothing")
    assert usable_cores() == 16
