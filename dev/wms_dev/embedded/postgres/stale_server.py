"""A Postgres that a killed supervisor left on the data folder."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from wms_dev.embedded.postgres.polling import Wait
from wms_dev.embedded.postgres.process_table import has_process
from wms_dev.embedded.postgres.shutdown import stop_postgres


def stop_stale_server(cluster: Path, wait: Wait = time.sleep) -> None:
    """Stop the postmaster that runs on this cluster, if any. The caller must hold the folder's lock.

    The recorded process gets a signal only while its command line is that of Postgres on this cluster.
    """
    pid = read_recorded_pid(cluster)
    stop_postgres(lambda: is_postgres_on(pid, cluster), lambda step: os.kill(pid, step), wait)
    if has_process(pid) and not is_postgres_on(pid, cluster):
        # Another process has this id now, or it is not reaped yet; Postgres would refuse to start because of
        # it.
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def read_recorded_pid(cluster: Path) -> int:
    """Return the process id in postmaster.pid, or 0."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((cluster / "postmaster.pid").read_text().splitlines()[0])
    return 0


def is_postgres_on(pid: int, cluster: Path) -> bool:
    """Return whether this process is a postmaster of this cluster."""
    arguments = _read_command_line(pid)
    if not arguments or Path(arguments[0]).name not in {"postgres", "postmaster"}:
        return False
    return ["-D", str(cluster)] in (arguments[index : index + 2] for index in range(len(arguments)))


def _read_command_line(pid: int) -> list[str]:
    if pid <= 0:
        return []
    if sys.platform == "linux":
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        except OSError:
            return []
    # The output of `ps` has no separators: a path with a space is not recognized, and its server left
    # running.
    completed = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=False
    )
    return completed.stdout.split()
