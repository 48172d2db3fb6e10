"""Check of the events that reached Kafka."""

import time
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

READ_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.2
MAX_READ_MESSAGES = 10_000


@dataclass(frozen=True)
class DemoTopic:
    """A topic of a Kafka broker without authentication."""

    brokers: str
    name: str

    def read_event_ids(self, expected: int) -> frozenset[str]:
        """Return the ids of the published events, once there are `expected` or after a timeout."""
        options = {"enable.auto.commit": False, "log_level": 0}
        reader = Consumer({"bootstrap.servers": self.brokers, "group.id": "demo", **options})
        published_ids: set[str] = set()
        deadline = time.monotonic() + READ_TIMEOUT_SECONDS
        try:
            partitions = (
                reader.list_topics(self.name, timeout=READ_TIMEOUT_SECONDS).topics[self.name].partitions
            )
            reader.assign([TopicPartition(self.name, number, OFFSET_BEGINNING) for number in partitions])
            while len(published_ids) < expected and time.monotonic() < deadline:
                for message in reader.consume(MAX_READ_MESSAGES, timeout=POLL_SECONDS):
                    event_id = dict(message.headers() or []).get("ce_id")
                    if isinstance(event_id, bytes):
                        published_ids.add(event_id.decode())
        finally:
            reader.close()
        return frozenset(published_ids)
