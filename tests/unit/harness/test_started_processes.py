"""Processes that tests start, and their logs."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes.processes import Process
from tests.support.waiting import eventually, with_timeout
from wms_dev.embedded.jvm.process import is_stopped
from wms_dev.embedded.postgres.process_table import is_alive

ROOT = Path(__file__).parents[3]
_OWNER = """
import sys, time
from pathlib import Path

from tests.support.processes.processes import Processes

worker = Processes(Path(sys.argv[1])).worker("postgresql://nobody@127.0.0.1:1/none")
print(worker.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the children of a killed process")
@pytest.mark.parametrize("is_frozen", [False, True], ids=["running", "frozen"])
async def test_process_ends_with_a_killed_pytest(tmp_path: Path, is_frozen: bool) -> None:
    """This holds even for a frozen process."""
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _OWNER, str(tmp_path)), cwd=ROOT, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    pid = int(await with_timeout(owner.stdout.readline(), 20))
    log = tmp_path / "worker-0.log"

    async def has_started() -> bool:
        return "waiting_for_database" in log.read_text(encoding="utf-8")

    await eventually(has_started)

    async def has_stopped() -> bool:
        return is_stopped(pid)

    if is_frozen:
        os.kill(pid, signal.SIGSTOP)
        # The kernel wakes a process of an orphaned group only if all its threads have stopped by then.
        await eventually(has_stopped)
    owner.kill()
    await owner.communicate()

    async def has_ended() -> bool:
        return not is_alive(pid)

    await eventually(has_ended)


async def test_incomplete_log_line_is_not_read(tmp_path: Path) -> None:
    """Logs are read while the process runs. A line may contain any character."""
    log = tmp_path / "log"
    process = Process("migrate", "", {}, log)
    await process.wait_for_exit()
    log.write_text('{"event": "a\u2028b"}\n{"event": "c', encoding="utf-8")
    assert process.log_entries == [{"event": "a\u2028b"}]
