"""A Java server and its faults."""

import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from wms_dev.embedded.jvm.errors import ServerFailed
from wms_dev.local_stack.child_process import ChildProcess

_FREEZE_SECONDS = 5.0


def is_stopped(pid: int) -> bool:
    """Return whether every thread of a process is stopped."""
    try:
        stats = [stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    except (FileNotFoundError, ProcessLookupError):
        # The thread has just ended.
        return False
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


class JavaServer(ABC):
    """A server of a cluster.

    Start it from the main thread: the kernel kills the server when the thread that started it ends.
    """

    # The timeout for a graceful stop, in seconds.
    stop_seconds = 4.0

    def __init__(
        self, name: str, port: int, command: Sequence[str], folder: Path, register_pid: Callable[[int], None]
    ) -> None:
        """Create a server; `register_pid` receives the process id of each start."""
        self.name = name
        self.port = port
        self.log_path = folder / "log"
        self._folder = folder
        self._command = command
        self._register_pid = register_pid
        self._child: ChildProcess | None = None

    @abstractmethod
    def is_serving(self) -> bool:
        """Return whether the server responds and has joined the cluster."""

    @property
    def address(self) -> str:
        """The address for clients, host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id. Raises `ServerFailed` when the server does not run."""
        if self._child is None or self._child.process.poll() is not None:
            raise ServerFailed(f"The {self.name} is not running; see its log {self.log_path}")
        return self._child.process.pid

    def start(self) -> None:
        """Start the server with its stored data. Use `is_serving` to wait for it."""
        # Without JAVA_TOOL_OPTIONS and the like, which would override the heap limits of the command.
        environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        self._child = ChildProcess.start(self.name, self._command, environment, self.log_path)
        self._register_pid(self._child.process.pid)

    def stop(self) -> None:
        """Stop the server within about `stop_seconds`. Do nothing if it has exited."""
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.process.send_signal(signal.SIGCONT)
            self._child.stop(self.stop_seconds)

    def kill(self) -> None:
        """Kill the server, as a failure of the machine would."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._child
        self._child.process.wait(5)
        self._child.stop(0)  # closes its stdin

    def freeze(self) -> None:
        """Stop all threads of the server: connections stay open without responses.

        Raises:
            ServerFailed: A thread still runs after `_FREEZE_SECONDS`.
        """
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        # A thread on another processor continues for a moment after SIGSTOP.
        deadline = time.monotonic() + _FREEZE_SECONDS
        while not is_stopped(pid):
            if time.monotonic() > deadline:
                raise ServerFailed(f"The {self.name} (process {pid}) did not freeze")
            time.sleep(0.001)

    def unfreeze(self) -> None:
        """Continue after `freeze`."""
        os.kill(self.pid, signal.SIGCONT)

    def revive(self) -> None:
        """Unfreeze the server, or start it again if it has exited."""
        if self._child is None or self._child.process.poll() is not None:
            self.start()
        else:
            self.unfreeze()

    def raise_if_exited(self) -> None:
        """Raise `ChildExited` with the end of the log if the server has exited."""
        assert self._child
        self._child.raise_if_exited(f"The full log is {self.log_path}")
