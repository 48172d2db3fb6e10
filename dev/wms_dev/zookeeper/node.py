"""One ZooKeeper server, and what may happen to it."""

import os
import shutil
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from wms_dev.processes.child import Child
from wms_dev.zookeeper.problems import ZooKeeperFailed

ANSWER_SECONDS = 1.0
STOP_SECONDS = 4.0


class Node:
    """A node of an ensemble; started, also again, from the main thread, whose end it does not survive."""

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

    @property
    def address(self) -> str:
        """Where clients find it: host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process; raises `ZooKeeperFailed` when it has none."""
        if self._child is None or self._child.process.poll() is not None:
            raise ZooKeeperFailed(f"The {self.name} does not run; its log is {self.log}")
        return self._child.process.pid

    def start(self) -> None:
        """Start it, with what it stored before; it serves a little later."""
        # Its heap is bounded by its own options; the environment could say otherwise.
        environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        self._child = Child.start(self.name, self._command, environment, self.log)
        self._watch(self._child.process.pid)

    def stop(self) -> None:
        """End it within `STOP_SECONDS` and a little; does nothing when it has ended."""
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.process.send_signal(signal.SIGCONT)
            self._child.stop(STOP_SECONDS)

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

    def wipe(self) -> None:
        """Remove all that it stored, while it does not run; it starts like a new one."""
        for store in (self._folder / "data").glob("version-*"):
            shutil.rmtree(store)

    def check(self) -> None:
        """Raise `ChildEnded` with its last words if it has ended."""
        assert self._child
        self._child.check(f"Its whole log is {self.log}")

    def mode(self) -> str | None:
        """`standalone`, `leader` or `follower`; None when it does not serve."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS) as asked:
                asked.sendall(b"srvr")
                with asked.makefile("r", encoding="ascii", errors="replace") as answer:
                    words = [line.split() for line in answer]
        except OSError:
            return None
        return next((line[1] for line in words if len(line) == 2 and line[0] == "Mode:"), None)
