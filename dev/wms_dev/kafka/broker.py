"""One Kafka broker."""

from collections.abc import Callable, Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from wms_dev.java import JavaServer
from wms_dev.kafka.configuration import Ports

ANSWER_SECONDS = 1.0


class Broker(JavaServer):
    """A broker of a cluster; `number` is its id there."""

    # What it stored goes with it, so it has nothing to bring home; the last ones would wait for a quorum.
    stop_seconds = 0.0

    def __init__(
        self, number: int, ports: Ports, command: Sequence[str], folder: Path, watch: Callable[[int], None]
    ) -> None:
        super().__init__(f"Kafka broker {number}", ports.clients, command, folder, watch)
        self.number = number
        self.inner = f"127.0.0.1:{ports.brokers}"

    def serves(self) -> bool:
        """Whether it answers, and has been let in by the controllers."""
        asked = AdminClient({"bootstrap.servers": self.inner, "log_level": 0, "reconnect.backoff.ms": 50})
        try:
            return self.number in asked.list_topics(timeout=ANSWER_SECONDS).brokers
        except KafkaException:
            return False
