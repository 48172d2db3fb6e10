"""One Java server, and what may happen to it."""

import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from wms_dev.java.problems import ServerFailed
from wms_dev.processes.child import Child


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
        """Let it stand still: its connections stay open and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

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
