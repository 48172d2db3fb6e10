"""A ZooKeeper of our own: one node, or several that elect a leader among themselves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from wms_dev.java import JavaServers, ServerFailed, find_java, maven_jars
from wms_dev.java.servers import different_ports
from wms_dev.processes.run_folder import RunFolder
from wms_dev.zookeeper.configuration import Ports, command, write_configuration
from wms_dev.zookeeper.node import Node

POM = Path(__file__).parent / "pom.xml"


class ZooKeeper(JavaServers[Node]):
    """An ensemble; its `hosts` are what ZOOKEEPER_HOSTS has to be."""

    def __init__(
        self, size: int = 1, settings: Mapping[str, str] | None = None, java_options: Sequence[str] = ()
    ) -> None:
        """With these settings beside our own in each zoo.cfg."""
        super().__init__()
        self._size = size
        self._settings = dict(settings or {})
        self._java_options = tuple(java_options)

    @property
    def leader(self) -> Node:
        """The node that leads; the only one when there is one. Raises `ServerFailed` without a quorum."""
        return self._in_mode("leader", "standalone")

    @property
    def follower(self) -> Node:
        """A node that follows."""
        return self._in_mode("follower")

    def make(self, folder: RunFolder) -> list[Node]:
        """Make the nodes, each with its configuration."""
        java, jars = find_java(), maven_jars("zookeeper", POM)
        numbers = iter(different_ports(3 * self._size))
        ports = [Ports(next(numbers), next(numbers), next(numbers)) for _ in range(self._size)]
        made = []
        for number in range(1, self._size + 1):
            place = folder.path / f"zookeeper-{number}"
            place.mkdir()
            file = write_configuration(place, number, ports, self._settings)
            words = command(java, jars, file, self._java_options)
            name = f"ZooKeeper node {number}"
            made.append(Node(name, ports[number - 1].client, words, place, folder.watch))
        return made

    def _in_mode(self, *modes: str) -> Node:
        found = next((node for node in self.nodes if node.mode() in modes), None)
        if found is None:
            raise ServerFailed(f"No node is {' or '.join(modes)}")
        return found
