"""The relay: every event of the log arrives in Kafka, in order, whatever Kafka does."""

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

from tests.support.api import Api
from tests.support.certificates import make_certificates
from tests.support.event_log import make_orders
from tests.support.invariants import Sql
from tests.support.kafka import fresh_topic, make_topic, own_kafka, secured
from tests.support.processes import NO_KAFKA
from tests.support.relay import (
    Arrived,
    arrived,
    by_order,
    caught_up,
    is_sending,
    limit_batches,
    log_events,
    newest,
    nothing_is_sent,
    open_relay,
    permit,
    position,
    trouble,
)
from tests.support.requirements import skip_or_fail
from tests.support.waiting import Stopwatch, eventually
from tests.support.worker import Worker
from wms.orders.v1 import fulfillment_pb2 as pb
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.relay_store import PostgresRelayStore
from wms_dev.kafka import Kafka
from wms_worker.settings import WorkerSettings

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    """Give a single one for tests that break it and mend it."""
    with own_kafka() as kafka:
        yield kafka


async def _arrived(brokers: str, topic: str) -> list[Arrived]:
    return await asyncio.to_thread(arrived, brokers, topic)


async def test_events_arrive_in_order_where_kafkas_clients_look_for_them(
    database: PostgresDatabase, database_url: str, sql: Sql, kafka_brokers: str
) -> None:
    """Each event once, per order in order; in the partition that Kafka's own hash gives the order."""
    topic = fresh_topic()
    orders = [f"ORD-{number}" for number in range(30)]
    await make_orders(sql, orders)
    async with open_relay(database_url, kafka_brokers, topic, kafka_topic_partitions=5) as worker:
        for _ in range(3):
            for order_id in orders:
                await log_events(database, sql, order_id, 2)
        await eventually(caught_up(sql))
        assert await worker.metric("wms_relay_events_published_total") == 180
    messages = await _arrived(kafka_brokers, topic)
    assert by_order(messages) == {order_id: [1, 2, 3, 4, 5, 6] for order_id in orders}
    assert len(messages) == len({message.event_id for message in messages}) == 180
    found = {message.key: message.partition for message in messages}
    assert found == await asyncio.to_thread(_partitions_by_librdkafka, kafka_brokers, topic, orders)
    assert len(set(found.values())) == 5


