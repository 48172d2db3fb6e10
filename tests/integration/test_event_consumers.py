"""What a consumer of the topic gets from a real Kafka, and the consumer that docs/events.md shows."""

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

from tests.support.api import open_api
from tests.support.asyncapi import faults_of_headers, faults_of_payload
from tests.support.fulfillment import Fulfillment
from tests.support.kafka import Record, count_records, fresh_topic, read_topic
from tests.support.orders import created, stocked
from tests.support.requests import create_order
from tests.support.waiting import eventually
from tests.support.worker import open_worker

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

GUIDE = Path(__file__).parents[2] / "docs" / "events.md"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_the_trace_of_a_request_is_in_the_headers_of_its_event(
    database_url: str, fulfillment: Fulfillment, kafka_brokers: str
) -> None:
    """The client's trace, the server's span, all other headers and the payload as docs/asyncapi.json says."""
    exporter, topic = InMemorySpanExporter(), fresh_topic()
    metadata = (
        ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01"),
        ("x-wms-correlation-id", "550e8400-e29b-41d4-a716-446655440000"),
        ("x-wms-workflow-id", "order-fulfillment-ORD-12345"),
    )
    async with open_api(database_url, exporter) as api, _relay(database_url, kafka_brokers, topic):
        await stocked(api)
        order = (await api.orders.CreateOrder(create_order(order_id="ORD-12345"), metadata=metadata)).order
        await fulfillment.deliver(api)
        await eventually(lambda: _holds(kafka_brokers, topic, 5), within=30)
    (span,) = [span for span in exporter.get_finished_spans() if span.name.endswith("/CreateOrder")]
    records = await asyncio.to_thread(read_topic, kafka_brokers, topic)
    first = records[0]
    assert first.headers["ce_type"] == "wms.order.received"
    assert first.headers["traceparent"] == first.headers["ce_traceparent"]
    assert span.context is not None
    assert first.headers["traceparent"].split("-")[1:3] == [TRACE, f"{span.context.span_id:016x}"]
    assert {record.key for record in records} == {order.order_id}
    assert [record.headers["ce_sequence"] for record in records] == ["1", "2", "3", "4", "5"]
    assert [fault for record in records for fault in _faults(record)] == []
    for record in records:
        assert record.headers["ce_wmscorrelationid"] == metadata[1][1]
        assert record.headers["ce_wmsworkflowid"] == metadata[2][1]
        assert record.headers["ce_subject"] == "order/ORD-12345"
        _assert_cloud_event(record)


def _assert_cloud_event(record: Record) -> None:
    """Have the library of CloudEvents read a record, which checks it, and write the same attributes again."""
    headers = {name: value.encode() for name, value in record.headers.items()}
    event = from_binary_event(KafkaMessage(headers, record.key, record.value))
    assert event.get_data() == json.loads(record.value)
    assert event.get_time() == datetime.fromisoformat(record.headers["ce_time"])
    again = to_binary_event(event).headers
    headers.pop("traceparent", None)  # no attribute, but for those who look for it there
    names = headers.keys() - {"ce_time"}
    assert again.keys() - {"ce_partitionkey"} == headers.keys()
    assert {name: again[name] for name in names} == {name: headers[name] for name in names}


async def _holds(brokers: str, topic: str, count: int) -> bool:
    """Say whether a topic has so many records; one that is only being made has none."""
    try:
        return await asyncio.to_thread(count_records, brokers, topic) >= count
    except KafkaException:
        return False


def _faults(record: Record) -> list[str]:
    event_type = record.headers["ce_type"]
    return [
        *faults_of_headers(event_type, record.headers),
        *faults_of_payload(event_type, record.value.decode()),
    ]


def _relay(database_url: str, brokers: str, topic: str) -> Any:
    """Run a worker that publishes to a topic."""
    return open_worker(
        database_url,
        worker_roles="relay",
        kafka_brokers=brokers,
        kafka_topic=topic,
        kafka_topic_replication=1,
    )


async def test_the_consumer_of_the_guide_has_each_event_take_effect_once(
    database_url: str, kafka_brokers: str
) -> None:
    """Though half of them come twice, and though it dies between an effect and its commit."""
    topic = fresh_topic()
    async with open_api(database_url) as api, _relay(database_url, kafka_brokers, topic):
        orders = {(await created(api)).order_id for _ in range(6)}
        await eventually(lambda: _holds(kafka_brokers, topic, 6), within=30)
    await asyncio.to_thread(_consumed_by_the_guide, kafka_brokers, topic, orders)


def _consumed_by_the_guide(brokers: str, topic: str, orders: set[str]) -> None:
    _send_again(brokers, topic, read_topic(brokers, topic)[:3])
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE received (order_id text)")
    applied: list[str] = []

    def apply(database: sqlite3.Connection, event_type: str, payload: dict[str, Any]) -> None:
        assert event_type == "wms.order.received"
        database.execute("INSERT INTO received VALUES (?)", (payload["orderId"],))
        applied.append(payload["orderId"])
        if len(applied) == 3:
            raise ConnectionResetError

    consume = _shown_in_the_guide(apply)
    group = {"bootstrap.servers": brokers, "group.id": topic, "auto.offset.reset": "earliest"}
    consumer = Consumer({**group, "enable.auto.commit": False})
    consumer.subscribe([topic])
    with pytest.raises(ConnectionResetError):
        consume(consumer, database, lambda: False)
    consumer.close()
    consumer = Consumer({**group, "enable.auto.commit": False})
    consumer.subscribe([topic])
    # The first two were committed, so seven of the nine records are left.
    left = iter(range(200))
    consume(consumer, database, lambda: _all_committed(consumer, topic, 9) or next(left) == 199)
    consumer.close()
    found = [row[0] for row in database.execute("SELECT order_id FROM received")]
    assert sorted(found) == sorted(orders)
    assert len(applied) == 7
    database.close()


def _all_committed(consumer: Consumer, topic: str, count: int) -> bool:
    places = consumer.committed(consumer.assignment(), timeout=10)
    return sum(max(place.offset, 0) for place in places) >= count


def _send_again(brokers: str, topic: str, records: list[Record]) -> None:
    """Send records once more as they were, which is what a relay does that died before it noted them."""
    producer = Producer({"bootstrap.servers": brokers})
    for record in records:
        producer.produce(
            topic, record.value, record.key, record.partition, headers=list(record.headers.items())
        )
    assert producer.flush(20) == 0


def _shown_in_the_guide(
    apply: Callable[[sqlite3.Connection, str, dict[str, Any]], None],
) -> Callable[[Consumer, sqlite3.Connection, Callable[[], bool]], None]:
    """Give the function that the guide shows, made from its text."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {"apply": apply, "json": json, "sqlite3": sqlite3, "Callable": Callable}
    exec(code, names)  # noqa: S102 # our own guide
    consume: Callable[[Consumer, sqlite3.Connection, Callable[[], bool]], None] = names["consume"]
    return consume
