"""Events as consumers get them from Kafka, and the example consumer of docs/guides/events.md."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event, to_binary_event
from confluent_kafka import Consumer, KafkaException, Producer
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import place_order, receive_stock
from tests.support.builders.requests import create_order
from tests.support.clients.grpc_api import open_api
from tests.support.external.kafka import Record, count_records, new_topic_name, read_topic
from tests.support.processes.workers import open_worker
from tests.support.specs.asyncapi import find_header_errors, find_payload_errors
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "events.md"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_event_headers_have_the_trace_of_the_request(
    database_url: str, fulfillment: Fulfillment, kafka_brokers: str
) -> None:
    """Trace, span, other headers and payload match docs/reference/asyncapi.json."""
    exporter, topic = InMemorySpanExporter(), new_topic_name()
    metadata = (
        ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01"),
        ("x-wms-correlation-id", "550e8400-e29b-41d4-a716-446655440000"),
        ("x-wms-workflow-id", "order-fulfillment-ORD-12345"),
    )
    async with open_api(database_url, exporter) as api, _open_relay(database_url, kafka_brokers, topic):
        await receive_stock(api)
        order = (await api.orders.CreateOrder(create_order(order_id="ORD-12345"), metadata=metadata)).order
        await fulfillment.deliver_all(api)
        await eventually(lambda: _has_records(kafka_brokers, topic, 5), within=30)
    (span,) = [span for span in exporter.get_finished_spans() if span.name.endswith("/CreateOrder")]
    records = await asyncio.to_thread(read_topic, kafka_brokers, topic)
    first = records[0]
    assert first.headers["ce_type"] == "wms.order.received"
    assert first.headers["traceparent"] == first.headers["ce_traceparent"]
    assert span.context is not None
    assert first.headers["traceparent"].split("-")[1:3] == [TRACE, f"{span.context.span_id:016x}"]
    assert {record.key for record in records} == {order.order_id}
    assert [record.headers["ce_sequence"] for record in records] == ["1", "2", "3", "4", "5"]
    assert [error for record in records for error in _find_errors(record)] == []
    for record in records:
        assert record.headers["ce_wmscorrelationid"] == metadata[1][1]
        assert record.headers["ce_wmsworkflowid"] == metadata[2][1]
        assert record.headers["ce_subject"] == "order/ORD-12345"
        _assert_cloud_event(record)


def _assert_cloud_event(record: Record) -> None:
    """Assert that the CloudEvents library parses a record and encodes the same attributes."""
    headers = {name: value.encode() for name, value in record.headers.items()}
    event = from_binary_event(KafkaMessage(headers, record.key, record.value))
    assert event.get_data() == json.loads(record.value)
    assert event.get_time() == datetime.fromisoformat(record.headers["ce_time"])
    encoded_headers = to_binary_event(event).headers
    headers.pop("traceparent", None)  # a plain header for tracing libraries, not a CloudEvents attribute
    names = headers.keys() - {"ce_time"}
    assert encoded_headers.keys() - {"ce_partitionkey"} == headers.keys()
    assert {name: encoded_headers[name] for name in names} == {name: headers[name] for name in names}


async def _has_records(brokers: str, topic: str, count: int) -> bool:
    """Return whether a topic has at least `count` records. A topic that does not exist yet has none."""
    try:
        return await asyncio.to_thread(count_records, brokers, topic) >= count
    except KafkaException:
        return False


def _find_errors(record: Record) -> list[str]:
    event_type = record.headers["ce_type"]
    return [
        *find_header_errors(event_type, record.headers),
        *find_payload_errors(event_type, record.value.decode()),
    ]


def _open_relay(database_url: str, brokers: str, topic: str) -> Any:
    """Run a worker that publishes to a topic."""
    return open_worker(
        database_url,
        worker_roles="relay",
        kafka_brokers=brokers,
        kafka_topic=topic,
        kafka_topic_replication=1,
    )


async def test_consumer_of_the_guide_applies_each_event_once(database_url: str, kafka_brokers: str) -> None:
    """Half of the events are duplicated, and it crashes between an effect and its commit."""
    topic = new_topic_name()
    async with open_api(database_url) as api, _open_relay(database_url, kafka_brokers, topic):
        order_ids = {(await place_order(api)).order_id for _ in range(6)}
        await eventually(lambda: _has_records(kafka_brokers, topic, 6), within=30)
    await asyncio.to_thread(_consume_with_the_guide, kafka_brokers, topic, order_ids)


def _consume_with_the_guide(brokers: str, topic: str, order_ids: set[str]) -> None:
    _send_duplicates(brokers, topic, read_topic(brokers, topic)[:3])
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE received (order_id text)")
    applied: list[str] = []

    def apply(database: sqlite3.Connection, event_type: str, payload: dict[str, Any]) -> None:
        assert event_type == "wms.order.received"
        database.execute("INSERT INTO received VALUES (?)", (payload["orderId"],))
        applied.append(payload["orderId"])
        if len(applied) == 3:
            raise ConnectionResetError

    consume = _load_consumer_of_the_guide(apply)
    settings = {"bootstrap.servers": brokers, "group.id": topic, "auto.offset.reset": "earliest"}
    consumer = Consumer({**settings, "enable.auto.commit": False})
    consumer.subscribe([topic])
    with pytest.raises(ConnectionResetError):
        consume(consumer, database, lambda: False)
    consumer.close()
    consumer = Consumer({**settings, "enable.auto.commit": False})
    consumer.subscribe([topic])
    # The first two were committed, so seven of the nine records remain.
    polls = iter(range(200))
    consume(consumer, database, lambda: _all_committed(consumer, topic, 9) or next(polls) == 199)
    consumer.close()
    received_ids = [row[0] for row in database.execute("SELECT order_id FROM received")]
    assert sorted(received_ids) == sorted(order_ids)
    assert len(applied) == 7
    database.close()


def _all_committed(consumer: Consumer, topic: str, count: int) -> bool:
    partitions = consumer.committed(consumer.assignment(), timeout=10)
    return sum(max(partition.offset, 0) for partition in partitions) >= count


def _send_duplicates(brokers: str, topic: str, records: list[Record]) -> None:
    """Send records again, like a relay that crashed before it stored its position."""
    producer = Producer({"bootstrap.servers": brokers})
    for record in records:
        producer.produce(
            topic, record.value, record.key, record.partition, headers=list(record.headers.items())
        )
    assert producer.flush(20) == 0


def _load_consumer_of_the_guide(
    apply: Callable[[sqlite3.Connection, str, dict[str, Any]], None],
) -> Callable[[Consumer, sqlite3.Connection, Callable[[], bool]], None]:
    """Return the function in the guide, compiled from its text."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    namespace: dict[str, Any] = {"apply": apply, "json": json, "sqlite3": sqlite3, "Callable": Callable}
    exec(code, namespace)  # noqa: S102 # the guide of this repository
    consume: Callable[[Consumer, sqlite3.Connection, Callable[[], bool]], None] = namespace["consume"]
    return consume
