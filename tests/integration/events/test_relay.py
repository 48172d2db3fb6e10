"""The relay publishes every event of the log to Kafka in order, also during failures of Kafka."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import KafkaError, Message, Producer

from tests.support.clients.grpc_api import Api
from tests.support.external.certificates import make_certificates
from tests.support.external.kafka import make_topic, new_topic_name, run_kafka, sasl_ssl_settings
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import make_orders
from tests.support.processes.processes import UNREACHABLE_KAFKA
from tests.support.processes.relays import (
    TopicMessage,
    allow_topic_access,
    caught_up_condition,
    group_sequences_by_order,
    is_no_producer_left,
    is_sending,
    limit_batches,
    open_relay,
    read_log_end,
    read_publishing_problem,
    read_relay_position,
    read_topic_messages,
    write_logged_events,
)
from tests.support.processes.workers import Worker
from tests.support.pytest_plugins.requirements import skip_or_fail
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import fulfillment_pb2 as pb
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.repositories.relay import PostgresRelayRepository
from wms_dev.embedded.kafka import KafkaCluster
from wms_worker.settings import WorkerSettings

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaCluster]:
    """Yield a cluster of one broker for tests that kill or freeze it."""
    with run_kafka() as kafka:
        yield kafka


async def _read_messages(brokers: str, topic: str) -> list[TopicMessage]:
    return await asyncio.to_thread(read_topic_messages, brokers, topic)


async def test_events_are_published_once_in_order_by_key(
    database: PostgresDatabase, database_url: str, sql: SqlConnection, kafka_brokers: str
) -> None:
    """Each order has its events in sequence, in the partition of Kafka's default hash of its id."""
    topic = new_topic_name()
    order_ids = [f"ORD-{number}" for number in range(30)]
    await make_orders(sql, order_ids)
    async with open_relay(database_url, kafka_brokers, topic, kafka_topic_partitions=5) as worker:
        for _ in range(3):
            for order_id in order_ids:
                await write_logged_events(database, sql, order_id, 2)
        await eventually(caught_up_condition(sql))
        assert await worker.read_metric("wms_relay_events_published_total") == 180
    messages = await _read_messages(kafka_brokers, topic)
    assert group_sequences_by_order(messages) == {order_id: [1, 2, 3, 4, 5, 6] for order_id in order_ids}
    assert len(messages) == len({message.event_id for message in messages}) == 180
    partitions = {message.key: message.partition for message in messages}
    assert partitions == await asyncio.to_thread(_partitions_by_librdkafka, kafka_brokers, topic, order_ids)
    assert len(set(partitions.values())) == 5


