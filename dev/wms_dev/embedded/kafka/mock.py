"""In-memory mock of Kafka by librdkafka, for machines without Java."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

RESPONSE_TIMEOUT_SECONDS = 10.0


@contextmanager
def open_mock_kafka(topic: str) -> Iterator[str]:
    """Yield the address of a mock broker with this topic. It keeps the last 5 MB of each partition."""
    mock_producer = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    # Requesting the metadata of a topic creates it.
    (broker,) = mock_producer.list_topics(topic, timeout=RESPONSE_TIMEOUT_SECONDS).brokers.values()
    try:
        yield f"{broker.host}:{broker.port}"
    finally:
        del mock_producer
