"""A ZooKeeper of our own: one node, or several that elect a leader among themselves."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from wms_dev.ports import free_port
from wms_dev.processes.run_folder import RunFolder
from wms_dev.zookeeper.configuration import Ports, command, write_configuration
from wms_dev.zookeeper.jars import zookeeper_jars
from wms_dev.zookeeper.java import find_java
from wms_dev.zookeeper.node import Node
from wms_dev.zookeeper.problems import ZooKeeperFailed

START_SECONDS = 60.0
LOOK_SECONDS = 0.05


class ZooKeeper:
    """Nodes on loopback with their data in a folder that goes with them, while entered.

    Entering raises `ZooKeeperMissing`, `ZooKeeperFailed` or `ChildEnded`; nothing is left running then.
    """

    def __init__(
        self, size: int = 1, settings: Mapping[str, str] | None = None, java_options: Sequence[str] = ()
    ) -> None:
        """With these settings beside our own in each zoo.cfg."""
        self._size = size
        self._settings = dict(settings or {})
        self._java_options = tuple(java_options)
        self._folder: RunFolder | None = None
        self.nodes: tuple[Node, ...] = ()

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
        """What ZOOKEEPER_HOSTS has to be."""
        return ",".join(node.address for node in self.nodes)

    @property
    def leader(self) -> Node:
        """The node that leads; the only one when there is one. Raises `ZooKeeperFailed` without a quorum."""
        return self._in_mode("leader", "standalone")

    @property
    def follower(self) -> Node:
        """A node that follows."""
        return self._in_mode("follower")

    def start(self) -> None:
        """Start all nodes and wait until they serve."""
        java, jars = find_java(), zookeeper_jars()
        self._folder = RunFolder()
        ports = _ports(self._size)
        made = []
        for number in range(1, self._size + 1):
            folder = self._folder.path / f"zookeeper-{number}"
            folder.mkdir()
            file = write_configuration(folder, number, ports, self._settings)
            words = command(java, jars, file, self._java_options)
            port = ports[number - 1].client
            made.append(Node(f"ZooKeeper node {number}", port, words, folder, self._folder.watch))
        self.nodes = tuple(made)
        for node in self.nodes:
            node.start()
        self.wait()

    def mend(self) -> None:
        """Bring back the nodes that were killed or frozen, and wait until all serve."""
        for node in self.nodes:
            node.revive()
        self.wait()

    def stop(self) -> None:
        """End all nodes, bounded, and remove their folder; may be repeated."""
        for node in self.nodes:
            node.stop()
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def wait(self, seconds: float = START_SECONDS) -> None:
        """Wait until every node serves; raises `ChildEnded` or `ZooKeeperFailed`."""
        deadline = time.monotonic() + seconds
        while waiting := [node for node in self.nodes if node.mode() is None]:
            for node in waiting:
                node.check()
            if time.monotonic() > deadline:
                names = ", ".join(node.name for node in waiting)
                raise ZooKeeperFailed(f"Not ready after {seconds:.0f} s: {names}; see {waiting[0].log}")
            time.sleep(LOOK_SECONDS)

    def _in_mode(self, *modes: str) -> Node:
        found = next((node for node in self.nodes if node.mode() in modes), None)
        if found is None:
            raise ZooKeeperFailed(f"No node is {' or '.join(modes)}")
        return found


def _ports(size: int) -> list[Ports]:
    """Ports that are free now and all different."""
    found: set[int] = set()
    while len(found) < 3 * size:
        found.add(free_port())
    numbers = list(found)
    return [Ports(*numbers[3 * each : 3 * each + 3]) for each in range(size)]
