"""A Kafka of our own: one broker, or several of which one may be missed."""

import base64
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from wms_dev.java import JavaServers, find_java, maven_jars
from wms_dev.java.servers import different_ports
from wms_dev.kafka.broker import Broker
from wms_dev.kafka.configuration import Membership, Ports, command, write_configuration
from wms_dev.processes.run_folder import RunFolder

POM = Path(__file__).parent / "pom.xml"


class Kafka(JavaServers[Broker]):
    """A cluster in which each broker is a controller too; its topics have three copies where they can."""

    def __init__(
        self,
        brokers: int = 1,
        settings: Mapping[str, str] | None = None,
        *,
        protocol: str = "PLAINTEXT",
        java_options: Sequence[str] = (),
    ) -> None:
        """With these settings beside our own in each server.properties.

        What a `protocol` with TLS or SASL needs has to be among them, as `listener.name.clients.…`.
        """
        super().__init__()
        self._size = brokers
        self._settings = dict(settings or {})
        self._protocol = protocol
        self._java_options = tuple(java_options)

    @property
    def brokers(self) -> str:
        """What KAFKA_BROKERS has to be."""
        return self.hosts

    @property
    def inner(self) -> str:
        """The same without TLS and SASL, whatever clients have to speak."""
        return ",".join(node.inner for node in self.nodes)

    def make(self, folder: RunFolder) -> list[Broker]:
        """Make the brokers, each with its configuration."""
        java, jars = find_java(), maven_jars("kafka", POM)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        numbers = iter(different_ports(3 * self._size))
        ports = [Ports(next(numbers), next(numbers), next(numbers)) for _ in range(self._size)]
        membership = Membership(cluster_id, ports, self._protocol)
        made = []
        for number in range(1, self._size + 1):
            place = folder.path / f"kafka-{number}"
            place.mkdir()
            file = write_configuration(place, number, membership, self._settings)
            words = command(java, jars, file, self._java_options)
            made.append(Broker(number, ports[number - 1], words, place, folder.watch))
        return made
