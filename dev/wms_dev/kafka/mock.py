"""An imitation of Kafka for where none can be had: librdkafka's, inside this process, kept nowhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

ANSWER_SECONDS = 10.0


@contextmanager
def mock_kafka(topic: str) -> Iterator[str]:
    """Give its address; it has one broker and this topic, and keeps the last 5 MB of each partition."""
    owner = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    # To ask for a topic is to make it.
    (broker,) = owner.list_topics(topic, timeout=ANSWER_SECONDS).brokers.values()
    try:
        yield f"{broker.host}:{broker.port}"
    finally:
        del owner
