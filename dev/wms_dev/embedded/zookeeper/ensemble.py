"""Embedded ZooKeeper: one node, or several that elect a leader."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from wms_dev.embedded.jvm import JavaCluster, ServerFailed, fetch_maven_jars, find_java
from wms_dev.embedded.jvm.process_group import find_distinct_ports
from wms_dev.embedded.zookeeper.configuration import NodePorts, build_command, write_configuration
from wms_dev.embedded.zookeeper.node import ZooKeeperNode
from wms_dev.local_stack.run_directory import RunDirectory

POM = Path(__file__).parent / "pom.xml"


class ZooKeeperEnsemble(JavaCluster[ZooKeeperNode]):
    """An ensemble. Its `hosts` are the value for ZOOKEEPER_HOSTS."""

    def __init__(
        self, size: int = 1, settings: Mapping[str, str] | None = None, java_options: Sequence[str] = ()
    ) -> None:
        """Create an ensemble; `settings` are added to each zoo.cfg."""
        super().__init__()
        self._size = size
        self._settings = dict(settings or {})
        self._java_options = tuple(java_options)

    @property
    def leader(self) -> ZooKeeperNode:
        """The leader, or the only node. Raises `ServerFailed` without a quorum."""
        return self._find_node("leader", "standalone")

    @property
    def follower(self) -> ZooKeeperNode:
        """A follower. Raises `ServerFailed` when there is none."""
        return self._find_node("follower")

    def create_nodes(self, folder: RunDirectory) -> list[ZooKeeperNode]:
        """Create the nodes with their configuration."""
        java, jars = find_java(), fetch_maven_jars("zookeeper", POM)
        numbers = iter(find_distinct_ports(3 * self._size))
        ports = [NodePorts(next(numbers), next(numbers), next(numbers)) for _ in range(self._size)]
        nodes = []
        for number in range(1, self._size + 1):
            node_folder = folder.path / f"zookeeper-{number}"
            node_folder.mkdir()
            file = write_configuration(node_folder, number, ports, self._settings)
            node_command = build_command(java, jars, file, self._java_options)
            name = f"ZooKeeper node {number}"
            nodes.append(
                ZooKeeperNode(
                    name, ports[number - 1].client, node_command, node_folder, folder.end_with_parent
                )
            )
        return nodes

    def _find_node(self, *modes: str) -> ZooKeeperNode:
        node_in_mode = next((node for node in self.nodes if node.read_mode() in modes), None)
        if node_in_mode is None:
            raise ServerFailed(f"No node is {' or '.join(modes)}")
        return node_in_mode
