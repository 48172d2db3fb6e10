"""The temporary folder for the logs of one run."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from wms_dev.local_stack.cleanup import GRACE_SECONDS

SOURCE_ROOT = Path(__file__).resolve().parents[2]


class RunDirectory:
    """A temporary folder, removed at the end of the run.

    A cleanup process removes the folder and stops the registered children also when this process is killed.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="wms-orders-"))
        self._cleanup_process = subprocess.Popen(
            [sys.executable, "-S", "-P", "-m", "wms_dev.local_stack.cleanup", self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
            start_new_session=True,
        )

    def end_with_parent(self, pid: int) -> None:
        """Let the cleanup process stop this child if this process is killed."""
        assert self._cleanup_process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._cleanup_process.stdin.write(f"{pid}\n".encode())

    def remove(self) -> None:
        """Stop the cleanup process and remove the folder. Bounded in time; a repeated call does nothing."""
        assert self._cleanup_process.stdin
        self._cleanup_process.stdin.close()
        try:
            self._cleanup_process.wait(GRACE_SECONDS + 10)
        except subprocess.TimeoutExpired:
            self._cleanup_process.kill()
            self._cleanup_process.wait(5)
        shutil.rmtree(self.path, ignore_errors=True)
