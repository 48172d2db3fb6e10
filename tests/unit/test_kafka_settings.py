"""What the worker takes from its environment about Kafka; a mistake names its variable."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from wms_worker.brokers import Brokers, SaslLogin, Topic
from wms_worker.settings import WorkerSettings
from wms_worker.tls import Tls

URL = SecretStr("postgresql://wms@127.0.0.1/wms")
BROKERS = "k1:9092,k2.site:9092,[::1]:9094"


def settings(**given: Any) -> WorkerSettings:
    """Read settings, with what a worker can't do without."""
    return WorkerSettings(database_url=URL, **given)


def test_without_brokers_there_is_no_kafka_and_no_relay() -> None:
    """A replica stands for what it can do."""
    assert settings().brokers is None
    assert settings().roles == ("fulfillment",)
    assert settings(kafka_brokers=BROKERS).roles == ("fulfillment", "relay")


def test_everything_has_a_default_but_the_brokers() -> None:
    """Several are given as one list."""
    topic = Topic("wms.orders.events", create=True, partitions=6, replication=-1)
    assert settings(kafka_brokers=BROKERS).brokers == Brokers(BROKERS, topic, "lz4", 10.0)


def test_what_is_given_arrives(tmp_path: Path) -> None:
    """TLS, a login, another topic; secrets are not shown."""
    file = tmp_path / "pem"
    file.touch()
    found = settings(
        kafka_brokers=BROKERS,
        kafka_topic="events",
        kafka_topic_create=False,
        kafka_topic_partitions=12,
        kafka_topic_replication=3,
        kafka_compression="none",
        kafka_request_timeout=timedelta(seconds=3),
        kafka_tls=True,
        kafka_ca_file=file,
        kafka_certificate_file=file,
        kafka_key_file=file,
        kafka_key_password="locked",
        kafka_check_hostname=False,
        kafka_sasl_mechanism="PLAIN",
        kafka_sasl_username="relay",
        kafka_sasl_password="secret",
    ).brokers
    assert found == Brokers(
        BROKERS,
        Topic("events", create=False, partitions=12, replication=3),
        None,
        3.0,
        Tls(str(file), str(file), str(file), "locked", check_hostname=False),
        SaslLogin("PLAIN", "relay", "secret"),
    )
    assert "secret" not in repr(found)
    assert "locked" not in repr(found)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"kafka_brokers": "kafka"}, "kafka_brokers"),
        ({"kafka_brokers": "kafka:9092,"}, "kafka_brokers"),
        ({"kafka_brokers": "PLAINTEXT://kafka:9092"}, "kafka_brokers"),
        ({"kafka_topic": "a topic"}, "kafka_topic"),
        ({"kafka_topic_partitions": 0}, "kafka_topic_partitions"),
        ({"kafka_topic_replication": -2}, "kafka_topic_replication"),
        ({"kafka_compression": "rar"}, "kafka_compression"),
        ({"kafka_request_timeout": timedelta(0)}, "kafka_request_timeout"),
        ({"kafka_sasl_mechanism": "GSSAPI"}, "kafka_sasl_mechanism"),
        ({"kafka_sasl_username": "relay"}, "KAFKA_SASL_PASSWORD"),
        ({"kafka_sasl_password": "secret"}, "KAFKA_SASL_USERNAME"),
        ({"kafka_ca_file": __file__}, "KAFKA_TLS"),
        ({"kafka_ca_file": "/nowhere", "kafka_tls": True}, "kafka_ca_file"),
        ({"kafka_key_file": __file__, "kafka_tls": True}, "KAFKA_CERTIFICATE_FILE"),
        ({"worker_roles": "relay"}, "KAFKA_BROKERS"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(given: dict[str, Any], named: str) -> None:
    """Before anything is begun."""
    with pytest.raises(ValidationError, match=named):
        settings(**given)
