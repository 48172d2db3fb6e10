"""A Kafka of our own for development and the tests: KRaft brokers, each its own controller too.

Given `KAFKA_BROKERS`, that one is used instead.
"""

from wms_dev.kafka.broker import Broker
from wms_dev.kafka.cluster import Kafka
from wms_dev.kafka.consumer import consumer_command
from wms_dev.kafka.mock import mock_kafka

__all__ = ["Broker", "Kafka", "consumer_command", "mock_kafka"]
