"""Kafka for the tests: brokers, and readers of topics that are independent of the service."""

import asyncio
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.support.external.certificates import Certificates
from tests.support.pytest_plugins.requirements import skip_or_fail
from wms_dev.embedded.jvm import JavaMissing, fetch_maven_jars, find_java
from wms_dev.embedded.kafka import KafkaCluster, build_consumer_command
from wms_dev.embedded.kafka.cluster import POM
from wms_dev.embedded.kafka.console_consumer import FIELD, HEADER

READ_SECONDS = 60.0
#: Errors of a partition that was just created.
_NO_LEADER_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic, as printed by Kafka's console consumer; `value` has the original bytes."""

    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    value: bytes


@contextmanager
def run_kafka(
    brokers: int = 1,
    settings: Mapping[str, str] | None = None,
    *,
    protocol: str = "PLAINTEXT",
    java_options: Sequence[str] = (),
) -> Iterator[KafkaCluster]:
    """Run a Kafka during the block; see `require_kafka`."""
    require_kafka()
    with KafkaCluster(brokers, settings, protocol=protocol, java_options=java_options) as kafka:
        yield kafka


def require_kafka() -> None:
    """Skip the test if Kafka can't run on this machine; in CI, fail it."""
    try:
        find_java()
        fetch_maven_jars("kafka", POM)
    except JavaMissing as missing:
        skip_or_fail(str(missing))


def sasl_ssl_settings(certificates: Certificates, user: str, password: str) -> dict[str, str]:
    """Return the settings of a broker that accepts clients by SASL_SSL, only this user."""
    jaas_login = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";'
    return {
        "listener.name.clients.ssl.keystore.type": "PEM",
        "listener.name.clients.ssl.keystore.location": str(certificates.combined_pem),
        "listener.name.clients.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.clients.plain.sasl.jaas.config": jaas_login,
    }


def new_topic_name() -> str:
    """Return a unique topic name."""
    return f"test-{uuid.uuid4().hex}"


def make_topic(brokers: str, topic: str, partitions: int = 3) -> None:
    """Create a topic with the default number of replicas, and wait until its partitions are known."""
    client = AdminClient({"bootstrap.servers": brokers})
    client.create_topics([NewTopic(topic, partitions)])[topic].result(20)
    deadline = time.monotonic() + 20
    while len(client.list_topics(topic, timeout=10).topics[topic].partitions) < partitions:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def count_records(brokers: str, topic: str) -> int:
    """Return the number of records of a topic; 0 if it does not exist. Assumes that none was removed."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "count", "enable.auto.commit": False})
    try:
        return sum(high - low for low, high in read_partition_bounds(consumer, topic).values())
    finally:
        consumer.close()


def read_partition_bounds(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """Return the first and the next offset of each partition; wait until a new topic has its leaders."""
    deadline = time.monotonic() + 20
    while True:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        topic_partitions = {number: TopicPartition(topic, number) for number in partitions}
        try:
            return {
                number: consumer.get_watermark_offsets(topic_partition, timeout=10)
                for number, topic_partition in topic_partitions.items()
            }
        except KafkaException as error:
            if error.args[0].code() not in _NO_LEADER_YET or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def read_topic(brokers: str, topic: str) -> list[Record]:
    """Return all records of a topic, by Kafka's console consumer; the order of partitions is undefined."""
    count = count_records(brokers, topic)
    if count == 0:
        return []
    command = build_consumer_command(brokers, topic, count)
    completed = subprocess.run(command, check=True, capture_output=True, timeout=READ_SECONDS)
    records = [_parse_record(line) for line in completed.stdout.splitlines()]
    assert len(records) == count, completed.stderr.decode()
    return records


async def revive_brokers(kafka: KafkaCluster) -> None:
    """Revive killed or frozen brokers; other tasks of the test continue meanwhile."""
    for node in kafka.nodes:
        node.revive()  # in this thread: the kernel kills a process when the thread that started it ends
    await asyncio.to_thread(kafka.wait_until_serving)


def _parse_record(line: bytes) -> Record:
    *record_fields, value = line.split(FIELD.encode())
    partition, offset, headers, key = (record_field.decode() for record_field in record_fields)
    pairs = (pair.split(":", 1) for pair in headers.split(HEADER) if pair != "NO_HEADERS")
    return Record(
        partition=int(partition.removeprefix("Partition:")),
        offset=int(offset.removeprefix("Offset:")),
        key=key,
        headers=dict(pairs),
        value=value,
    )
