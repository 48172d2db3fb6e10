"""Settings of the connection to Kafka."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator

from wms_core.config.settings import CoreSettings, DurationSetting, format_path, get_secret_text
from wms_worker.tls import TlsConfig


class PublishingUnavailable(Exception):
    """Publishing fails for now; the message has the cause and the fix. A later retry may succeed."""


@dataclass(frozen=True, slots=True)
class SaslLogin:
    """A user of the brokers, authenticated with SASL."""

    sasl_mechanism: str
    user_name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TopicConfig:
    """The topic of the events. A missing topic is created if `should_create` is true."""

    name: str
    should_create: bool
    partition_count: int
    replication_factor: int


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """The addresses of the brokers, the topic, and the options of each connection."""

    addresses: str
    topic: TopicConfig
    compression_type: str | None = None
    request_timeout_seconds: float = 10.0
    tls_config: TlsConfig | None = None
    sasl_login: SaslLogin | None = None


_ADDRESS_PATTERN = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}"


def validate_broker_list(text: str) -> str:
    """Return a list of addresses unchanged.

    Raises:
        ValueError: the text is not a list of addresses.
    """
    if text and not re.fullmatch(rf"{_ADDRESS_PATTERN}(,{_ADDRESS_PATTERN})*", text):
        raise ValueError("must be host:port,host:port,...")
    return text


class KafkaSettings(CoreSettings):
    """Settings of the event publication."""

    kafka_brokers: Annotated[str, AfterValidator(validate_broker_list)] = Field(
        "", description="Kafka brokers for events: host:port,host:port,... Empty: events are not published."
    )
    kafka_topic: str = Field(
        "wms.orders.events", pattern=r"^[A-Za-z0-9._-]{1,249}$", description="Topic of the events."
    )
    kafka_topic_create: bool = Field(True, description="Create the topic if it is missing.")
    kafka_topic_partitions: int = Field(
        6, ge=1, le=10_000, description="Partitions of a topic that the relay creates."
    )
    kafka_topic_replication: int = Field(
        -1, ge=-1, le=100, description="Replicas of a topic that the relay creates; -1: the brokers' default."
    )
    kafka_compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "lz4", description="Compression of batches of events."
    )
    kafka_request_timeout: DurationSetting = Field(
        timedelta(seconds=10),
        ge=timedelta(milliseconds=500),
        le=timedelta(minutes=5),
        description="Timeout of one request to Kafka.",
    )
    kafka_tls: bool = Field(False, description="Use TLS for connections to Kafka.")
    kafka_ca_file: FilePath | None = Field(
        None, description="CA certificates that sign Kafka's certificate, in PEM."
    )
    kafka_certificate_file: FilePath | None = Field(None, description="Client certificate for Kafka, in PEM.")
    kafka_key_file: FilePath | None = Field(None, description="Private key of that certificate, in PEM.")
    kafka_key_password: SecretStr | None = Field(
        None, min_length=1, description="Password of that private key."
    )
    kafka_check_hostname: bool = Field(True, description="Check the host name in Kafka's certificate.")
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism of the login, if there is a user."
    )
    kafka_sasl_username: str | None = Field(None, min_length=1, description="User in Kafka.")
    kafka_sasl_password: SecretStr | None = Field(None, min_length=1, description="Password of that user.")

    @model_validator(mode="after")
    def _check_kafka_complete(self) -> Self:
        """Reject a TLS file without TLS, a key without a certificate, and a user without a password."""
        tls_files = (self.kafka_ca_file, self.kafka_certificate_file, self.kafka_key_file)
        if any(tls_files) and not self.kafka_tls:
            raise ValueError("a TLS file for Kafka is set; set KAFKA_TLS=true, too")
        if self.kafka_key_file and not self.kafka_certificate_file:
            raise ValueError("KAFKA_KEY_FILE is set; set KAFKA_CERTIFICATE_FILE, too")
        if (self.kafka_sasl_username is None) != (self.kafka_sasl_password is None):
            raise ValueError("set both KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, or neither")
        return self

    @property
    def kafka_config(self) -> KafkaConfig | None:
        """The Kafka for events; None if events are not published."""
        if not self.kafka_brokers:
            return None
        return KafkaConfig(
            addresses=self.kafka_brokers,
            topic=self._kafka_topic_config,
            compression_type=None if self.kafka_compression == "none" else self.kafka_compression,
            request_timeout_seconds=self.kafka_request_timeout.total_seconds(),
            tls_config=self._kafka_tls,
            sasl_login=self._kafka_login,
        )

    @property
    def _kafka_topic_config(self) -> TopicConfig:
        return TopicConfig(
            self.kafka_topic,
            self.kafka_topic_create,
            self.kafka_topic_partitions,
            self.kafka_topic_replication,
        )

    @property
    def _kafka_tls(self) -> TlsConfig | None:
        if not self.kafka_tls:
            return None
        return TlsConfig(
            ca_file=format_path(self.kafka_ca_file),
            certificate_file=format_path(self.kafka_certificate_file),
            key_file=format_path(self.kafka_key_file),
            key_password=get_secret_text(self.kafka_key_password),
            check_hostname=self.kafka_check_hostname,
        )

    @property
    def _kafka_login(self) -> SaslLogin | None:
        user_name, password = self.kafka_sasl_username, get_secret_text(self.kafka_sasl_password)
        return SaslLogin(self.kafka_sasl_mechanism, user_name, password) if user_name and password else None
