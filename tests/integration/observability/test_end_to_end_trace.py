"""One trace from an HTTP request to the Kafka record, with the spans of every process."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.support.builders.requests import create_order
from tests.support.clients.http import HttpTestServer, open_http_server
from tests.support.external.kafka import Record, new_topic_name, read_topic
from tests.support.invariants.database import SqlConnection
from tests.support.processes.workers import open_worker
from tests.support.waiting import eventually
from wms_server.http.json_encoding import message_to_json

pytestmark = pytest.mark.one_postgres

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACED, UNTRACED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"


class TracedService:
    """A server and a worker with the relay role, and their spans."""

    def __init__(
        self, web: HttpTestServer, server: InMemorySpanExporter, worker: InMemorySpanExporter
    ) -> None:
        self.web = web
        self._exporters = (server, worker)

    @property
    def spans(self) -> list[ReadableSpan]:
        """Return the exported spans."""
        return [span for exporter in self._exporters for span in exporter.get_finished_spans()]

    async def create(self, traceparent: str = "") -> str:
        """Create an order over HTTP and return its id."""
        headers = {"X-WMS-Correlation-ID": "C-1", **({"traceparent": traceparent} if traceparent else {})}
        response = await self.web.http_client.post(
            "/api/v1/orders", json=message_to_json(create_order()), headers=headers
        )
        assert response.status_code == 201
        return str(response.json()["orderId"])


@asynccontextmanager
async def _service(
    database_url: str, kafka_brokers: str, topic: str, ratio: float
) -> AsyncIterator[TracedService]:
    server, worker = InMemorySpanExporter(), InMemorySpanExporter()
    relaying = {"worker_roles": "fulfillment,relay", "kafka_brokers": kafka_brokers, "kafka_topic": topic}
    async with (
        open_http_server(database_url, server, otel_traces_sampler_arg=ratio) as web,
        open_worker(
            database_url,
            worker,
            otel_traces_sampler_arg=ratio,
            fulfillment_interval=timedelta(milliseconds=50),
            **relaying,
        ),
    ):
        yield TracedService(web, server, worker)


def _context(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"


def _child_spans(spans: Iterable[ReadableSpan], parent: str) -> dict[str, ReadableSpan]:
    """Return the child spans of a span by name. Each name must be unique."""
    _, trace_id, span_id, _ = parent.split("-")
    children = [
        span
        for span in spans
        if span.parent
        and (span.parent.trace_id, span.parent.span_id) == (int(trace_id, 16), int(span_id, 16))
    ]
    named = {span.name: span for span in children}
    assert len(named) == len(children)
    return named


async def _read_records(brokers: str, topic: str, sql: SqlConnection, count: int) -> dict[str, Record]:
    """Return the Kafka records of an order by event type, once there are `count` of them."""

    async def are_published() -> bool:
        query = (
            "SELECT count(*) FROM order_events WHERE position <= (SELECT max(position) FROM relay_positions)"
        )
        return bool(await sql.fetchval(query) >= count)

    await eventually(are_published)
    records = await asyncio.to_thread(read_topic, brokers, topic)
    return {record.headers["ce_type"].removeprefix("wms.order."): record for record in records}


async def test_one_trace_goes_from_the_request_to_the_record(
    database_url: str, sql: SqlConnection, kafka_brokers: str
) -> None:
    """Spans of the client, the server, the database and the relay.

    The record has the span of its change as parent.
    """
    topic = new_topic_name()
    async with _service(database_url, kafka_brokers, topic, ratio=0.0) as service:
        await service.create(TRACED)
        records = await _read_records(kafka_brokers, topic, sql, 2)
    (call,) = _child_spans(service.spans, TRACED).values()
    assert (call.name, call.kind) == ("POST /api/v1/orders", SpanKind.SERVER)
    below = _child_spans(service.spans, _context(call))
    assert set(below) == {"postgresql transaction", f"send {topic}"}
    database, relay = below["postgresql transaction"], below[f"send {topic}"]
    assert (database.kind, relay.kind) == (SpanKind.CLIENT, SpanKind.PRODUCER)
    assert dict(database.attributes or {}) == {
        "db.system.name": "postgresql",
        "db.operation.name": "transaction",
    }
    record = records["received"]
    assert record.headers["traceparent"] == record.headers["ce_traceparent"] == _context(call)
    attributes = relay.attributes or {}
    assert attributes["messaging.destination.name"] == topic
    assert attributes["messaging.message.id"] == record.headers["ce_id"]
    assert attributes["wms.correlation_id"] == (call.attributes or {})["wms.correlation_id"] == "C-1"
    for span in (call, database, relay):
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.start_time <= span.end_time
    assert relay.resource.attributes["service.name"] == "order-service-worker"
    assert "traceparent" not in records["validated"].headers


async def test_a_cycle_of_the_worker_is_a_trace_to_its_records(
    database_url: str, sql: SqlConnection, kafka_brokers: str
) -> None:
    """The cycle, the step, its database spans, and the relay, with the same correlation id."""
    topic = new_topic_name()
    async with _service(database_url, kafka_brokers, topic, ratio=1.0) as service:
        await service.create()
        records = await _read_records(kafka_brokers, topic, sql, 2)
    step = next(span for span in service.spans if span.name == "validate")
    cycles = {_context(span): span for span in service.spans if span.name == "fulfillment cycle"}
    assert step.parent is not None
    assert step.parent.span_id in {cycle.context.span_id for cycle in cycles.values() if cycle.context}
    assert records["validated"].headers["traceparent"] == _context(step)
    below = _child_spans(service.spans, _context(step))
    assert set(below) == {"postgresql read", "postgresql transaction", f"send {topic}"}
    assert (below[f"send {topic}"].attributes or {})["wms.correlation_id"] == "C-1"
    assert records["validated"].headers["ce_wmscorrelationid"] == "C-1"


@pytest.mark.parametrize("traceparent", ["", UNTRACED])
async def test_an_unsampled_call_has_no_spans(
    database_url: str, sql: SqlConnection, kafka_brokers: str, traceparent: str
) -> None:
    """Neither in the server nor in the database nor in the worker.

    The trace context of the caller is propagated.
    """
    topic = new_topic_name()
    async with _service(database_url, kafka_brokers, topic, ratio=0.0) as service:
        await service.create(traceparent)
        records = await _read_records(kafka_brokers, topic, sql, 2)
    assert service.spans == []
    assert records["received"].headers.get("traceparent", "") == traceparent


async def test_batched_calls_each_have_a_span_of_their_transaction(database_url: str) -> None:
    """Only sampled calls, each in its own trace, with the batch size. A failed call has an error."""
    exporter = InMemorySpanExporter()
    async with open_http_server(database_url, exporter, otel_traces_sampler_arg=0.0) as web:
        traces = [f"00-{number:032x}-{PARENT}-01" for number in range(1, 9)]
        create = web.api.orders.CreateOrder
        await asyncio.gather(
            *(create(create_order(), metadata=(("traceparent", trace),)) for trace in traces),
            *(create(create_order()) for _ in range(8)),
        )
    spans = exporter.get_finished_spans()
    calls = [span for span in spans if span.kind is SpanKind.SERVER]
    assert len(calls) == 8
    for call in calls:
        assert set(_child_spans(spans, _context(call))) == {"postgresql transaction"}
    shared = [(span.attributes or {}).get("db.operation.batch.size", 1) for span in spans]
    assert max(int(str(size)) for size in shared) > 1
    assert all(span.status.status_code is not StatusCode.ERROR for span in spans)


async def test_a_database_error_sets_the_status_of_its_span(database_url: str, sql: SqlConnection) -> None:
    """The span has the type of the error, not its text. A missing order is not an error."""
    exporter = InMemorySpanExporter()
    async with open_http_server(database_url, exporter, otel_traces_sampler_arg=1.0) as web:
        assert (await web.http_client.put("/api/v1/orders/ORD-NONE/validate")).status_code == 404
        await sql.execute("ALTER TABLE order_items RENAME TO gone")
        assert (
            await web.http_client.post("/api/v1/orders", json=message_to_json(create_order()))
        ).status_code == 500
    spans = [span for span in exporter.get_finished_spans() if span.name == "postgresql transaction"]
    kinds = [(span.attributes or {}).get("error.type") for span in spans]
    assert kinds[0] is None
    assert set(kinds[1:]) == {"UndefinedTableError"}
    assert [span.status.description for span in spans] == [None] * len(spans)
