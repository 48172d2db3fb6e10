"""Publish events to Kafka as CloudEvents 1.0 in binary mode, keyed by order (docs/adr/0014)."""

import asyncio
import logging
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.producer.message_accumulator import BatchBuilder

from wms_core.domain.events.kafka import LogEvent
from wms_core.runtime.background_tasks import AbandonableTasks
from wms_worker.relay.kafka_settings import KafkaConfig, PublishingUnavailable

KafkaHeaders = list[tuple[str, bytes]]

_SPECVERSION_HEADER = ("ce_specversion", b"1.0")
_SOURCE_HEADER = ("ce_source", b"/wms/order-service")
_CONTENT_TYPE_HEADER = ("content-type", b"application/json")


def encode_headers(event: LogEvent) -> KafkaHeaders:
    """Return the CloudEvents attributes of an event without empty ones; the same event has the same bytes.

    The function runs for each event, so it has no loop, for speed.
    """
    kafka_headers = [
        _SPECVERSION_HEADER,
        ("ce_id", event.event_id.encode()),
        _SOURCE_HEADER,
        ("ce_type", event.type.encode()),
        ("ce_subject", b"order/" + event.order_id.encode()),
        ("ce_time", event.occurred_at.encode()),
        _CONTENT_TYPE_HEADER,
        ("ce_sequence", b"%d" % event.sequence),
        ("ce_wmswarehouseid", event.warehouse_id.encode()),
    ]
    if event.correlation_id:
        kafka_headers.append(("ce_wmscorrelationid", event.correlation_id.encode()))
    if event.wave_number:
        kafka_headers.append(("ce_wmswavenumber", event.wave_number.encode()))
    if event.workflow_id:
        kafka_headers.append(("ce_wmsworkflowid", event.workflow_id.encode()))
    if event.traceparent:
        encoded_traceparent = event.traceparent.encode()
        kafka_headers += [("ce_traceparent", encoded_traceparent), ("traceparent", encoded_traceparent)]
    return kafka_headers


_MURMUR_SEED, _MURMUR_MULTIPLIER, _WORD_MASK = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF


@lru_cache(maxsize=65_536)
def hash_key(order_id: str) -> int:
    """Return the hash of a key as Kafka's Java client computes it: murmur2 without the sign bit."""
    key = order_id.encode()
    word_count = len(key) // 4
    hash_state = _MURMUR_SEED ^ len(key)
    for key_word in struct.unpack_from(f"<{word_count}I", key):
        mixed_word = key_word * _MURMUR_MULTIPLIER & _WORD_MASK
        hash_state = (
            hash_state * _MURMUR_MULTIPLIER & _WORD_MASK
            ^ (mixed_word ^ mixed_word >> 24) * _MURMUR_MULTIPLIER & _WORD_MASK
        )
    tail_bytes = key[word_count * 4 :]
    if tail_bytes:
        hash_state = (hash_state ^ int.from_bytes(tail_bytes, "little")) * _MURMUR_MULTIPLIER & _WORD_MASK
    hash_state = (hash_state ^ hash_state >> 13) * _MURMUR_MULTIPLIER & _WORD_MASK
    return (hash_state ^ hash_state >> 15) & 0x7FFFFFFF


#: Slightly less than the default limit of a broker for one batch.
MAX_BATCH_BYTES = 1_000_000
CLOSE_TIMEOUT_SECONDS = 1.0


class InvalidRecordError(errors.BrokerResponseError):
    """The broker rejects the content of a record."""

    errno = 87
    message = "INVALID_RECORD"


# aiokafka 0.14 has no error class for this code.
errors.kafka_errors.setdefault(InvalidRecordError.errno, InvalidRecordError)
# aiokafka logs each of its retries; the relay logs the cause once.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

#: Errors caused by an event: Kafka rejects the same batch again.
_REJECTION_ERRORS = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError, InvalidRecordError)


class PartitionBatch:
    """A batch of events of one partition, in order."""

    def __init__(self, batch_builder: BatchBuilder) -> None:
        self.batch_builder = batch_builder
        self.log_events: list[LogEvent] = []

    def add_event(self, event: LogEvent) -> bool:
        """Add an event; return False if the batch is full."""
        record_metadata = self.batch_builder.append(
            timestamp=None,
            key=event.order_id.encode(),
            value=event.payload.encode(),
            headers=encode_headers(event),
        )
        if record_metadata is None:
            return False
        self.log_events.append(event)
        return True

    @property
    def size_bytes(self) -> int:
        """The size before compression."""
        return self.batch_builder.size()


