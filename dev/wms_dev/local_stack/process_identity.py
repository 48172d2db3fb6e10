"""Identity of a process: process ids are reused, the pair of id and start time is not."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class ProcessIdentity:
    """A process id and the start time of the process, in clock ticks of the kernel."""

    pid: int
    started: str

    def is_alive(self) -> bool:
        """Return whether this process is still running."""
        return _state_and_start(self.pid) == (True, self.started)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal if the process is still running."""
        if self.is_alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def identify_process(pid: int) -> ProcessIdentity:
    """Return the identity of the process that has this id now."""
    return ProcessIdentity(pid, _state_and_start(pid)[1])


def terminate_all(processes: Sequence[ProcessIdentity], grace_seconds: float) -> None:
    """Stop all processes and wait: SIGTERM, then SIGKILL after `grace_seconds`."""
    for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 5.0)):
        for process in processes:
            process.send_signal(number)
        deadline = time.monotonic() + seconds
        while any(process.is_alive() for process in processes) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def _state_and_start(pid: int) -> tuple[bool, str]:
    """Return whether the process is running, and its start time in clock ticks of the kernel."""
    try:
        stat_fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _is_in_table(pid), ""
    return stat_fields[0] not in {"Z", "X"}, stat_fields[19]


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
