"""A Kafka broker."""

from collections.abc import Callable, Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from wms_dev.embedded.jvm import JavaServer
from wms_dev.embedded.kafka.configuration import BrokerPorts

RESPONSE_TIMEOUT_SECONDS = 1.0


class KafkaBroker(JavaServer):
    """A broker of a cluster. `number` is its node id."""

    # Its data is temporary, so it is killed; a graceful stop of the last brokers would wait for a quorum.
    stop_seconds = 0.0

    def __init__(
        self,
        number: int,
        ports: BrokerPorts,
        command: Sequence[str],
        folder: Path,
        register_pid: Callable[[int], None],
    ) -> None:
        super().__init__(f"Kafka broker {number}", ports.clients, command, folder, register_pid)
        self.number = number
        self.plaintext_address = f"127.0.0.1:{ports.brokers}"

    def is_serving(self) -> bool:
        """Return whether the broker responds and is registered with the controllers."""
        admin_client = AdminClient(
            {"bootstrap.servers": self.plaintext_address, "log_level": 0, "reconnect.backoff.ms": 50}
        )
        try:
            return self.number in admin_client.list_topics(timeout=RESPONSE_TIMEOUT_SECONDS).brokers
        except KafkaException:
            return False