class KafkaProducer:
    """A connection to Kafka; create it with `open_kafka_producer`."""

    def __init__(
        self, aiokafka_producer: AIOKafkaProducer, kafka_config: KafkaConfig, partition_count: int
    ) -> None:
        self._aiokafka_producer = aiokafka_producer
        self._kafka_config = kafka_config
        self._topic_name = kafka_config.topic.name
        self._partition_count = partition_count
        #: Number of acknowledged events.
        self.acknowledged_count = 0

    def get_partition(self, order_id: str) -> int:
        """Return the partition of an order's events."""
        return hash_key(order_id) % self._partition_count

    def create_batch(self) -> PartitionBatch:
        """Return an empty batch."""
        return PartitionBatch(self._aiokafka_producer.create_batch())

    async def publish(self, batches_by_partition: Mapping[int, PartitionBatch]) -> dict[int, str]:
        """Send one batch per partition and wait until all are acknowledged.

        Return the errors of permanently rejected batches, by partition.

        Raises:
            PublishingUnavailable: a retry may succeed. Some of the batches may have arrived.
        """
        send_coroutines = [
            self._send_batch(partition, batch) for partition, batch in batches_by_partition.items()
        ]
        try:
            async with asyncio.timeout(2 * self._kafka_config.request_timeout_seconds):
                send_outcomes = await asyncio.gather(*send_coroutines, return_exceptions=True)
        except TimeoutError:
            limit_text = f"KAFKA_REQUEST_TIMEOUT={self._kafka_config.request_timeout_seconds:g}s"
            raise PublishingUnavailable(f"KAFKA_BROKERS do not answer within twice {limit_text}") from None
        for error in send_outcomes:
            if isinstance(error, BaseException) and not isinstance(error, _REJECTION_ERRORS):
                raise _to_publishing_unavailable(error, self._kafka_config) from error
        await self._update_partition_count()
        return {
            partition: f"{type(error).__name__}: {error}"
            for partition, error in zip(batches_by_partition, send_outcomes, strict=True)
            if isinstance(error, _REJECTION_ERRORS)
        }

    async def check_connection(self) -> None:
        """Raise `PublishingUnavailable` unless a broker answers."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._kafka_config.request_timeout_seconds):
                if await self._aiokafka_producer.client.force_metadata_update():
                    return
        raise PublishingUnavailable(f"KAFKA_BROKERS={self._kafka_config.addresses}: no broker answers")

    async def _send_batch(self, partition: int, batch: PartitionBatch) -> None:
        # All batches are enqueued before the first is sent, so that each broker gets one request.
        await (
            await self._aiokafka_producer.send_batch(
                batch.batch_builder, self._topic_name, partition=partition
            )
        )
        self.acknowledged_count += len(batch.log_events)

    async def _update_partition_count(self) -> None:
        """Follow an increase of the topic's partitions, as other producers do."""
        partition_ids = self._aiokafka_producer.client.cluster.partitions_for_topic(self._topic_name)
        self._partition_count = len(partition_ids) if partition_ids else self._partition_count


@asynccontextmanager
async def open_kafka_producer(
    kafka_config: KafkaConfig, abandonable_tasks: AbandonableTasks
) -> AsyncIterator[KafkaProducer]:
    """Connect to Kafka and ensure that the topic exists.

    Raises:
        PublishingUnavailable: no connection, or no topic.
    """
    aiokafka_producer = AIOKafkaProducer(
        **_build_connection_options(kafka_config),
        acks="all",
        compression_type=kafka_config.compression_type,
        max_batch_size=MAX_BATCH_BYTES,
        metadata_max_age_ms=60_000,
    )
    try:
        try:
            async with asyncio.timeout(3 * kafka_config.request_timeout_seconds):
                await _start_producer(aiokafka_producer, kafka_config)
                partition_count = await _ensure_topic(aiokafka_producer, kafka_config)
        except TimeoutError:
            raise PublishingUnavailable(
                f"KAFKA_BROKERS={kafka_config.addresses}: no connection in time"
            ) from None
        yield KafkaProducer(aiokafka_producer, kafka_config, partition_count)
    finally:
        # The stop may hang while a broker is down; it ends when its requests have timed out.
        await asyncio.wait(
            {abandonable_tasks.start_task(aiokafka_producer.stop())}, timeout=CLOSE_TIMEOUT_SECONDS
        )


async def _start_producer(aiokafka_producer: AIOKafkaProducer, kafka_config: KafkaConfig) -> None:
    try:
        await aiokafka_producer.start()
    except errors.KafkaError as error:
        raise await _find_connection_error(kafka_config) or _to_publishing_unavailable(
            error, kafka_config
        ) from error


async def _find_connection_error(kafka_config: KafkaConfig) -> PublishingUnavailable | None:
    """Return why no broker is reachable; aiokafka's own error does not contain the cause."""
    connection_error: PublishingUnavailable | None = None
    options = _build_connection_options(kafka_config)
    del options["bootstrap_servers"]
    for host, port, _ in collect_hosts(kafka_config.addresses):
        try:
            (await create_conn(host, port, **options)).close()
        except Exception as error:  # every error is reported
            connection_error = _to_publishing_unavailable(error, kafka_config)
    return connection_error


