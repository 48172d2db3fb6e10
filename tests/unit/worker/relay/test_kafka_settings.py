"""Kafka settings of the worker: an error names its variable."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from wms_worker.relay.kafka_settings import KafkaConfig, SaslLogin, TopicConfig
from wms_worker.settings import WorkerSettings
from wms_worker.tls import TlsConfig

URL = SecretStr("postgresql://wms@127.0.0.1/wms")
BROKERS = "k1:9092,k2.site:9092,[::1]:9094"


def build_settings(**values: Any) -> WorkerSettings:
    """Return settings with the required ones filled in."""
    return WorkerSettings(database_url=URL, **values)


def test_worker_without_brokers_has_no_relay_role() -> None:
    """A replica is a candidate only for roles that it can serve."""
    assert build_settings().kafka_config is None
    assert build_settings().eligible_roles == ("fulfillment",)
    assert build_settings(kafka_brokers=BROKERS).eligible_roles == ("fulfillment", "relay")


def test_all_settings_except_the_brokers_have_defaults() -> None:
    """Several brokers are one list."""
    topic = TopicConfig("wms.orders.events", should_create=True, partition_count=6, replication_factor=-1)
    assert build_settings(kafka_brokers=BROKERS).kafka_config == KafkaConfig(BROKERS, topic, "lz4", 10.0)


def test_all_settings_are_passed_on(tmp_path: Path) -> None:
    """Settings include TLS, a login and another topic. Secrets are not shown."""
    file = tmp_path / "pem"
    file.touch()
    config = build_settings(
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
    ).kafka_config
    assert config == KafkaConfig(
        BROKERS,
        TopicConfig("events", should_create=False, partition_count=12, replication_factor=3),
        None,
        3.0,
        TlsConfig(str(file), str(file), str(file), "locked", check_hostname=False),
        SaslLogin("PLAIN", "relay", "secret"),
    )
    assert "secret" not in repr(config)
    assert "locked" not in repr(config)


@pytest.mark.parametrize(
    ("values", "variable"),
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
def test_invalid_setting_is_rejected_by_name(values: dict[str, Any], variable: str) -> None:
    """Invalid settings are reported at the start."""
    with pytest.raises(ValidationError, match=variable):
        build_settings(**values)
