"""`wms-orders dev-cluster` as its user runs it: one of three workers leads, another replaces it."""

import os
import re
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.support.external.zookeeper import run_zookeeper
from tests.support.waiting import exit_code, wait_until
from wms_core.runtime.parent_death import with_parent_death_signal
from wms_dev.local_stack.stale_processes import find_processes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux"),
    pytest.mark.timeout(180),
]

UP_SECONDS = 90.0
LINE = re.compile(r"^  (worker-\d) +pid (\d+) +(active|passive)", re.MULTILINE)


def _last_printed_workers(output: Path) -> list[tuple[str, str, str]]:
    """Return name, process id and state of each worker from the last output."""
    blocks = [LINE.findall(block) for block in output.read_text().split("\n\n")]
    return next((block for block in reversed(blocks) if block), [])


def _active_workers(output: Path) -> list[tuple[str, int]]:
    return [(name, int(pid)) for name, pid, state in _last_printed_workers(output) if state == "active"]


def test_killed_leader_of_three_workers_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output shows the leader. After the end no process is left."""
    with run_zookeeper():
        pass  # skips the test without ZooKeeper
    monkeypatch.delenv("ZOOKEEPER_HOSTS", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    mark, output = f"MARK_{uuid.uuid4().hex}", tmp_path / "output"
    with output.open("wb") as file:
        cluster = subprocess.Popen(
            with_parent_death_signal([sys.executable, "-m", "wms_core.cli", "dev-cluster"]),
            env={**os.environ, mark: "1", "TMPDIR": str(tmp_path), "ZOOKEEPER_SESSION_TIMEOUT": "2s"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        is_up = wait_until(
            lambda: len(_last_printed_workers(output)) == 3 and len(_active_workers(output)) == 1, UP_SECONDS
        )
        assert is_up, output.read_text()
        ((name, pid),) = _active_workers(output)
        os.kill(pid, signal.SIGKILL)
        is_replaced = wait_until(
            lambda: bool(_active_workers(output)) and _active_workers(output)[0][0] != name, 15
        )
        assert is_replaced, output.read_text()
        cluster.send_signal(signal.SIGTERM)
        assert exit_code(cluster, 60) == 0
    finally:
        cluster.kill()
        cluster.wait(10)
    assert wait_until(lambda: not find_processes(mark, tmp_path), 20), find_processes(mark, tmp_path)
