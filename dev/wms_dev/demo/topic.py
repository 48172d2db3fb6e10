"""What has reached Kafka by the end of the demo."""

import time
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

LATEST_SECONDS = 10.0
LOOK_SECONDS = 0.2
LARGEST_READ = 10_000


@dataclass(frozen=True)
class Topic:
    """A topic of a Kafka that asks for no password."""

    brokers: str
    name: str

    def event_ids(self, expected: int) -> frozenset[str]:
        """The events that it tells: as soon as there are so many, else those that there are after a while."""
        options = {"enable.auto.commit": False, "log_level": 0}
        reader = Consumer({"bootstrap.servers": self.brokers, "group.id": "demo", **options})
        found: set[str] = set()
        deadline = time.monotonic() + LATEST_SECONDS
        try:
            partitions = reader.list_topics(self.name, timeout=LATEST_SECONDS).topics[self.name].partitions
            reader.assign([TopicPartition(self.name, number, OFFSET_BEGINNING) for number in partitions])
            while len(found) < expected and time.monotonic() < deadline:
                for message in reader.consume(LARGEST_READ, timeout=LOOK_SECONDS):
                    event_id = dict(message.headers() or []).get("ce_id")
                    if isinstance(event_id, bytes):
                        found.add(event_id.decode())
        finally:
            reader.close()
        return frozenset(found)
