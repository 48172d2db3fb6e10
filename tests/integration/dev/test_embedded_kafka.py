"""The embedded Kafka: it serves, survives the faults that tests inject, and leaves no files."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from tests.support.external.certificates import make_certificates
from tests.support.external.kafka import (
    Record,
    count_records,
    make_topic,
    new_topic_name,
    read_topic,
    run_kafka,
    sasl_ssl_settings,
)
from tests.support.pytest_plugins.requirements import skip_or_fail
from tests.support.waiting import Stopwatch, eventually, with_timeout

from wms_dev.embedded.jvm import JavaMissing, ServerFailed, jars
from wms_dev.embedded.kafka import KafkaCluster
from wms_dev.embedded.postgres.process_table import is_alive

pytestmark = pytest.mark.slow

_PARENT = """
import json, time
from wms_dev.embedded.kafka import KafkaCluster
kafka = KafkaCluster()
kafka.start()
print(json.dumps([[node.pid for node in kafka.nodes], str(kafka.nodes[0].log_path)]), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaCluster]:
    """Yield a cluster of one broker for tests that inject faults."""
    with run_kafka() as kafka:
        yield kafka


def _produce(brokers: str, topic: str, *values: bytes, **more: object) -> None:
    """Send records with librdkafka and wait until all replicas have them.

    Raises `KafkaException`.
    """
    failed: list[KafkaException] = []
    producer = Producer({"bootstrap.servers": brokers, "message.timeout.ms": 10_000, "log_level": 0, **more})
    for value in values:
        producer.produce(
            topic,
            value,
            key="ORD-1",
            headers=[("ce_time", b"2026-01-01T00:00:00Z"), ("ce_subject", b"a, b")],
            on_delivery=lambda error, _: failed.append(KafkaException(error)) if error else None,
        )
    producer.flush(20)
    if failed:
        raise failed[0]


def test_produced_records_are_consumed(kafka_brokers: str) -> None:
    """Identical bytes, key, headers, partition and offset. A topic without records is empty."""
    topic = new_topic_name()
    make_topic(kafka_brokers, topic, partitions=1)
    assert read_topic(kafka_brokers, topic) == []
    values = (b'{"a": 1}', '{"b": "\u00e4, : \\u001f"}'.encode())
    _produce(kafka_brokers, topic, *values)
    headers = {"ce_time": "2026-01-01T00:00:00Z", "ce_subject": "a, b"}
    assert read_topic(kafka_brokers, topic) == [
        Record(0, offset, "ORD-1", headers, value) for offset, value in enumerate(values)
    ]


def test_topics_are_not_created_automatically(kafka_brokers: str) -> None:
    """A topic must be created explicitly."""
    with pytest.raises(KafkaException):
        _produce(kafka_brokers, new_topic_name(), b"{}", **{"message.timeout.ms": 1500})


def test_a_killed_broker_keeps_its_records(broker: KafkaCluster) -> None:
    """It restarts at the same address."""
    topic, address = new_topic_name(), broker.addresses
    make_topic(address, topic)
    _produce(address, topic, b"kept")
    (server,) = broker.nodes
    server.kill()
    assert not server.is_serving()
    with pytest.raises(ServerFailed):
        server.freeze()
    broker.restore_nodes()
    assert [record.value for record in read_topic(address, topic)] == [b"kept"]


def test_a_frozen_broker_does_not_respond_and_continues(broker: KafkaCluster) -> None:
    """It is the same process afterwards."""
    (server,) = broker.nodes
    pid = server.pid
    server.freeze()
    assert not server.is_serving()
    broker.restore_nodes()
    assert server.pid == pid


def test_one_of_three_brokers_may_fail() -> None:
    """Topics have three replicas, of which two are required. Afterwards no process and no file is left."""
    with run_kafka(3) as kafka:
        topic = new_topic_name()
        make_topic(kafka.addresses, topic)
        topics = AdminClient({"bootstrap.servers": kafka.addresses}).list_topics(topic, timeout=10)
        partitions = topics.topics[topic].partitions.values()
        assert [len(partition.replicas) for partition in partitions] == [3, 3, 3]
        kafka.nodes[0].kill()
        _produce(kafka.addresses, topic, b"1", b"2", **{"message.timeout.ms": 20_000})
        assert count_records(kafka.addresses, topic) == 2
        pids, folder = [node.pid for node in kafka.nodes[1:]], kafka.nodes[0].log_path.parent
        kafka.nodes[1].freeze()
        watch = Stopwatch()
    assert watch.seconds < 8
    assert not any(is_alive(pid) for pid in pids)
    assert not folder.exists()


def test_clients_can_require_tls_and_a_password(tmp_path: Path) -> None:
    """The brokers among themselves and the admin client use neither."""
    certificates = make_certificates(tmp_path / "certificates")
    if certificates is None:
        skip_or_fail("there is no openssl on this machine; on Debian: apt-get install openssl")
    with run_kafka(settings=sasl_ssl_settings(certificates, "relay", "secret"), protocol="SASL_SSL") as kafka:
        topic = new_topic_name()
        make_topic(kafka.plaintext_addresses, topic)
        known = {
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(certificates.authority),
            "sasl.mechanism": "PLAIN",
            "sasl.username": "relay",
        }
        _produce(kafka.addresses, topic, b"1", **known, **{"sasl.password": "secret"})
        wrong = {"sasl.password": "guessed", "message.timeout.ms": 1500}
        with pytest.raises(KafkaException):
            _produce(kafka.addresses, topic, b"2", **known, **wrong)
        assert count_records(kafka.plaintext_addresses, topic) == 1


async def test_brokers_do_not_outlive_a_killed_parent(tmp_path: Path, broker: KafkaCluster) -> None:
    """The kernel ends them, and their data is deleted."""
    assert broker.nodes  # or skipped
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert parent.stdout
    pids, log = json.loads(await with_timeout(parent.stdout.readline(), 60))
    assert Path(log).is_relative_to(tmp_path)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()

    def is_nothing_left() -> bool:
        return not any(is_alive(pid) for pid in pids) and not list(tmp_path.iterdir())

    async def are_gone() -> bool:
        return is_nothing_left()

    await eventually(are_gone)


def test_missing_maven_is_reported_with_advice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No files are left."""
    monkeypatch.setattr(jars, "JAR_CACHE", tmp_path / "cache")
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "mvn" else "/bin/true")
    with pytest.raises(JavaMissing, match="jars of kafka"), KafkaCluster():
        pass
    assert list((tmp_path / "cache").iterdir()) == []
