"""Processes that tests start, and the logs that they write."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import Process
from tests.support.waiting import bounded, eventually
from wms_dev.embedded_postgres.processes import is_alive
from wms_dev.java.server import is_stopped

ROOT = Path(__file__).parents[2]
_OWNER = """
import sys, time
from pathlib import Path

from tests.support.processes import Processes

worker = Processes(Path(sys.argv[1])).worker("postgresql://nobody@127.0.0.1:1/none")
print(worker.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the children of a killed process")
@pytest.mark.parametrize("frozen", [False, True], ids=["running", "frozen"])
async def test_a_process_does_not_outlive_a_pytest_that_is_killed(tmp_path: Path, frozen: bool) -> None:
    """Also one that a test has frozen."""
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _OWNER, str(tmp_path)), cwd=ROOT, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    pid = int(await bounded(owner.stdout.readline(), 20))
    log = tmp_path / "worker-0.log"

    async def has_begun() -> bool:
        return "waiting_for_database" in log.read_text(encoding="utf-8")

    await eventually(has_begun)

    async def has_stopped() -> bool:
        return is_stopped(pid)

    if frozen:
        os.kill(pid, signal.SIGSTOP)
        # The kernel wakes a process whose group is left behind, if all its threads have stopped by then.
        await eventually(has_stopped)
    owner.kill()
    await owner.communicate()

    async def is_gone() -> bool:
        return not is_alive(pid)

    await eventually(is_gone)


async def test_a_line_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    """What a process has logged is read while it goes on; a line may hold any character."""
    log = tmp_path / "log"
    process = Process("migrate", "", {}, log)
    await process.ended()
    log.write_text('{"event": "a\u2028b"}\n{"event": "c', encoding="utf-8")
    assert process.entries == [{"event": "a\u2028b"}]
