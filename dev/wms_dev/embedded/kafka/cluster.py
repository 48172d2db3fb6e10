"""Embedded Kafka cluster: one broker, or several with replication."""

import base64
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from wms_dev.embedded.jvm import JavaCluster, fetch_maven_jars, find_java
from wms_dev.embedded.jvm.process_group import find_distinct_ports
from wms_dev.embedded.kafka.broker import KafkaBroker
from wms_dev.embedded.kafka.configuration import (
    BrokerPorts,
    ClusterConfig,
    build_command,
    write_configuration,
)
from wms_dev.local_stack.run_directory import RunDirectory

POM = Path(__file__).parent / "pom.xml"


class KafkaCluster(JavaCluster[KafkaBroker]):
    """A cluster in which each broker is also a controller. Topics have up to three replicas."""

    def __init__(
        self,
        brokers: int = 1,
        settings: Mapping[str, str] | None = None,
        *,
        protocol: str = "PLAINTEXT",
        java_options: Sequence[str] = (),
    ) -> None:
        """Create a cluster; `settings` are added to each server.properties.

        A `protocol` with TLS or SASL needs its settings there, as `listener.name.clients.…`.
        """
        super().__init__()
        self._size = brokers
        self._settings = dict(settings or {})
        self._protocol = protocol
        self._java_options = tuple(java_options)

    @property
    def addresses(self) -> str:
        """The value for KAFKA_BROKERS."""
        return self.hosts

    @property
    def plaintext_addresses(self) -> str:
        """Addresses of the plain-text listeners, independent of the protocol of the clients."""
        return ",".join(node.plaintext_address for node in self.nodes)

    def create_nodes(self, folder: RunDirectory) -> list[KafkaBroker]:
        """Create the brokers with their configuration."""
        java, jars = find_java(), fetch_maven_jars("kafka", POM)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        numbers = iter(find_distinct_ports(3 * self._size))
        ports = [BrokerPorts(next(numbers), next(numbers), next(numbers)) for _ in range(self._size)]
        membership = ClusterConfig(cluster_id, ports, self._protocol)
        brokers = []
        for number in range(1, self._size + 1):
            broker_folder = folder.path / f"kafka-{number}"
            broker_folder.mkdir()
            file = write_configuration(broker_folder, number, membership, self._settings)
            broker_command = build_command(java, jars, file, self._java_options)
            brokers.append(
                KafkaBroker(number, ports[number - 1], broker_command, broker_folder, folder.end_with_parent)
            )
        return brokers
