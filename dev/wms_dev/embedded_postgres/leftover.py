"""A Postgres that an earlier, killed keeper left on the data folder."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from wms_dev.embedded_postgres.processes import has_process
from wms_dev.embedded_postgres.stopping import stop_postgres
from wms_dev.embedded_postgres.waiting import Pause


def end_leftover(cluster: Path, pause: Pause = time.sleep) -> None:
    """Stop the postmaster that runs on this cluster, if any. The caller holds the folder's lock.

    The recorded process is signalled only while its command line is that of Postgres on this cluster.
    """
    pid = recorded_pid(cluster)
    stop_postgres(lambda: is_postgres_on(pid, cluster), lambda step: os.kill(pid, step), pause)
    if has_process(pid) and not is_postgres_on(pid, cluster):
        # The number is somebody else's now or not reaped yet: Postgres would take that for its twin.
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def recorded_pid(cluster: Path) -> int:
    """The process id in postmaster.pid, 0 when there is none."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((cluster / "postmaster.pid").read_text().splitlines()[0])
    return 0


def is_postgres_on(pid: int, cluster: Path) -> bool:
    """Whether this process is a postmaster that was started on this cluster."""
    words = _command_line(pid)
    if not words or Path(words[0]).name not in {"postgres", "postmaster"}:
        return False
    return ["-D", str(cluster)] in (words[at : at + 2] for at in range(len(words)))


def _command_line(pid: int) -> list[str]:
    if pid <= 0:
        return []
    if sys.platform == "linux":
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        except OSError:
            return []
    # Words are all that `ps` tells: a folder with a blank in its name is never recognised, and so left alone.
    answer = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=False
    )
    return answer.stdout.split()
