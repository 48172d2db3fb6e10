"""The folder for the logs of one run, which is gone after it."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from wms_dev.processes.guard import GRACE_SECONDS

SOURCE_ROOT = Path(__file__).resolve().parents[2]


class RunFolder:
    """A temporary folder with a guard that removes it after our end, and the children it was told of."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="wms-orders-"))
        self._guard = subprocess.Popen(
            [sys.executable, "-S", "-P", "-m", "wms_dev.processes.guard", self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        """Have the guard end this child of ours if we can't."""
        assert self._guard.stdin
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.write(f"{pid}\n".encode())

    def remove(self) -> None:
        """Dismiss the guard and wait until the folder is gone; bounded, may be repeated."""
        assert self._guard.stdin
        self._guard.stdin.close()
        try:
            self._guard.wait(GRACE_SECONDS + 10)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait(5)
        shutil.rmtree(self.path, ignore_errors=True)
