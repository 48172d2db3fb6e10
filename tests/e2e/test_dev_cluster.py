"""`wms-orders dev-cluster` as its user runs it: one of three acts, another follows, no process is left."""

import os
import re
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.support.waiting import exit_code, until
from tests.support.zookeeper import own_zookeeper
from wms_core.tether import tethered
from wms_dev.processes.census import processes_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux"),
    pytest.mark.timeout(180),
]

UP_SECONDS = 90.0
LINE = re.compile(r"^  (worker-\d) +pid (\d+) +(active|passive)", re.MULTILINE)


def _last_shown(output: Path) -> list[tuple[str, str, str]]:
    """Give name, process and standing of each worker, as it was printed last."""
    blocks = [LINE.findall(block) for block in output.read_text().split("\n\n")]
    return next((block for block in reversed(blocks) if block), [])


def _active(output: Path) -> list[tuple[str, int]]:
    return [(name, int(pid)) for name, pid, standing in _last_shown(output) if standing == "active"]


def test_another_of_three_workers_follows_the_one_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows who acts, and after the end nothing is left of it."""
    with own_zookeeper():
        pass  # or skip
    monkeypatch.delenv("ZOOKEEPER_HOSTS", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    mark, output = f"MARK_{uuid.uuid4().hex}", tmp_path / "output"
    with output.open("wb") as file:
        cluster = subprocess.Popen(
            tethered([sys.executable, "-m", "wms_core.command", "dev-cluster"]),
            env={**os.environ, mark: "1", "TMPDIR": str(tmp_path), "ZOOKEEPER_SESSION_TIMEOUT": "2s"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        shown = until(lambda: len(_last_shown(output)) == 3 and len(_active(output)) == 1, UP_SECONDS)
        assert shown, output.read_text()
        ((name, pid),) = _active(output)
        os.kill(pid, signal.SIGKILL)
        followed = until(lambda: bool(_active(output)) and _active(output)[0][0] != name, 15)
        assert followed, output.read_text()
        cluster.send_signal(signal.SIGTERM)
        assert exit_code(cluster, 60) == 0
    finally:
        cluster.kill()
        cluster.wait(10)
    assert until(lambda: not processes_of(mark, tmp_path), 20), processes_of(mark, tmp_path)
