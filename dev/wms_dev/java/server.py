"""One Java server, and what may happen to it."""

import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from wms_dev.java.problems import ServerFailed
from wms_dev.processes.child import Child

_FREEZE_SECONDS = 5.0


def is_stopped(pid: int) -> bool:
    """Return whether every thread of a process is stopped."""
    try:
        stats = [stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    except (FileNotFoundError, ProcessLookupError):
        # A thread has just ended.
        return False
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


class JavaServer(ABC):
    """A server among its like; started, also again, from the main thread, whose end it does not survive."""

    #: How long it may take over its own end.
    stop_seconds = 4.0

    def __init__(
        self, name: str, port: int, command: Sequence[str], folder: Path, watch: Callable[[int], None]
    ) -> None:
        """`watch` is told of each of its processes."""
        self.name = name
        self.port = port
        self.log = folder / "log"
        self._folder = folder
        self._command = command
        self._watch = watch
        self._child: Child | None = None

    @abstractmethod
    def serves(self) -> bool:
        """Whether it answers, and has found the others."""

    @property
    def address(self) -> str:
        """Where clients find it: host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process; raises `ServerFailed` when it has none."""
        if self._child is None or self._child.process.poll() is not None:
            raise ServerFailed(f"The {self.name} does not run; its log is {self.log}")
        return self._child.process.pid

    def start(self) -> None:
        """Start it, with what it stored before; it serves a little later."""
        # Its heap is bounded by its own options; the environment could say otherwise.
        environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        self._child = Child.start(self.name, self._command, environment, self.log)
        self._watch(self._child.process.pid)

    def stop(self) -> None:
        """End it within `stop_seconds` and a little; does nothing when it has ended."""
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.process.send_signal(signal.SIGCONT)
            self._child.stop(self.stop_seconds)

    def kill(self) -> None:
        """End it without a word to anybody, as a broken machine does."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._child
        self._child.process.wait(5)
        self._child.stop(0)  # lets go of its input

    def freeze(self) -> None:
        """Stop all its threads: its connections stay open and nothing is answered.

        Raises `ServerFailed` when one of them still runs after `_FREEZE_SECONDS`.
        """
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        # A thread that runs on another processor goes on for a moment.
        deadline = time.monotonic() + _FREEZE_SECONDS
        while not is_stopped(pid):
            if time.monotonic() > deadline:
                raise ServerFailed(f"The {self.name} (process {pid}) has not stopped")
            time.sleep(0.001)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def revive(self) -> None:
        """Thaw it, or start it again if it has ended."""
        if self._child is None or self._child.process.poll() is not None:
            self.start()
        else:
            self.thaw()

    def check(self) -> None:
        """Raise `ChildEnded` with its last words if it has ended."""
        assert self._child
        self._child.check(f"Its whole log is {self.log}")