@pytest.mark.one_postgres
async def test_rounds_are_bounded_and_nothing_is_lost_between_them(
    database: PostgresDatabase,
    database_url: str,
    sql: Sql,
    kafka_brokers: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not by the bytes of a batch, of a round, of a reading, nor by the number of its events."""
    monkeypatch.setattr("wms_worker.publication._EVENTS", 30)
    monkeypatch.setattr("wms_worker.publication._BYTES", 8_000)
    monkeypatch.setattr("wms_worker.publication.BATCH_BYTES", 2_000)
    monkeypatch.setattr("wms_worker.rounds._ROUND", 5_000)
    topic, orders = fresh_topic(), [f"ORD-{number}" for number in range(20)]
    await make_orders(sql, orders)
    for order_id in orders:
        await log_events(database, sql, order_id, 5, json.dumps({"note": secrets.token_hex(500)}))
    for order_id in orders:
        await log_events(database, sql, order_id, 5)
    async with open_relay(database_url, kafka_brokers, topic, kafka_topic_partitions=2):
        await eventually(caught_up(sql))
    messages = await _arrived(kafka_brokers, topic)
    assert by_order(messages) == {order_id: list(range(1, 11)) for order_id in orders}
    assert len(messages) == 200


def _partitions_by_librdkafka(brokers: str, topic: str, keys: list[str]) -> dict[str, int]:
    """Have another client send the same keys, by the partitioner that the Java client has."""
    found: dict[str, int] = {}

    def delivered(error: KafkaError | None, message: Message) -> None:
        assert error is None
        found[(message.key() or b"").decode()] = message.partition() or 0

    producer = Producer({"bootstrap.servers": brokers, "partitioner": "murmur2_random"})
    for key in keys:
        producer.produce(topic, b"", key=key, on_delivery=delivered)
    producer.flush(20)
    return found


@pytest.mark.one_postgres
async def test_what_arrives_is_a_cloud_event(
    database: PostgresDatabase, database_url: str, sql: Sql, kafka_brokers: str
) -> None:
    """By the binding of CloudEvents' own library, both ways; its payload is that of the log, untouched."""
    topic, payload = fresh_topic(), '{"type": "wms.order.updated",  "orderId":"ORD-1", "note":"\u00e4\u6f22"}'
    await make_orders(sql, ["ORD-1", "ORD-2"])
    await log_events(database, sql, "ORD-1", 1, payload)
    await log_events(database, sql, "ORD-2", 1)
    await sql.execute(
        "UPDATE order_events SET correlation_id = 'corr-1', wave_number = 'WAVE-2026-00001',"
        " workflow_id = 'wf-1', traceparent = $1 WHERE order_id = 'ORD-1'",
        TRACE,
    )
    row = await sql.fetchrow("SELECT * FROM order_events WHERE order_id = 'ORD-1'")
    assert row is not None
    async with open_relay(database_url, kafka_brokers, topic):
        await eventually(caught_up(sql))
    messages = {message.key: message for message in await _arrived(kafka_brokers, topic)}
    full, bare = messages["ORD-1"], messages["ORD-2"]
    assert full.value == payload.encode()
    assert full.headers["traceparent"] == TRACE.encode()
    event = from_binary(KafkaMessage(full.headers, full.key, full.value), JSONFormat())
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
    again = to_binary(CloudEvent(attributes, event.get_data()), JSONFormat())
    assert again.headers == {name: value for name, value in full.headers.items() if name != "traceparent"}
    absent = {"wmscorrelationid", "wmswavenumber", "wmsworkflowid", "traceparent"}
    assert not absent & {name.removeprefix("ce_") for name in bare.headers}


@pytest.mark.one_postgres
async def test_the_largest_event_that_is_written_is_one_that_kafka_takes(
    database: PostgresDatabase, database_url: str, sql: Sql, kafka_brokers: str
) -> None:
    """EVENT_MAX_BYTES leaves room for what goes with a payload, in a topic with the usual limit."""
    topic, most = fresh_topic(), WorkerSettings.model_fields["event_max_bytes"].default
    await make_orders(sql, ["ORD-1"])
    payload = json.dumps({"note": secrets.token_hex(most // 2 - 6)})
    assert most - 2 <= len(payload) <= most
    await log_events(database, sql, "ORD-1", 1, payload)
    async with open_relay(database_url, kafka_brokers, topic, kafka_compression="none"):
        await eventually(caught_up(sql))
    assert [message.value.decode() for message in await _arrived(kafka_brokers, topic)] == [payload]


@pytest.mark.one_postgres
async def test_without_kafka_the_relay_stands_for_nothing(database_url: str, sql: Sql) -> None:
    """Its health says so; fulfillment goes on, and no position is kept that anything would wait for."""
    async with open_relay(database_url, "", "unused", worker_roles="fulfillment,relay") as worker:
        await eventually(worker.is_active)
        assert "KAFKA_BROKERS" in await trouble(worker)
        assert await sql.fetchval("SELECT epoch FROM worker_roles WHERE role = 'relay'") == 0
        assert await sql.fetchval("SELECT count(*) FROM relay_positions") == 0


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_a_broker_that_is_away_at_the_start_is_named_and_waited_for(
    database: PostgresDatabase, database_url: str, sql: Sql, broker: Kafka
) -> None:
    """Once it is there, nobody has to do anything."""
    topic = fresh_topic()
    await make_orders(sql, ["ORD-1"])
    await log_events(database, sql, "ORD-1", 3)
    broker.nodes[0].kill()
    async with open_relay(database_url, broker.brokers, topic) as worker:

        async def said() -> bool:
            return f"KAFKA_BROKERS={broker.brokers}" in await trouble(worker)

        await eventually(said)
        assert await position(sql) == 0
        broker.nodes[0].revive()
        await eventually(caught_up(sql), within=40)
        assert await trouble(worker) == ""
    assert by_order(await _arrived(broker.brokers, topic)) == {"ORD-1": [1, 2, 3]}


@pytest.mark.one_postgres
async def test_a_broker_may_stand_still_under_load(
    database: PostgresDatabase, database_url: str, sql: Sql, broker: Kafka
) -> None:
    """While it answers nothing no position moves; afterwards everything arrives in order."""
    topic, orders = fresh_topic(), [f"ORD-{number}" for number in range(10)]
    await make_orders(sql, orders)
    second = timedelta(seconds=1)
    async with open_relay(database_url, broker.brokers, topic, kafka_request_timeout=second) as worker:
        for order_id in orders:
            await log_events(database, sql, order_id, 2)
        await eventually(caught_up(sql))
        passed = await newest(sql)
        broker.nodes[0].freeze()
        for order_id in orders:
            await log_events(database, sql, order_id, 2)

        async def said() -> bool:
            return "KAFKA_BROKERS" in await trouble(worker)

        await eventually(said)
        assert await position(sql) == passed
        broker.nodes[0].revive()
        await eventually(caught_up(sql))
        assert (await worker.metric("wms_relay_failures_total") or 0) > 0
    assert by_order(await _arrived(broker.brokers, topic)) == {order_id: [1, 2, 3, 4] for order_id in orders}
    await eventually(nothing_is_sent)


@pytest.mark.one_postgres
async def test_the_relay_reports_that_kafka_is_away_though_it_has_nothing_to_publish(
    database_url: str, sql: Sql, broker: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readiness of every process rests on it; the state says since when it is so."""
    monkeypatch.setattr("wms_worker.publication._CHECK_SECONDS", 0.3)
    second = timedelta(seconds=1)
    async with open_relay(
        database_url, broker.brokers, fresh_topic(), kafka_request_timeout=second
    ) as worker:
        await eventually(lambda: _kafka_is(worker, "publishing"))
        broker.nodes[0].kill()
        await eventually(lambda: _kafka_is(worker, "failing"))
        broker.nodes[0].revive()
        await eventually(lambda: _kafka_is(worker, "publishing"), within=40)
    reported = await sql.fetchrow("SELECT *, now() - since < interval '1 min' AS fresh FROM relay_reports")
    assert reported is not None
    assert (reported["relay"], reported["fresh"]) == ("kafka", True)


async def _kafka_is(worker: Worker, state: str) -> bool:
    _, page = await worker.page("/ready")
    return bool(page["kafka"]["state"] == state)


@pytest.mark.one_postgres
async def test_a_replica_ends_in_time_while_a_send_is_not_answered(
    database: PostgresDatabase, database_url: str, sql: Sql, broker: Kafka
) -> None:
    """What is not acknowledged is not passed; what is left of the connection ends by itself."""
    topic = fresh_topic()
    await make_orders(sql, ["ORD-1"])
    await log_events(database, sql, "ORD-1", 1)
    try:
        async with open_relay(database_url, broker.brokers, topic):
            await eventually(caught_up(sql))
            broker.nodes[0].freeze()
            await log_events(database, sql, "ORD-1", 1)
            await eventually(is_sending)
            watch = Stopwatch()
        assert watch.seconds < 5
        assert await position(sql) == await newest(sql) - 1
    finally:
        broker.mend()
    await eventually(nothing_is_sent)


@pytest.mark.one_postgres
async def test_a_replica_ends_in_time_while_no_broker_is_there(database_url: str) -> None:
    """Between two tries, or in one."""
    async with open_relay(database_url, NO_KAFKA, "unused") as worker:

        async def said() -> bool:
            return NO_KAFKA in await trouble(worker)

        await eventually(said)
        watch = Stopwatch()
    assert watch.seconds < 5


@pytest.mark.one_postgres
async def test_a_missing_topic_is_named_and_waited_for(
    database: PostgresDatabase, database_url: str, sql: Sql, kafka_brokers: str
) -> None:
    """When it may not be made by us; the relay goes on once somebody has made it."""
    topic = fresh_topic()
    await make_orders(sql, ["ORD-1"])
    await log_events(database, sql, "ORD-1", 1)
    async with open_relay(database_url, kafka_brokers, topic, kafka_topic_create=False) as worker:

        async def said() -> bool:
            return f"KAFKA_TOPIC={topic}" in await trouble(worker)

        await eventually(said)
        await asyncio.to_thread(make_topic, kafka_brokers, topic)
        await eventually(caught_up(sql))
        assert await trouble(worker) == ""


@pytest.mark.one_postgres
async def test_a_topic_that_cannot_be_made_as_asked_names_the_setting(
    database_url: str, kafka_brokers: str
) -> None:
    """So many copies need so many brokers."""
    settings = {"kafka_topic_replication": 99}
    async with open_relay(database_url, kafka_brokers, fresh_topic(), **settings) as worker:

        async def said() -> bool:
            return "KAFKA_TOPIC_REPLICATION=99" in await trouble(worker)

        await eventually(said)


@pytest.mark.one_postgres
async def test_an_event_that_kafka_refuses_holds_up_its_own_order_only(
    api: Api,
    database: PostgresDatabase,
    database_url: str,
    sql: Sql,
    kafka_brokers: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is parked; released, it is tried again, and once Kafka takes it the later ones follow in order."""
    # So that some of them are in a reading that was made ahead, and on a second page when released.
    monkeypatch.setattr("wms_worker.publication._EVENTS", 8)
    monkeypatch.setattr("wms_worker.publication._OF_ORDER", 2)
    topic, orders = fresh_topic(), [f"ORD-{number}" for number in range(6)]
    await asyncio.to_thread(make_topic, kafka_brokers, topic, 2)
    await asyncio.to_thread(limit_batches, kafka_brokers, topic, 3_000)
    await make_orders(sql, orders)
    await log_events(database, sql, "ORD-3", 2, json.dumps({"note": secrets.token_hex(2_000)}))
    for order_id in orders:
        await log_events(database, sql, order_id, 3)
    async with open_relay(database_url, kafka_brokers, topic, kafka_compression="none") as worker:
        await eventually(caught_up(sql))
        others = {order_id: [1, 2, 3] for order_id in orders if order_id != "ORD-3"}
        assert by_order(await _arrived(kafka_brokers, topic)) == {**others, "ORD-3": [1]}
        parked = await sql.fetchrow("SELECT * FROM parked_events")
        assert parked is not None
        assert (parked["order_id"], parked["position"], parked["attempts"]) == ("ORD-3", 2, 1)
        assert "MessageSizeTooLarge" in parked["last_error"]
        await log_events(database, sql, "ORD-3", 1)
        await eventually(caught_up(sql))

        await _release(api, attempts=1)

        async def tried_again() -> bool:
            return bool(await sql.fetchval("SELECT attempts = 2 AND released_at IS NULL FROM parked_events"))

        await eventually(tried_again)
        assert by_order(await _arrived(kafka_brokers, topic))["ORD-3"] == [1]

        await asyncio.to_thread(limit_batches, kafka_brokers, topic, 1_000_000)
        await _release(api, attempts=2)

        async def published() -> bool:
            return not await sql.fetchval("SELECT count(*) FROM parked_events")

        await eventually(published)
        await log_events(database, sql, "ORD-3", 1)
        await eventually(caught_up(sql))
        assert await worker.metric("wms_relay_events_parked_total") == 2
    messages = await _arrived(kafka_brokers, topic)
    assert by_order(messages) == {**others, "ORD-3": [1, 2, 3, 4, 5, 6, 7]}


@pytest.mark.one_postgres
@pytest.mark.parametrize(("durably", "commit"), [(True, "on"), (False, "off")])
async def test_a_position_waits_for_the_disk_only_with_what_is_parked(
    database: PostgresDatabase, *, durably: bool, commit: str
) -> None:
    """A crash of Postgres may take a position back; it must not take a parked event that the relay holds."""
    async with database.pool.acquire() as sql:
        await sql.execute("SET synchronous_commit = on")
        async with sql.transaction():
            store = PostgresRelayStore(sql)
            await store.begin()
            await store.save(1, durably=durably)
            assert await sql.fetchval("SHOW synchronous_commit") == commit
        assert await sql.fetchval("SHOW synchronous_commit") == "on"
        assert await sql.fetchval("SELECT position FROM relay_positions") == 1


async def _release(api: Api, attempts: int) -> None:
    (parked,) = (await api.fulfillment.ListParkedEvents(pb.ListParkedEventsRequest())).events
    assert (parked.event.order_id, parked.event.sequence) == ("ORD-3", 2)
    assert (parked.attempts, parked.held_up) == (attempts, 4)
    await api.fulfillment.ReleaseParkedEvent(pb.ReleaseParkedEventRequest(event_id=parked.event.event_id))


@pytest.mark.one_postgres
async def test_a_relay_that_was_deposed_writes_nothing(
    database: PostgresDatabase, database_url: str, sql: Sql, kafka_brokers: str
) -> None:
    """Its next write is refused, it steps down, and what it sent was sent twice at worst."""
    topic = fresh_topic()
    await make_orders(sql, ["ORD-1"])
    async with open_relay(
        database_url, kafka_brokers, topic, standalone_lease=timedelta(seconds=30)
    ) as worker:
        await log_events(database, sql, "ORD-1", 1)
        await eventually(caught_up(sql))
        await sql.execute(
            "UPDATE worker_roles SET epoch = epoch + 1, worker_id = 'other', heartbeat_at = now()"
            " WHERE role = 'relay'"
        )
        await log_events(database, sql, "ORD-1", 1)
        await eventually(worker.shows(1, "wms_worker_stale_writes_refused_total", role="relay"))
        await eventually(worker.shows(0, "wms_worker_active", role="relay"))
        assert await position(sql) == await newest(sql) - 1


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_tls_and_a_password_are_spoken_and_wrong_ones_named(
    database: PostgresDatabase, database_url: str, sql: Sql, tmp_path: Path
) -> None:
    """Each mistake by the name of its setting."""
    certificates = make_certificates(tmp_path / "certificates")
    strangers = make_certificates(tmp_path / "strangers")
    if certificates is None or strangers is None:
        skip_or_fail("there is no openssl on this machine; on Debian: apt-get install openssl")
    topic = fresh_topic()
    await make_orders(sql, ["ORD-1"])
    await log_events(database, sql, "ORD-1", 1)
    settings: dict[str, Any] = {
        "kafka_tls": True,
        "kafka_ca_file": certificates.authority,
        "kafka_sasl_mechanism": "PLAIN",
        "kafka_sasl_username": "relay",
        "kafka_sasl_password": "secret",
        "kafka_request_timeout": timedelta(seconds=2),
    }
    wrong: dict[str, dict[str, Any]] = {
        "KAFKA_SASL_PASSWORD": {"kafka_sasl_password": "guessed"},
        "KAFKA_CA_FILE": {"kafka_ca_file": strangers.authority},
        "KAFKA_SASL_MECHANISM": {"kafka_sasl_mechanism": "SCRAM-SHA-256"},
    }
    guarded = {
        **secured(certificates, "relay", "secret"),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    with own_kafka(settings=guarded, protocol="SASL_SSL") as kafka:
        for name, mistake in wrong.items():
            async with open_relay(database_url, kafka.brokers, topic, **{**settings, **mistake}) as worker:

                async def said(name: str = name, worker: Worker = worker) -> bool:
                    return name in await trouble(worker)

                await eventually(said)
        async with open_relay(database_url, kafka.brokers, topic, **settings) as worker:

            async def lacks_permission() -> bool:
                return "lacks a permission" in await trouble(worker)

            await eventually(lacks_permission)
            await asyncio.to_thread(permit, kafka.inner, topic, "relay")
            await eventually(caught_up(sql))
            assert await trouble(worker) == ""
        assert by_order(await _arrived(kafka.inner, topic)) == {"ORD-1": [1]}
