"""The Kafka of our own: it serves, survives what tests do to it, and leaves nothing behind."""

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

from tests.support.certificates import make_certificates
from tests.support.kafka import Record, count_records, fresh_topic, make_topic, own_kafka, read_topic, secured
from tests.support.requirements import skip_or_fail
from tests.support.waiting import Stopwatch, bounded, eventually
from wms_dev.embedded_postgres.processes import is_alive
from wms_dev.java import JavaMissing, ServerFailed, jars
from wms_dev.kafka import Kafka

pytestmark = pytest.mark.slow

_OWNER = """
import json, time
from wms_dev.kafka import Kafka
kafka = Kafka()
kafka.start()
print(json.dumps([[node.pid for node in kafka.nodes], str(kafka.nodes[0].log)]), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    """Give a single one for tests that break it and mend it."""
    with own_kafka() as kafka:
        yield kafka


def _produce(brokers: str, topic: str, *values: bytes, **more: object) -> None:
    """Send records by librdkafka and wait until all copies have them; raises `KafkaException`."""
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


def test_what_is_sent_is_read_by_a_consumer_of_kafkas_own(kafka_brokers: str) -> None:
    """Byte for byte, with key, headers, partition and offset; a topic without records is empty."""
    topic = fresh_topic()
    make_topic(kafka_brokers, topic, partitions=1)
    assert read_topic(kafka_brokers, topic) == []
    values = (b'{"a": 1}', '{"b": "\u00e4, : \\u001f"}'.encode())
    _produce(kafka_brokers, topic, *values)
    headers = {"ce_time": "2026-01-01T00:00:00Z", "ce_subject": "a, b"}
    assert read_topic(kafka_brokers, topic) == [
        Record(0, offset, "ORD-1", headers, value) for offset, value in enumerate(values)
    ]


def test_a_topic_is_not_made_by_the_way(kafka_brokers: str) -> None:
    """Whoever wants one has to make it."""
    with pytest.raises(KafkaException):
        _produce(kafka_brokers, fresh_topic(), b"{}", **{"message.timeout.ms": 1500})


def test_a_broker_that_was_killed_knows_what_it_stored(broker: Kafka) -> None:
    """At the same address."""
    topic, address = fresh_topic(), broker.brokers
    make_topic(address, topic)
    _produce(address, topic, b"kept")
    (server,) = broker.nodes
    server.kill()
    assert not server.serves()
    with pytest.raises(ServerFailed):
        server.freeze()
    broker.mend()
    assert [record.value for record in read_topic(address, topic)] == [b"kept"]


def test_a_frozen_broker_answers_nothing_and_goes_on(broker: Kafka) -> None:
    """It is the same process afterwards."""
    (server,) = broker.nodes
    pid = server.pid
    server.freeze()
    assert not server.serves()
    broker.mend()
    assert server.pid == pid


def test_of_three_brokers_one_is_not_missed() -> None:
    """Topics have three copies, two of which are enough; afterwards neither process nor file is there."""
    with own_kafka(3) as kafka:
        topic = fresh_topic()
        make_topic(kafka.brokers, topic)
        found = AdminClient({"bootstrap.servers": kafka.brokers}).list_topics(topic, timeout=10)
        partitions = found.topics[topic].partitions.values()
        assert [len(partition.replicas) for partition in partitions] == [3, 3, 3]
        kafka.nodes[0].kill()
        _produce(kafka.brokers, topic, b"1", b"2", **{"message.timeout.ms": 20_000})
        assert count_records(kafka.brokers, topic) == 2
        pids, folder = [node.pid for node in kafka.nodes[1:]], kafka.nodes[0].log.parent
        kafka.nodes[1].freeze()
        watch = Stopwatch()
    assert watch.seconds < 8
    assert not any(is_alive(pid) for pid in pids)
    assert not folder.exists()


def test_clients_can_be_held_to_tls_and_a_password(tmp_path: Path) -> None:
    """The brokers among themselves are not, and neither is who looks after them."""
    certificates = make_certificates(tmp_path / "certificates")
    if certificates is None:
        skip_or_fail("there is no openssl on this machine; on Debian: apt-get install openssl")
    with own_kafka(settings=secured(certificates, "relay", "secret"), protocol="SASL_SSL") as kafka:
        topic = fresh_topic()
        make_topic(kafka.inner, topic)
        known = {
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(certificates.authority),
            "sasl.mechanism": "PLAIN",
            "sasl.username": "relay",
        }
        _produce(kafka.brokers, topic, b"1", **known, **{"sasl.password": "secret"})
        wrong = {"sasl.password": "guessed", "message.timeout.ms": 1500}
        with pytest.raises(KafkaException):
            _produce(kafka.brokers, topic, b"2", **known, **wrong)
        assert count_records(kafka.inner, topic) == 1


async def test_brokers_do_not_outlive_an_owner_that_is_killed(tmp_path: Path, broker: Kafka) -> None:
    """The kernel ends them, and their data goes too."""
    assert broker.nodes  # or skipped
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OWNER, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert owner.stdout
    pids, log = json.loads(await bounded(owner.stdout.readline(), 60))
    assert Path(log).is_relative_to(tmp_path)
    owner.send_signal(signal.SIGKILL)
    await owner.wait()

    def nothing_left() -> bool:
        return not any(is_alive(pid) for pid in pids) and not list(tmp_path.iterdir())

    async def gone() -> bool:
        return nothing_left()

    await eventually(gone)


def test_without_maven_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And leaves nothing behind."""
    monkeypatch.setattr(jars, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "mvn" else "/bin/true")
    with pytest.raises(JavaMissing, match="jars of kafka"), Kafka():
        pass
    assert list((tmp_path / "kept").iterdir()) == []
