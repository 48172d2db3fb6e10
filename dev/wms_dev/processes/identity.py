"""Which process a number stands for: numbers are used again, processes are not."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Identity:
    """A process id, and when that process was started as far as the system tells."""

    pid: int
    started: str

    def is_alive(self) -> bool:
        """Whether this very process has not ended."""
        return _state_and_start(self.pid) == (True, self.started)

    def send(self, number: signal.Signals) -> None:
        """Signal it if it is still there."""
        if self.is_alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def identify(pid: int) -> Identity:
    """The process that has this number now."""
    return Identity(pid, _state_and_start(pid)[1])


def end_all(processes: Sequence[Identity], grace: float) -> None:
    """Return when all have ended: SIGTERM, after `grace` seconds SIGKILL."""
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        for process in processes:
            process.send(number)
        deadline = time.monotonic() + seconds
        while any(process.is_alive() for process in processes) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)


def _state_and_start(pid: int) -> tuple[bool, str]:
    """Whether there is such a process that has not ended, and its start in the kernel's clock ticks."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _is_in_table(pid), ""
    return facts[0] not in {"Z", "X"}, facts[19]


def _is_in_table(pid: int) -> bool:
    if Path("/proc/self/stat").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