async def _ensure_topic(aiokafka_producer: AIOKafkaProducer, kafka_config: KafkaConfig) -> int:
    """Create the topic if it is missing; return the number of its partitions."""
    topic_name = kafka_config.topic.name
    try:
        # A request for one topic by name might make the broker create it with its own defaults.
        partition_ids = (await aiokafka_producer.client.fetch_all_metadata()).partitions_for_topic(topic_name)
        if not partition_ids:
            await _create_topic(kafka_config)
        return len(await aiokafka_producer.partitions_for(topic_name))
    except errors.KafkaError as error:
        raise _to_publishing_unavailable(error, kafka_config) from error


async def _create_topic(kafka_config: KafkaConfig) -> None:
    topic_config = kafka_config.topic
    if not topic_config.should_create:
        raise PublishingUnavailable(
            f"KAFKA_TOPIC={topic_config.name} does not exist, or this user may not see it; create it or set "
            "KAFKA_TOPIC_CREATE=true"
        )
    admin_client = AIOKafkaAdminClient(**_build_connection_options(kafka_config))
    try:
        await admin_client.start()
        # aiokafka accepts a replication factor of -1 only together with this last argument.
        new_topic = NewTopic(
            topic_config.name,
            topic_config.partition_count,
            topic_config.replication_factor,
            {} if topic_config.replication_factor < 0 else None,
        )
        create_response = await admin_client.create_topics([new_topic])
    finally:
        await admin_client.close()
    _, error_code, *error_details = create_response.topic_errors[0]
    error_class = errors.for_code(error_code)
    if error_class not in (errors.NoError, errors.TopicAlreadyExistsError):
        raise _to_publishing_unavailable(error_class(*error_details), kafka_config)


def _build_connection_options(kafka_config: KafkaConfig) -> dict[str, Any]:
    """Return the options of each aiokafka connection."""
    tls_config, sasl_login = kafka_config.tls_config, kafka_config.sasl_login
    security_protocol = ("SASL_" if sasl_login else "") + ("SSL" if tls_config else "PLAINTEXT")
    options: dict[str, Any] = {
        "bootstrap_servers": kafka_config.addresses,
        "client_id": "wms-orders-relay",
        "request_timeout_ms": round(kafka_config.request_timeout_seconds * 1000),
        "security_protocol": security_protocol,
    }
    if tls_config:
        options["ssl_context"] = _create_ssl_context(kafka_config)
    if sasl_login:
        options |= {
            "sasl_mechanism": sasl_login.sasl_mechanism,
            "sasl_plain_username": sasl_login.user_name,
            "sasl_plain_password": sasl_login.password,
        }
    return options


def _create_ssl_context(kafka_config: KafkaConfig) -> ssl.SSLContext:
    tls_config = kafka_config.tls_config
    assert tls_config is not None
    try:
        ssl_context = ssl.create_default_context(cafile=tls_config.ca_file)
        ssl_context.check_hostname = tls_config.check_hostname
        if tls_config.certificate_file:
            ssl_context.load_cert_chain(
                tls_config.certificate_file, tls_config.key_file, tls_config.key_password
            )
    except OSError as error:
        raise PublishingUnavailable(
            f"KAFKA_CA_FILE, KAFKA_CERTIFICATE_FILE, KAFKA_KEY_FILE or KAFKA_KEY_PASSWORD: {error}"
        ) from error
    return ssl_context


def _to_publishing_unavailable(error: BaseException, kafka_config: KafkaConfig) -> PublishingUnavailable:
    """Convert an error, naming the setting that probably causes it."""
    error_text = str(error) or type(error).__name__
    for error_classes, setting_hint in _SETTING_HINTS:
        if isinstance(error, error_classes):
            return PublishingUnavailable(
                f"{setting_hint.format(brokers=kafka_config, topic=kafka_config.topic)}: {error_text}"
            )
    return PublishingUnavailable(f"KAFKA_BROKERS={kafka_config.addresses}: {error_text}")


_SETTING_HINTS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    (
        (errors.SaslAuthenticationFailed, errors.AuthenticationFailedError),
        "KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD",
    ),
    ((errors.UnsupportedSaslMechanismError,), "KAFKA_SASL_MECHANISM={brokers.sasl_login.sasl_mechanism}"),
    (
        (errors.TopicAuthorizationFailedError, errors.ClusterAuthorizationFailedError),
        "KAFKA_SASL_USERNAME lacks a permission for KAFKA_TOPIC={topic.name}",
    ),
    ((errors.InvalidReplicationFactorError,), "KAFKA_TOPIC_REPLICATION={topic.replication_factor}"),
    ((errors.InvalidPartitionsError,), "KAFKA_TOPIC_PARTITIONS={topic.partition_count}"),
    ((ssl.SSLCertVerificationError,), "KAFKA_CA_FILE or KAFKA_CHECK_HOSTNAME"),
    ((ssl.SSLError,), "KAFKA_TLS"),
)
