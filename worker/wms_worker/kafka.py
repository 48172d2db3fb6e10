"""Kafka, through aiokafka, which only this module imports (docs/adr/0014).

A connection is used until its first error and then thrown away. Every wait has an end: aiokafka gives a
request up after its timeout, and we give aiokafka up after twice that.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaProducer, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.producer.message_accumulator import BatchBuilder

from wms_core.domain.publishing import LogEvent
from wms_worker.brokers import Brokers, KafkaTrouble
from wms_worker.messages import headers
from wms_worker.partitions import key_hash
from wms_worker.patience import Patience

BATCH_BYTES = 1_000_000  # a little less than brokers take in one batch when nobody has told them otherwise
_FAREWELL = 1.0  # seconds that the end of a connection is waited for


class InvalidRecordError(errors.BrokerResponseError):
    """The broker has rejected a record itself."""

    errno = 87
    message = "INVALID_RECORD"


# aiokafka 0.14 knows no error by this code.
errors.kafka_errors.setdefault(InvalidRecordError.errno, InvalidRecordError)
# It complains again at every try of its own; the relay says what is wrong, once.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

#: An event is at fault, not Kafka: the same batch will be refused again.
_REFUSALS = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError, InvalidRecordError)


class Batch:
    """Events of one partition on their way, in order."""

    def __init__(self, builder: BatchBuilder) -> None:
        """Use `Kafka.batch` instead."""
        self.builder = builder
        self.events: list[LogEvent] = []

    def add(self, event: LogEvent) -> bool:
        """Take an event; False when the batch is full."""
        taken = self.builder.append(
            timestamp=None,
            key=event.order_id.encode(),
            value=event.payload.encode(),
            headers=headers(event),
        )
        if taken is None:
            return False
        self.events.append(event)
        return True

    @property
    def size(self) -> int:
        """The bytes it has, before compression."""
        return self.builder.size()


class Kafka:
    """A connection; `open_kafka` makes one."""

    def __init__(self, producer: AIOKafkaProducer, brokers: Brokers, partitions: int) -> None:
        """Publish to a topic that has so many partitions."""
        self._producer = producer
        self._brokers = brokers
        self._topic = brokers.topic.name
        self._partitions = partitions
        #: How many events have been acknowledged.
        self.acknowledged = 0

    def partition(self, order_id: str) -> int:
        """Give the partition that an order's events are in."""
        return key_hash(order_id) % self._partitions

    def batch(self) -> Batch:
        """Give an empty batch."""
        return Batch(self._producer.create_batch())

    async def publish(self, batches: Mapping[int, Batch]) -> dict[int, str]:
        """Send a batch to each of some partitions and wait until all are acknowledged.

        Gives those that were refused, with what Kafka said: trying again won't help. Raises KafkaTrouble when
        it may help; then nobody knows which of them have arrived.
        """
        sending = [self._send(partition, batch) for partition, batch in batches.items()]
        try:
            async with asyncio.timeout(2 * self._brokers.timeout):
                outcomes = await asyncio.gather(*sending, return_exceptions=True)
        except TimeoutError:
            limit = f"KAFKA_REQUEST_TIMEOUT={self._brokers.timeout:g}s"
            raise KafkaTrouble(f"KAFKA_BROKERS do not answer within twice {limit}") from None
        for error in outcomes:
            if isinstance(error, BaseException) and not isinstance(error, _REFUSALS):
                raise _trouble(error, self._brokers) from error
        await self._follow_partitions()
        return {
            partition: f"{type(error).__name__}: {error}"
            for partition, error in zip(batches, outcomes, strict=True)
            if isinstance(error, _REFUSALS)
        }

    async def check(self) -> None:
        """Raise KafkaTrouble unless a broker answers."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._brokers.timeout):
                if await self._producer.client.force_metadata_update():
                    return
        raise KafkaTrouble(f"KAFKA_BROKERS={self._brokers.addresses}: no broker answers")

    async def _send(self, partition: int, batch: Batch) -> None:
        # All are handed over before the first one leaves, so that brokers get one request each.
        await (await self._producer.send_batch(batch.builder, self._topic, partition=partition))
        self.acknowledged += len(batch.events)

    async def _follow_partitions(self) -> None:
        """Take in that the topic has got more partitions, as other producers do."""
        found = self._producer.client.cluster.partitions_for_topic(self._topic)
        self._partitions = len(found) if found else self._partitions


@asynccontextmanager
async def open_kafka(brokers: Brokers, patience: Patience) -> AsyncIterator[Kafka]:
    """Connect, and see that the topic is there. Raises KafkaTrouble."""
    producer = AIOKafkaProducer(
        **_connection(brokers),
        acks="all",
        compression_type=brokers.compression,
        max_batch_size=BATCH_BYTES,
        metadata_max_age_ms=60_000,
    )
    try:
        try:
            async with asyncio.timeout(3 * brokers.timeout):
                await _start(producer, brokers)
                partitions = await _topic(producer, brokers)
        except TimeoutError:
            raise KafkaTrouble(f"KAFKA_BROKERS={brokers.addresses} are too slow to answer") from None
        yield Kafka(producer, brokers, partitions)
    finally:
        # It may hang while a broker is down; it ends by itself when its requests have timed out.
        await asyncio.wait({patience.begin(producer.stop())}, timeout=_FAREWELL)


async def _start(producer: AIOKafkaProducer, brokers: Brokers) -> None:
    try:
        await producer.start()
    except errors.KafkaError as error:
        raise await _cause(brokers) or _trouble(error, brokers) from error


async def _cause(brokers: Brokers) -> KafkaTrouble | None:
    """Find out why no broker could be reached, which aiokafka keeps to itself."""
    cause: KafkaTrouble | None = None
    options = _connection(brokers)
    del options["bootstrap_servers"]
    for host, port, _ in collect_hosts(brokers.addresses):
        try:
            (await create_conn(host, port, **options)).close()
        except Exception as error:  # all of them are told
            cause = _trouble(error, brokers)
    return cause


async def _topic(producer: AIOKafkaProducer, brokers: Brokers) -> int:
    """See that the topic is there, or make it; gives the number of its partitions."""
    name = brokers.topic.name
    try:
        # All topics are asked for: a broker might make the one that is asked for by name.
        found = (await producer.client.fetch_all_metadata()).partitions_for_topic(name)
        if not found:
            await _make_topic(brokers)
        return len(await producer.partitions_for(name))
    except errors.KafkaError as error:
        raise _trouble(error, brokers) from error


async def _make_topic(brokers: Brokers) -> None:
    topic = brokers.topic
    if not topic.create:
        raise KafkaTrouble(
            f"KAFKA_TOPIC={topic.name} is not there, or we may not see it; KAFKA_TOPIC_CREATE=false leaves "
            "it to others to make it"
        )
    admin = AIOKafkaAdminClient(**_connection(brokers))
    try:
        await admin.start()
        # Without the last one aiokafka refuses what leaves the copies to the brokers.
        wanted = NewTopic(
            topic.name, topic.partitions, topic.replication, {} if topic.replication < 0 else None
        )
        answer = await admin.create_topics([wanted])
    finally:
        await admin.close()
    _, code, *said = answer.topic_errors[0]
    kind = errors.for_code(code)
    if kind not in (errors.NoError, errors.TopicAlreadyExistsError):
        raise _trouble(kind(*said), brokers)


def _connection(brokers: Brokers) -> dict[str, Any]:
    """Give what aiokafka asks for each kind of connection."""
    tls, login = brokers.tls, brokers.login
    protocol = ("SASL_" if login else "") + ("SSL" if tls else "PLAINTEXT")
    options: dict[str, Any] = {
        "bootstrap_servers": brokers.addresses,
        "client_id": "wms-orders-relay",
        "request_timeout_ms": round(brokers.timeout * 1000),
        "security_protocol": protocol,
    }
    if tls:
        options["ssl_context"] = _ssl_context(brokers)
    if login:
        options |= {
            "sasl_mechanism": login.mechanism,
            "sasl_plain_username": login.username,
            "sasl_plain_password": login.password,
        }
    return options


def _ssl_context(brokers: Brokers) -> ssl.SSLContext:
    tls = brokers.tls
    assert tls is not None
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        context.check_hostname = tls.check_hostname
        if tls.certificate_file:
            context.load_cert_chain(tls.certificate_file, tls.key_file, tls.key_password)
    except OSError as error:
        raise KafkaTrouble(
            f"KAFKA_CA_FILE, KAFKA_CERTIFICATE_FILE, KAFKA_KEY_FILE or KAFKA_KEY_PASSWORD: {error}"
        ) from error
    return context


def _trouble(error: BaseException, brokers: Brokers) -> KafkaTrouble:
    """Say what an error means, by the name of the setting that it may be about."""
    said = str(error) or type(error).__name__
    for kinds, about in _ABOUT:
        if isinstance(error, kinds):
            return KafkaTrouble(f"{about.format(brokers=brokers, topic=brokers.topic)}: {said}")
    return KafkaTrouble(f"KAFKA_BROKERS={brokers.addresses}: {said}")


_ABOUT: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    (
        (errors.SaslAuthenticationFailed, errors.AuthenticationFailedError),
        "KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD",
    ),
    ((errors.UnsupportedSaslMechanismError,), "KAFKA_SASL_MECHANISM={brokers.login.mechanism}"),
    (
        (errors.TopicAuthorizationFailedError, errors.ClusterAuthorizationFailedError),
        "KAFKA_SASL_USERNAME lacks a permission for KAFKA_TOPIC={topic.name}",
    ),
    ((errors.InvalidReplicationFactorError,), "KAFKA_TOPIC_REPLICATION={topic.replication}"),
    ((errors.InvalidPartitionsError,), "KAFKA_TOPIC_PARTITIONS={topic.partitions}"),
    ((ssl.SSLCertVerificationError,), "KAFKA_CA_FILE or KAFKA_CHECK_HOSTNAME"),
    ((ssl.SSLError,), "KAFKA_TLS"),
)
