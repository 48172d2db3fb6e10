"""Several Java servers that belong together, from start to stop."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

from wms_dev.java.problems import ServerFailed
from wms_dev.java.server import JavaServer
from wms_dev.ports import free_port
from wms_dev.processes.run_folder import RunFolder

START_SECONDS = 60.0
LOOK_SECONDS = 0.05

S = TypeVar("S", bound=JavaServer)


class JavaServers(ABC, Generic[S]):
    """Servers on loopback with their data in a folder that goes with them, while entered.

    Entering raises `JavaMissing`, `ServerFailed` or `ChildEnded`; nothing is left running then.
    """

    def __init__(self) -> None:
        self._folder: RunFolder | None = None
        self.nodes: tuple[S, ...] = ()

    @abstractmethod
    def make(self, folder: RunFolder) -> Sequence[S]:
        """Make the servers, their data below this folder, without starting them; raises `JavaMissing`."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def hosts(self) -> str:
        """Where clients find them: host:port, several of them with commas between."""
        return ",".join(node.address for node in self.nodes)

    def start(self) -> None:
        """Start all and wait until they serve."""
        self._folder = RunFolder()
        self.nodes = tuple(self.make(self._folder))
        for node in self.nodes:
            node.start()
        self.wait()

    def mend(self) -> None:
        """Bring back those that were killed or frozen, and wait until all serve."""
        for node in self.nodes:
            node.revive()
        self.wait()

    def stop(self) -> None:
        """End all, bounded, and remove their folder; may be repeated."""
        for node in self.nodes:
            node.stop()
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def wait(self, seconds: float = START_SECONDS) -> None:
        """Wait until all serve; raises `ChildEnded` or `ServerFailed`."""
        deadline = time.monotonic() + seconds
        while waiting := [node for node in self.nodes if not node.serves()]:
            for node in waiting:
                node.check()
            if time.monotonic() > deadline:
                names = ", ".join(node.name for node in waiting)
                raise ServerFailed(f"Not ready after {seconds:.0f} s: {names}; see {waiting[0].log}")
            time.sleep(LOOK_SECONDS)


def different_ports(count: int) -> list[int]:
    """Ports that are free now and all different."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)
