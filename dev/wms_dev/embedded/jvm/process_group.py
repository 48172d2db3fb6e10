"""A cluster of Java servers, from start to stop."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

from wms_dev.embedded.jvm.errors import ServerFailed
from wms_dev.embedded.jvm.process import JavaServer
from wms_dev.free_port import find_free_port
from wms_dev.local_stack.run_directory import RunDirectory

START_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.05

S = TypeVar("S", bound=JavaServer)


class JavaCluster(ABC, Generic[S]):
    """Servers on loopback with a temporary folder for their data, as a context manager.

    Entering raises `JavaMissing`, `ServerFailed` or `ChildExited` after all started servers have been
    stopped.
    """

    def __init__(self) -> None:
        self._folder: RunDirectory | None = None
        self.nodes: tuple[S, ...] = ()

    @abstractmethod
    def create_nodes(self, folder: RunDirectory) -> Sequence[S]:
        """Create the servers with their data below this folder, without starting them.

        Raises:
            JavaMissing: There is no Java, or the jars cannot be fetched.
        """

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
        """The addresses for clients as host:port, separated by commas."""
        return ",".join(node.address for node in self.nodes)

    def start(self) -> None:
        """Start all servers and wait until they serve."""
        self._folder = RunDirectory()
        self.nodes = tuple(self.create_nodes(self._folder))
        for node in self.nodes:
            node.start()
        self.wait_until_serving()

    def restore_nodes(self) -> None:
        """Unfreeze or restart the servers, and wait until all serve."""
        for node in self.nodes:
            node.revive()
        self.wait_until_serving()

    def stop(self) -> None:
        """Stop all servers and remove their folder. A repeated call does nothing."""
        for node in self.nodes:
            node.stop()
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def wait_until_serving(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Wait until all servers serve.

        Raises:
            ChildExited: A server exited.
            ServerFailed: A server does not serve after `timeout_seconds`.
        """
        deadline = time.monotonic() + timeout_seconds
        while pending_nodes := [node for node in self.nodes if not node.is_serving()]:
            for node in pending_nodes:
                node.raise_if_exited()
            if time.monotonic() > deadline:
                names = ", ".join(node.name for node in pending_nodes)
                raise ServerFailed(
                    f"Not ready after {timeout_seconds:.0f} s: {names}; see {pending_nodes[0].log_path}"
                )
            time.sleep(POLL_SECONDS)


def find_distinct_ports(count: int) -> list[int]:
    """Return different free ports."""
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(find_free_port())
    return list(ports)
