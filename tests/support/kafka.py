"""Kafka for the tests: one that is there, and readers of a topic that the service has no part in."""

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

from tests.support.certificates import Certificates
from tests.support.requirements import skip_or_fail
from wms_dev.java import JavaMissing, find_java, maven_jars
from wms_dev.kafka import Kafka, consumer_command
from wms_dev.kafka.cluster import POM
from wms_dev.kafka.consumer import FIELD, HEADER

READ_SECONDS = 60.0
#: What is said of a partition that was made a moment ago.
_NO_LEADER_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic as the console consumer of Kafka shows it; its value as the bytes that it has."""

    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    value: bytes


@contextmanager
def own_kafka(
    brokers: int = 1,
    settings: Mapping[str, str] | None = None,
    *,
    protocol: str = "PLAINTEXT",
    java_options: Sequence[str] = (),
) -> Iterator[Kafka]:
    """Give a Kafka of our own; see `require_kafka`."""
    require_kafka()
    with Kafka(brokers, settings, protocol=protocol, java_options=java_options) as kafka:
        yield kafka


def require_kafka() -> None:
    """Skip the test where there can be no Kafka of our own, and fail it there in CI."""
    try:
        find_java()
        maven_jars("kafka", POM)
    except JavaMissing as missing:
        skip_or_fail(str(missing))


def secured(certificates: Certificates, user: str, password: str) -> dict[str, str]:
    """Give the settings of a broker that clients reach by SASL_SSL, with this user only."""
    login = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";'
    return {
        "listener.name.clients.ssl.keystore.type": "PEM",
        "listener.name.clients.ssl.keystore.location": str(certificates.both),
        "listener.name.clients.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.clients.plain.sasl.jaas.config": login,
    }


def fresh_topic() -> str:
    """Give a name that no other test uses."""
    return f"test-{uuid.uuid4().hex}"


def make_topic(brokers: str, topic: str, partitions: int = 3) -> None:
    """Make a topic, with as many copies as the brokers think right, and wait until it is known."""
    client = AdminClient({"bootstrap.servers": brokers})
    client.create_topics([NewTopic(topic, partitions)])[topic].result(20)
    deadline = time.monotonic() + 20
    while len(client.list_topics(topic, timeout=10).topics[topic].partitions) < partitions:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def count_records(brokers: str, topic: str) -> int:
    """Give how many records a topic has, none removed; 0 when there is no such topic."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "count", "enable.auto.commit": False})
    try:
        return sum(high - low for low, high in bounds(consumer, topic).values())
    finally:
        consumer.close()


def bounds(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """Give where each partition begins and ends, once a new topic has its leaders."""
    deadline = time.monotonic() + 20
    while True:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        places = {number: TopicPartition(topic, number) for number in partitions}
        try:
            return {
                number: consumer.get_watermark_offsets(place, timeout=10) for number, place in places.items()
            }
        except KafkaException as error:
            if error.args[0].code() not in _NO_LEADER_YET or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def read_topic(brokers: str, topic: str) -> list[Record]:
    """Read all that a topic holds now by Kafka's console consumer; partitions as they come."""
    count = count_records(brokers, topic)
    if count == 0:
        return []
    command = consumer_command(brokers, topic, count)
    done = subprocess.run(command, check=True, capture_output=True, timeout=READ_SECONDS)
    records = [_record(line) for line in done.stdout.splitlines()]
    assert len(records) == count, done.stderr.decode()
    return records


async def mend(kafka: Kafka) -> None:
    """Bring back the brokers that were killed or frozen; the test goes on meanwhile."""
    for node in kafka.nodes:
        node.revive()  # here, as the kernel ends a process with the thread that has started it
    await asyncio.to_thread(kafka.wait)


def _record(line: bytes) -> Record:
    *facts, value = line.split(FIELD.encode())
    partition, offset, headers, key = (fact.decode() for fact in facts)
    pairs = (pair.split(":", 1) for pair in headers.split(HEADER) if pair != "NO_HEADERS")
    return Record(
        partition=int(partition.removeprefix("Partition:")),
        offset=int(offset.removeprefix("Offset:")),
        key=key,
        headers=dict(pairs),
        value=value,
    )