@pytest.mark.one_postgres
async def test_batches_are_bounded_and_lose_no_event(
    database: PostgresDatabase,
    database_url: str,
    sql: SqlConnection,
    kafka_brokers: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bounded by the bytes of a batch, of a publish batch and of a read, and by the number of events."""
    monkeypatch.setattr("wms_worker.relay.publisher._MAX_READ_EVENTS", 30)
    monkeypatch.setattr("wms_worker.relay.publisher._MAX_READ_BYTES", 8_000)
    monkeypatch.setattr("wms_worker.relay.publisher.MAX_BATCH_BYTES", 2_000)
    monkeypatch.setattr("wms_worker.relay.publisher._MAX_PUBLISH_BATCH_CHARACTERS", 5_000)
    topic, order_ids = new_topic_name(), [f"ORD-{number}" for number in range(20)]
    await make_orders(sql, order_ids)
    for order_id in order_ids:
        await write_logged_events(database, sql, order_id, 5, json.dumps({"note": secrets.token_hex(500)}))
    for order_id in order_ids:
        await write_logged_events(database, sql, order_id, 5)
    async with open_relay(database_url, kafka_brokers, topic, kafka_topic_partitions=2):
        await eventually(caught_up_condition(sql))
    messages = await _read_messages(kafka_brokers, topic)
    assert group_sequences_by_order(messages) == {order_id: list(range(1, 11)) for order_id in order_ids}
    assert len(messages) == 200


def _partitions_by_librdkafka(brokers: str, topic: str, keys: list[str]) -> dict[str, int]:
    """Send the same keys with another client, which has the partitioner of the Java client."""
    partitions: dict[str, int] = {}

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        assert error is None
        partitions[(message.key() or b"").decode()] = message.partition() or 0

    producer = Producer({"bootstrap.servers": brokers, "partitioner": "murmur2_random"})
    for key in keys:
        producer.produce(topic, b"", key=key, on_delivery=on_delivery)
    producer.flush(20)
    return partitions


@pytest.mark.one_postgres
async def test_messages_are_cloud_events(
    database: PostgresDatabase, database_url: str, sql: SqlConnection, kafka_brokers: str
) -> None:
    """The CloudEvents library parses and encodes them. The payload has the same bytes as in the log."""
    topic, payload = (
        new_topic_name(),
        '{"type": "wms.order.updated",  "orderId":"ORD-1", "note":"\u00e4\u6f22"}',
    )
    await make_orders(sql, ["ORD-1", "ORD-2"])
    await write_logged_events(database, sql, "ORD-1", 1, payload)
    await write_logged_events(database, sql, "ORD-2", 1)
    await sql.execute(
        "UPDATE order_events SET correlation_id = 'corr-1', wave_number = 'WAVE-2026-00001',"
        " workflow_id = 'wf-1', traceparent = $1 WHERE order_id = 'ORD-1'",
        TRACE,
    )
    row = await sql.fetchrow("SELECT * FROM order_events WHERE order_id = 'ORD-1'")
    assert row is not None
    async with open_relay(database_url, kafka_brokers, topic):
        await eventually(caught_up_condition(sql))
    messages = {message.key: message for message in await _read_messages(kafka_brokers, topic)}
    full_message, minimal_message = messages["ORD-1"], messages["ORD-2"]
    assert full_message.value == payload.encode()
    assert full_message.headers["traceparent"] == TRACE.encode()
    event = from_binary(
        KafkaMessage(full_message.headers, full_message.key, full_message.value), JSONFormat()
    )
    assert event.get_attributes() == {
        "specversion": "1.0",
        "id": str(row["event_id"]),
        "source": "/wms/order-service",
        "type": "wms.order.updated",
        "subject": "order/ORD-1",
        "time": row["occurred_at"],
        "datacontenttype": "application/json",
        "sequence": "1",
        "wmswarehouseid": "WH-01",
        "wmscorrelationid": "corr-1",
        "wmswavenumber": "WAVE-2026-00001",
        "wmsworkflowid": "wf-1",
        "traceparent": TRACE,
        "partitionkey": "ORD-1",
    }
    assert event.get_data() == json.loads(payload)
    attributes = {name: value for name, value in event.get_attributes().items() if name != "partitionkey"}
    encoded_message = to_binary(CloudEvent(attributes, event.get_data()), JSONFormat())
    assert encoded_message.headers == {
        name: value for name, value in full_message.headers.items() if name != "traceparent"
    }
    absent = {"wmscorrelationid", "wmswavenumber", "wmsworkflowid", "traceparent"}
    assert not absent & {name.removeprefix("ce_") for name in minimal_message.headers}


@pytest.mark.one_postgres
async def test_largest_allowed_event_is_accepted_by_kafka(
    database: PostgresDatabase, database_url: str, sql: SqlConnection, kafka_brokers: str
) -> None:
    """EVENT_MAX_BYTES leaves enough bytes for headers and key, in a topic with the default limit."""
    topic, max_bytes = new_topic_name(), WorkerSettings.model_fields["event_max_bytes"].default
    await make_orders(sql, ["ORD-1"])
    payload = json.dumps({"note": secrets.token_hex(max_bytes // 2 - 6)})
    assert max_bytes - 2 <= len(payload) <= max_bytes
    await write_logged_events(database, sql, "ORD-1", 1, payload)
    async with open_relay(database_url, kafka_brokers, topic, kafka_compression="none"):
        await eventually(caught_up_condition(sql))
    assert [message.value.decode() for message in await _read_messages(kafka_brokers, topic)] == [payload]


@pytest.mark.one_postgres
async def test_relay_without_kafka_does_not_take_its_role(database_url: str, sql: SqlConnection) -> None:
    """Its health reports the setting, fulfillment continues, and no relay position blocks the retention."""
    async with open_relay(database_url, "", "unused", worker_roles="fulfillment,relay") as worker:
        await eventually(worker.is_active)
        assert "KAFKA_BROKERS" in await read_publishing_problem(worker)
        assert await sql.fetchval("SELECT epoch FROM worker_roles WHERE role = 'relay'") == 0
        assert await sql.fetchval("SELECT count(*) FROM relay_positions") == 0


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_relay_waits_for_a_broker_that_is_down_at_the_start(
    database: PostgresDatabase, database_url: str, sql: SqlConnection, broker: KafkaCluster
) -> None:
    """Its health names the setting, and it continues without an action when the broker is up."""
    topic = new_topic_name()
    await make_orders(sql, ["ORD-1"])
    await write_logged_events(database, sql, "ORD-1", 3)
    broker.nodes[0].kill()
    async with open_relay(database_url, broker.addresses, topic) as worker:

        async def is_reported() -> bool:
            return f"KAFKA_BROKERS={broker.addresses}" in await read_publishing_problem(worker)

        await eventually(is_reported)
        assert await read_relay_position(sql) == 0
        broker.nodes[0].revive()
        await eventually(caught_up_condition(sql), within=40)
        assert await read_publishing_problem(worker) == ""
    assert group_sequences_by_order(await _read_messages(broker.addresses, topic)) == {"ORD-1": [1, 2, 3]}


@pytest.mark.one_postgres
async def test_relay_continues_after_a_broker_freezes(
    database: PostgresDatabase, database_url: str, sql: SqlConnection, broker: KafkaCluster
) -> None:
    """During the freeze the position stays. Afterwards all events are published in order."""
    topic, order_ids = new_topic_name(), [f"ORD-{number}" for number in range(10)]
    await make_orders(sql, order_ids)
    second = timedelta(seconds=1)
    async with open_relay(database_url, broker.addresses, topic, kafka_request_timeout=second) as worker:
        for order_id in order_ids:
            await write_logged_events(database, sql, order_id, 2)
        await eventually(caught_up_condition(sql))
        position_before = await read_log_end(sql)
        broker.nodes[0].freeze()
        for order_id in order_ids:
            await write_logged_events(database, sql, order_id, 2)

        async def is_reported() -> bool:
            return "KAFKA_BROKERS" in await read_publishing_problem(worker)

        await eventually(is_reported)
        assert await read_relay_position(sql) == position_before
        broker.nodes[0].revive()
        await eventually(caught_up_condition(sql))
        assert (await worker.read_metric("wms_relay_failures_total") or 0) > 0
    assert group_sequences_by_order(await _read_messages(broker.addresses, topic)) == {
        order_id: [1, 2, 3, 4] for order_id in order_ids
    }
    await eventually(is_no_producer_left)


@pytest.mark.one_postgres
async def test_idle_relay_reports_that_kafka_is_down(
    database_url: str, sql: SqlConnection, broker: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The readiness of every process depends on it. The report has the start of the state."""
    monkeypatch.setattr("wms_worker.relay.publisher._IDLE_CHECK_SECONDS", 0.3)
    second = timedelta(seconds=1)
    async with open_relay(
        database_url, broker.addresses, new_topic_name(), kafka_request_timeout=second
    ) as worker:
        await eventually(lambda: _has_kafka_state(worker, "publishing"))
        broker.nodes[0].kill()
        await eventually(lambda: _has_kafka_state(worker, "failing"))
        broker.nodes[0].revive()
        await eventually(lambda: _has_kafka_state(worker, "publishing"), within=40)
    report = await sql.fetchrow("SELECT *, now() - since < interval '1 min' AS fresh FROM relay_reports")
    assert report is not None
    assert (report["relay"], report["fresh"]) == ("kafka", True)


async def _has_kafka_state(worker: Worker, state: str) -> bool:
    _, body = await worker.get_json("/ready")
    return bool(body["kafka"]["state"] == state)


@pytest.mark.one_postgres
async def test_worker_stops_in_time_during_an_unanswered_send(
    database: PostgresDatabase, database_url: str, sql: SqlConnection, broker: KafkaCluster
) -> None:
    """The position excludes unacknowledged events, and the connection is closed."""
    topic = new_topic_name()
    await make_orders(sql, ["ORD-1"])
    await write_logged_events(database, sql, "ORD-1", 1)
    try:
        async with open_relay(database_url, broker.addresses, topic):
            await eventually(caught_up_condition(sql))
            broker.nodes[0].freeze()
            await write_logged_events(database, sql, "ORD-1", 1)
            await eventually(is_sending)
            stopwatch = Stopwatch()
        assert stopwatch.seconds < 5
        assert await read_relay_position(sql) == await read_log_end(sql) - 1
    finally:
        broker.restore_nodes()
    await eventually(is_no_producer_left)


@pytest.mark.one_postgres
async def test_worker_stops_in_time_without_a_broker(database_url: str) -> None:
    """Between two attempts, or during one."""
    async with open_relay(database_url, UNREACHABLE_KAFKA, "unused") as worker:

        async def is_reported() -> bool:
            return UNREACHABLE_KAFKA in await read_publishing_problem(worker)

        await eventually(is_reported)
        stopwatch = Stopwatch()
    assert stopwatch.seconds < 5


@pytest.mark.one_postgres
async def test_relay_waits_for_a_missing_topic(
    database: PostgresDatabase, database_url: str, sql: SqlConnection, kafka_brokers: str
) -> None:
    """If it must not create the topic, it names it and continues when it exists."""
    topic = new_topic_name()
    await make_orders(sql, ["ORD-1"])
    await write_logged_events(database, sql, "ORD-1", 1)
    async with open_relay(database_url, kafka_brokers, topic, kafka_topic_create=False) as worker:

        async def is_reported() -> bool:
            return f"KAFKA_TOPIC={topic}" in await read_publishing_problem(worker)

        await eventually(is_reported)
        await asyncio.to_thread(make_topic, kafka_brokers, topic)
        await eventually(caught_up_condition(sql))
        assert await read_publishing_problem(worker) == ""


@pytest.mark.one_postgres
async def test_error_of_topic_creation_names_the_setting(database_url: str, kafka_brokers: str) -> None:
    """A replication factor needs at least as many brokers."""
    settings = {"kafka_topic_replication": 99}
    async with open_relay(database_url, kafka_brokers, new_topic_name(), **settings) as worker:

        async def is_reported() -> bool:
            return "KAFKA_TOPIC_REPLICATION=99" in await read_publishing_problem(worker)

        await eventually(is_reported)


@pytest.mark.one_postgres
async def test_event_refused_by_kafka_blocks_only_its_order(
    api: Api,
    database: PostgresDatabase,
    database_url: str,
    sql: SqlConnection,
    kafka_brokers: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is parked. When it is released and accepted, the later events follow in order."""
    # Some events are in a read that was made ahead, and on a second page after the release.
    monkeypatch.setattr("wms_worker.relay.publisher._MAX_READ_EVENTS", 8)
    monkeypatch.setattr("wms_worker.relay.publisher.ORDER_READ_LIMIT", 2)
    topic, order_ids = new_topic_name(), [f"ORD-{number}" for number in range(6)]
    await asyncio.to_thread(make_topic, kafka_brokers, topic, 2)
    await asyncio.to_thread(limit_batches, kafka_brokers, topic, 3_000)
    await make_orders(sql, order_ids)
    await write_logged_events(database, sql, "ORD-3", 2, json.dumps({"note": secrets.token_hex(2_000)}))
    for order_id in order_ids:
        await write_logged_events(database, sql, order_id, 3)
    async with open_relay(database_url, kafka_brokers, topic, kafka_compression="none") as worker:
        await eventually(caught_up_condition(sql))
        other_sequences = {order_id: [1, 2, 3] for order_id in order_ids if order_id != "ORD-3"}
        assert group_sequences_by_order(await _read_messages(kafka_brokers, topic)) == {
            **other_sequences,
            "ORD-3": [1],
        }
        parked = await sql.fetchrow("SELECT * FROM parked_events")
        assert parked is not None
        assert (parked["order_id"], parked["position"], parked["attempts"]) == ("ORD-3", 2, 1)
        assert "MessageSizeTooLarge" in parked["last_error"]
        await write_logged_events(database, sql, "ORD-3", 1)
        await eventually(caught_up_condition(sql))

        await _release(api, attempts=1)

        async def is_tried_again() -> bool:
            return bool(await sql.fetchval("SELECT attempts = 2 AND released_at IS NULL FROM parked_events"))

        await eventually(is_tried_again)
        assert group_sequences_by_order(await _read_messages(kafka_brokers, topic))["ORD-3"] == [1]

        await asyncio.to_thread(limit_batches, kafka_brokers, topic, 1_000_000)
        await _release(api, attempts=2)

        async def is_published() -> bool:
            return not await sql.fetchval("SELECT count(*) FROM parked_events")

        await eventually(is_published)
        await write_logged_events(database, sql, "ORD-3", 1)
        await eventually(caught_up_condition(sql))
        assert await worker.read_metric("wms_relay_events_parked_total") == 2
    messages = await _read_messages(kafka_brokers, topic)
    assert group_sequences_by_order(messages) == {**other_sequences, "ORD-3": [1, 2, 3, 4, 5, 6, 7]}


@pytest.mark.one_postgres
@pytest.mark.parametrize(("is_durable", "commit"), [(True, "on"), (False, "off")])
async def test_position_is_durable_only_with_parked_events(
    database: PostgresDatabase, *, is_durable: bool, commit: str
) -> None:
    """After a crash of Postgres an older position is harmless, but a lost parked event is not."""
    async with database.pool.acquire() as sql:
        await sql.execute("SET synchronous_commit = on")
        async with sql.transaction():
            repository = PostgresRelayRepository(sql)
            await repository.start_reading()
            await repository.save(1, is_durable=is_durable)
            assert await sql.fetchval("SHOW synchronous_commit") == commit
        assert await sql.fetchval("SHOW synchronous_commit") == "on"
        assert await sql.fetchval("SELECT position FROM relay_positions") == 1


async def _release(api: Api, attempts: int) -> None:
    (parked,) = (await api.fulfillment.ListParkedEvents(pb.ListParkedEventsRequest())).events
    assert (parked.event.order_id, parked.event.sequence) == ("ORD-3", 2)
    assert (parked.attempts, parked.held_up) == (attempts, 4)
    await api.fulfillment.ReleaseParkedEvent(pb.ReleaseParkedEventRequest(event_id=parked.event.event_id))


@pytest.mark.one_postgres
async def test_deposed_relay_writes_nothing(
    database: PostgresDatabase, database_url: str, sql: SqlConnection, kafka_brokers: str
) -> None:
    """Its next write is rejected and it steps down. Events are published at most twice."""
    topic = new_topic_name()
    await make_orders(sql, ["ORD-1"])
    async with open_relay(
        database_url, kafka_brokers, topic, standalone_lease=timedelta(seconds=30)
    ) as worker:
        await write_logged_events(database, sql, "ORD-1", 1)
        await eventually(caught_up_condition(sql))
        await sql.execute(
            "UPDATE worker_roles SET epoch = epoch + 1, worker_id = 'other', heartbeat_at = now()"
            " WHERE role = 'relay'"
        )
        await write_logged_events(database, sql, "ORD-1", 1)
        await eventually(worker.metric_condition(1, "wms_worker_stale_writes_refused_total", role="relay"))
        await eventually(worker.metric_condition(0, "wms_worker_active", role="relay"))
        assert await read_relay_position(sql) == await read_log_end(sql) - 1


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_relay_supports_tls_and_passwords_and_names_wrong_settings(
    database: PostgresDatabase, database_url: str, sql: SqlConnection, tmp_path: Path
) -> None:
    """Each mistake is reported with the name of its setting."""
    certificates = make_certificates(tmp_path / "certificates")
    other_certificates = make_certificates(tmp_path / "strangers")
    if certificates is None or other_certificates is None:
        skip_or_fail("there is no openssl on this machine; on Debian: apt-get install openssl")
    topic = new_topic_name()
    await make_orders(sql, ["ORD-1"])
    await write_logged_events(database, sql, "ORD-1", 1)
    settings: dict[str, Any] = {
        "kafka_tls": True,
        "kafka_ca_file": certificates.authority,
        "kafka_sasl_mechanism": "PLAIN",
        "kafka_sasl_username": "relay",
        "kafka_sasl_password": "secret",
        "kafka_request_timeout": timedelta(seconds=2),
    }
    mistakes: dict[str, dict[str, Any]] = {
        "KAFKA_SASL_PASSWORD": {"kafka_sasl_password": "guessed"},
        "KAFKA_CA_FILE": {"kafka_ca_file": other_certificates.authority},
        "KAFKA_SASL_MECHANISM": {"kafka_sasl_mechanism": "SCRAM-SHA-256"},
    }
    broker_settings = {
        **sasl_ssl_settings(certificates, "relay", "secret"),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    with run_kafka(settings=broker_settings, protocol="SASL_SSL") as kafka:
        for name, mistake in mistakes.items():
            async with open_relay(database_url, kafka.addresses, topic, **{**settings, **mistake}) as worker:

                async def is_reported(name: str = name, worker: Worker = worker) -> bool:
                    return name in await read_publishing_problem(worker)

                await eventually(is_reported)
        async with open_relay(database_url, kafka.addresses, topic, **settings) as worker:

            async def lacks_permission() -> bool:
                return "lacks a permission" in await read_publishing_problem(worker)

            await eventually(lacks_permission)
            await asyncio.to_thread(allow_topic_access, kafka.plaintext_addresses, topic, "relay")
            await eventually(caught_up_condition(sql))
            assert await read_publishing_problem(worker) == ""
        assert group_sequences_by_order(await _read_messages(kafka.plaintext_addresses, topic)) == {
            "ORD-1": [1]
        }
