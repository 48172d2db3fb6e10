"""What the worker takes from its environment about Kafka."""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator

from wms_core.settings import CoreSettings, Duration, path_text, secret_text
from wms_worker.brokers import Brokers, SaslLogin, Topic
from wms_worker.tls import Tls

_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}"


def broker_list(text: str) -> str:
    """Refuse what is no list of addresses."""
    if text and not re.fullmatch(rf"{_HOST}(,{_HOST})*", text):
        raise ValueError("the form is host:port,host:port,...")
    return text


class KafkaSettings(CoreSettings):
    """Where events are published, and how to reach it."""

    kafka_brokers: Annotated[str, AfterValidator(broker_list)] = Field(
        "", description="The Kafka that events go to: host:port,host:port,... Without it they go nowhere."
    )
    kafka_topic: str = Field(
        "wms.orders.events", pattern=r"^[A-Za-z0-9._-]{1,249}$", description="The topic that they go to."
    )
    kafka_topic_create: bool = Field(True, description="Whether to make the topic when it is missing.")
    kafka_topic_partitions: int = Field(
        6, ge=1, le=10_000, description="How many partitions the topic is made with."
    )
    kafka_topic_replication: int = Field(
        -1, ge=-1, le=100, description="How many copies the topic is made with; -1 leaves it to the brokers."
    )
    kafka_compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "lz4", description="How batches of events are compressed."
    )
    kafka_request_timeout: Duration = Field(
        timedelta(seconds=10),
        ge=timedelta(milliseconds=500),
        le=timedelta(minutes=5),
        description="How long Kafka may take for one answer.",
    )
    kafka_tls: bool = Field(False, description="Whether to speak TLS with Kafka.")
    kafka_ca_file: FilePath | None = Field(
        None, description="The certificates, in PEM, that Kafka's own has to be signed by."
    )
    kafka_certificate_file: FilePath | None = Field(None, description="Our certificate for Kafka, in PEM.")
    kafka_key_file: FilePath | None = Field(None, description="The key of that certificate, in PEM.")
    kafka_key_password: SecretStr | None = Field(
        None, min_length=1, description="What that key is locked with."
    )
    kafka_check_hostname: bool = Field(True, description="Whether Kafka's certificate has to name the host.")
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How we log in to Kafka, given a user."
    )
    kafka_sasl_username: str | None = Field(None, min_length=1, description="Our user in Kafka.")
    kafka_sasl_password: SecretStr | None = Field(
        None, min_length=1, description="The password of that user."
    )

    @model_validator(mode="after")
    def _kafka_is_whole(self) -> Self:
        """Refuse halves: a TLS file without TLS, a certificate without a key, a user without a password."""
        files = (self.kafka_ca_file, self.kafka_certificate_file, self.kafka_key_file)
        if any(files) and not self.kafka_tls:
            raise ValueError("KAFKA_TLS is not true, but a file for it is given")
        if self.kafka_key_file and not self.kafka_certificate_file:
            raise ValueError("KAFKA_KEY_FILE is the key of KAFKA_CERTIFICATE_FILE, which is not given")
        if (self.kafka_sasl_username is None) != (self.kafka_sasl_password is None):
            raise ValueError("KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD go together")
        return self

    @property
    def brokers(self) -> Brokers | None:
        """The Kafka that events go to; None when they go nowhere."""
        if not self.kafka_brokers:
            return None
        return Brokers(
            addresses=self.kafka_brokers,
            topic=self._topic,
            compression=None if self.kafka_compression == "none" else self.kafka_compression,
            timeout=self.kafka_request_timeout.total_seconds(),
            tls=self._kafka_tls,
            login=self._kafka_login,
        )

    @property
    def _topic(self) -> Topic:
        return Topic(
            self.kafka_topic,
            self.kafka_topic_create,
            self.kafka_topic_partitions,
            self.kafka_topic_replication,
        )

    @property
    def _kafka_tls(self) -> Tls | None:
        if not self.kafka_tls:
            return None
        return Tls(
            ca_file=path_text(self.kafka_ca_file),
            certificate_file=path_text(self.kafka_certificate_file),
            key_file=path_text(self.kafka_key_file),
            key_password=secret_text(self.kafka_key_password),
            check_hostname=self.kafka_check_hostname,
        )

    @property
    def _kafka_login(self) -> SaslLogin | None:
        name, password = self.kafka_sasl_username, secret_text(self.kafka_sasl_password)
        return SaslLogin(self.kafka_sasl_mechanism, name, password) if name and password else None
