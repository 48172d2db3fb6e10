"""A Kafka of our own for development and the tests: KRaft brokers, each its own controller too.

Given `KAFKA_BROKERS`, that one is used instead.
"""

from wms_dev.kafka.broker import Broker
from wms_dev.kafka.cluster import Kafka
from wms_dev.kafka.consumer import consumer_command

__all__ = ["Broker", "Kafka", "consumer_command"]
