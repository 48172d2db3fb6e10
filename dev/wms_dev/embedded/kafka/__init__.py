"""Embedded Kafka for development and tests: KRaft brokers, each of which is also a controller.

If `KAFKA_BROKERS` is set, tests and tools use that cluster instead.
"""

from wms_dev.embedded.kafka.broker import KafkaBroker
from wms_dev.embedded.kafka.cluster import KafkaCluster
from wms_dev.embedded.kafka.console_consumer import build_consumer_command
from wms_dev.embedded.kafka.mock import open_mock_kafka

__all__ = ["KafkaBroker", "KafkaCluster", "build_consumer_command", "open_mock_kafka"]
