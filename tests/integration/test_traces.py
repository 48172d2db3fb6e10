"""One trace from the request to the events that follow from it; a collector, and one that is not there."""

import asyncio
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from structlog.testing import capture_logs

from tests.support.api import Api, open_api
from tests.support.collector import collecting
from tests.support.failures import failing
from tests.support.http import open_web
from tests.support.invariants import Sql
from tests.support.orders import created, fail, stocked
from tests.support.processes import FULFILLMENT, Processes, open_client
from tests.support.requests import create_order
from tests.support.waiting import eventually
from tests.support.worker import open_worker
from wms.orders.v1 import orders_pb2, storage_pb2
from wms_core import traces
from wms_dev.ports import free_port
from wms_server.http.json_writing import to_json

pytestmark = pytest.mark.one_postgres

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACED = ("traceparent", f"00-{TRACE}-{PARENT}-01")
UNTRACED = ("traceparent", f"00-{TRACE}-{PARENT}-00")


def _named(spans: Iterable[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


def _of_calls(spans: Iterable[ReadableSpan]) -> list[ReadableSpan]:
    return [span for span in spans if span.kind is SpanKind.SERVER]


def _ids(span: ReadableSpan) -> str:
    context = span.context
    assert context is not None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


async def _traceparents(sql: Sql, order_id: str) -> dict[str, str]:
    """Give the trace of each event of an order once they are in the log, which is what Kafka is fed from."""

    async def logged() -> bool:
        return not await sql.fetchval("SELECT count(*) FROM outbox")

    await eventually(logged)
    rows = await sql.fetch("SELECT type, traceparent FROM order_events WHERE order_id = $1", order_id)
    return {row["type"].removeprefix("wms.order."): row["traceparent"] for row in rows}


async def test_an_event_belongs_to_the_span_of_its_call_and_that_to_the_callers_trace(
    database_url: str, sql: Sql
) -> None:
    """Seen whole: the client's span, the server's as its child, and the server's on the event in the log."""
    exporter = InMemorySpanExporter()
    ids = (TRACED, ("x-wms-correlation-id", "C-1"), ("x-wms-workflow-id", "F-1"))
    async with open_api(database_url, exporter) as api:
        order = (await api.orders.CreateOrder(create_order(), metadata=ids)).order
        told = await _traceparents(sql, order.order_id)
    (span,) = _of_calls(exporter.get_finished_spans())
    assert span.name == "wms.orders.v1.OrderService/CreateOrder"
    assert span.kind is SpanKind.SERVER
    assert span.parent is not None
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    assert told == {"received": _ids(span)}
    assert _ids(span).split("-")[1] == TRACE
    assert dict(span.attributes or {}) == {
        "rpc.system": "grpc",
        "rpc.service": "wms.orders.v1.OrderService",
        "rpc.method": "CreateOrder",
        "rpc.grpc.status_code": 0,
        "wms.correlation_id": "C-1",
        "wms.wave_number": "",
        "wms.workflow_id": "F-1",
    }
    assert span.resource.attributes["service.name"] == "order-service"


async def test_a_call_over_http_has_a_span_like_any_other(database_url: str, sql: Sql) -> None:
    """Named by its method and route, in the caller's trace, with what it did below it."""
    exporter = InMemorySpanExporter()
    async with open_web(database_url, exporter) as web:
        response = await web.http.post("/api/v1/orders", json=to_json(create_order()), headers=dict([TRACED]))
        told = await _traceparents(sql, response.json()["orderId"])
    (span,) = _of_calls(exporter.get_finished_spans())
    assert (span.name, span.kind) == ("POST /api/v1/orders", SpanKind.SERVER)
    assert told == {"received": _ids(span)}
    assert _ids(span).split("-")[1] == TRACE
    attributes = span.attributes or {}
    assert (attributes["rpc.method"], attributes["http.route"]) == ("CreateOrder", "/api/v1/orders")
    assert attributes["rpc.grpc.status_code"] == 0


async def test_a_caller_that_is_not_traced_costs_no_span(database_url: str, sql: Sql) -> None:
    """What it sent goes on as it is, whatever share of other calls is traced."""
    exporter = InMemorySpanExporter()
    async with open_api(database_url, exporter, otel_traces_sampler_arg=1.0) as api:
        order = (await api.orders.CreateOrder(create_order(), metadata=(UNTRACED,))).order
        assert await _traceparents(sql, order.order_id) == {"received": UNTRACED[1]}
    assert exporter.get_finished_spans() == ()


async def test_without_tracing_what_came_goes_on(database_url: str, sql: Sql) -> None:
    """TRACING_ENABLED=false: no spans, and the caller's trace still reaches whoever reads the event."""
    exporter = InMemorySpanExporter()
    async with open_api(database_url, exporter, tracing_enabled=False) as api:
        order = (await api.orders.CreateOrder(create_order(), metadata=(TRACED,))).order
        assert await _traceparents(sql, order.order_id) == {"received": TRACED[1]}
    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize("ratio", [0.0, 1.0])
async def test_a_malformed_trace_is_none(database_url: str, sql: Sql, ratio: float) -> None:
    """It is neither a parent nor handed on; the call is one that nobody traces."""
    exporter = InMemorySpanExporter()
    async with open_api(database_url, exporter, otel_traces_sampler_arg=ratio) as api:
        malformed = ("traceparent", f"00-{'0' * 32}-{PARENT}-01")
        order = (await api.orders.CreateOrder(create_order(), metadata=(malformed,))).order
        told = await _traceparents(sql, order.order_id)
    spans = _of_calls(exporter.get_finished_spans())
    assert [span.parent for span in spans] == ([None] if ratio else [])
    assert told == {"received": _ids(spans[0]) if ratio else ""}


async def test_a_span_ends_with_the_code_of_its_call(database_url: str, sql: Sql) -> None:
    """What is the caller's affair is no error, a call that is left is cancelled, a fault is an error."""
    exporter = InMemorySpanExporter()
    async with open_api(database_url, exporter, otel_traces_sampler_arg=1.0) as api:
        await failing(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="ORD-NONE")))
        watch = api.storage.WatchMoves(storage_pb2.WatchMovesRequest(warehouse_id="WH-01"))
        await watch.read()
        watch.cancel()
        await sql.execute("ALTER TABLE order_items RENAME TO gone")
        await failing(api.orders.CreateOrder(create_order()))
    spans = _of_calls(exporter.get_finished_spans())
    found = {span.name.partition("/")[2]: span for span in spans}
    codes = {name: (span.attributes or {})["rpc.grpc.status_code"] for name, span in found.items()}
    assert codes == {
        "GetOrder": grpc.StatusCode.NOT_FOUND.value[0],
        "WatchMoves": grpc.StatusCode.CANCELLED.value[0],
        "CreateOrder": grpc.StatusCode.INTERNAL.value[0],
    }
    errors = {name for name, span in found.items() if span.status.status_code is StatusCode.ERROR}
    assert errors == {"CreateOrder"}


async def test_the_workers_events_belong_to_the_step_that_wrote_them(
    api: Api, database_url: str, sql: Sql
) -> None:
    """Each on a step's span, each step under its cycle; a cycle that did nothing is not told of."""
    await stocked(api)
    order = await created(api)
    exporter = InMemorySpanExporter()
    async with open_worker(database_url, exporter, otel_traces_sampler_arg=1.0):

        async def picking() -> bool:
            return "picking-started" in await _traceparents(sql, order.order_id)

        await eventually(picking)
        cycles = await sql.fetchval("SELECT count(*) FROM fulfillment_runs")
        # Some more of them, in which there is nothing to do.
        await eventually(lambda: _more_cycles(sql, cycles + 5))
    told = await _traceparents(sql, order.order_id)
    spans = exporter.get_finished_spans()
    for event, step in [("validated", "validate"), ("wave-assigned", "plan_waves")]:
        (span,) = _named(spans, step)
        assert told[event] == _ids(span)
        assert span.parent is not None
        assert span.parent.span_id in {
            cycle.context.span_id for cycle in _named(spans, "fulfillment cycle") if cycle.context
        }
        assert (span.attributes or {})["wms.count"] == 1
    assert 1 <= len(_named(spans, "fulfillment cycle")) <= 4
    assert spans[0].resource.attributes["service.name"] == "order-service-worker"


async def _more_cycles(sql: Sql, number: int) -> bool:
    return bool(await sql.fetchval("SELECT count(*) >= $1 FROM fulfillment_runs", number))


async def test_a_retry_of_the_worker_goes_on_the_errand_of_its_order(
    api: Api, database_url: str, sql: Sql
) -> None:
    """Its event has the correlation and the workflow that the order came with, and the step's span."""
    ids = (
        ("x-wms-correlation-id", "C-1"),
        ("x-wms-wave-number", "WAVE-1"),
        ("x-wms-workflow-id", "F-1"),
    )
    order = (await api.orders.CreateOrder(create_order(), metadata=ids)).order
    await fail(api, order.order_id)
    await sql.execute("UPDATE orders SET next_retry_at = now()")
    exporter = InMemorySpanExporter()
    quick = timedelta(milliseconds=50)
    async with open_worker(
        database_url, exporter, otel_traces_sampler_arg=1.0, auto_validate=False, fulfillment_interval=quick
    ):

        async def started() -> bool:
            return "retry-started" in await _traceparents(sql, order.order_id)

        await eventually(started)
    (span,) = _named(exporter.get_finished_spans(), "retry_due")
    row = await sql.fetchrow("SELECT * FROM order_events WHERE type = 'wms.order.retry-started'")
    assert row is not None
    assert (row["correlation_id"], row["wave_number"], row["workflow_id"]) == ("C-1", "WAVE-1", "F-1")
    assert row["traceparent"] == _ids(span)


async def test_the_spans_of_a_process_reach_a_collector_before_it_has_ended(
    database_url: str, processes: Processes, tmp_path: Path
) -> None:
    """From the variables alone, over OTLP, with the headers that it wants; those of the last moment too."""
    address = f"127.0.0.1:{free_port()}"
    headers = tmp_path / "headers"
    headers.write_text("Authorization=Bearer%20hunter2,x-tenant = a=b\n", encoding="utf-8")
    async with collecting(address) as collector:
        server = processes.server(
            database_url,
            tracing_enabled="true",
            otel_exporter_otlp_endpoint=address,
            otel_exporter_otlp_headers_file=str(headers),
            service_name="orders-7",
        )
        await server.serving()
        async with open_client(server.address) as api:
            await api.orders.CreateOrder(create_order(), metadata=(TRACED,))
        assert await server.stopped() == 0
        assert sorted(collector.names) == [
            ("orders-7", "postgresql transaction"),
            ("orders-7", "wms.orders.v1.OrderService/CreateOrder"),
        ]
        assert (collector.headers["authorization"], collector.headers["x-tenant"]) == (
            "Bearer hunter2",
            "a=b",
        )


async def test_an_absence_of_the_collector_is_said_when_it_begins_and_when_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not for every batch that is lost meanwhile."""
    monkeypatch.setattr(traces, "_PATIENCE", 0.5)
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("name")
    assert isinstance(span, ReadableSpan)
    address = f"127.0.0.1:{free_port()}"
    collector = traces.Collector(address)
    with capture_logs() as said:
        for there in (False, False, True, True, False, False):
            async with collecting(address) if there else nullcontext():
                await asyncio.to_thread(collector.export, [span])
        collector.shutdown()
    assert [(entry["event"], entry["endpoint"]) for entry in said] == [
        ("traces_not_delivered", address),
        ("traces_delivered_again", address),
        ("traces_not_delivered", address),
    ]


async def test_of_several_processes_one_says_that_there_is_no_collector(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whichever notices first; and whichever notices first that it is back."""
    monkeypatch.setattr(traces, "_PATIENCE", 0.5)
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("name")
    assert isinstance(span, ReadableSpan)
    address = f"127.0.0.1:{free_port()}"
    processes = [traces.Collector(address, tmp_path / "said") for _ in range(3)]
    with capture_logs() as said:
        for there in (False, True, False):
            async with collecting(address) if there else nullcontext():
                for one in processes:
                    await asyncio.to_thread(one.export, [span])
        for one in processes:
            one.shutdown()
    assert [entry["event"] for entry in said] == [
        "traces_not_delivered",
        "traces_delivered_again",
        "traces_not_delivered",
    ]


@pytest.mark.slow
async def test_a_collector_that_is_not_there_is_said_once_and_harms_nobody(
    database_url: str, processes: Processes
) -> None:
    """Orders come in and are worked on; the server ends as quickly as ever."""
    everything = {"otel_exporter_otlp_endpoint": f"127.0.0.1:{free_port()}", "otel_traces_sampler_arg": "1"}
    often = {"otel_bsp_schedule_delay": "20", "otel_exporter_otlp_timeout": "1"}
    server = processes.server(database_url, tracing_enabled="true", **everything, **often)
    worker = processes.worker(database_url, tracing_enabled="true", **everything, **often)
    await server.serving()
    await worker.serving(FULFILLMENT)
    async with open_client(server.address) as api:

        async def said() -> bool:
            await api.orders.CreateOrder(create_order())
            return bool(server.said("traces_not_delivered") and worker.said("traces_not_delivered"))

        await eventually(said, within=30)
    assert await server.stopped(within=5) == 0
    assert await worker.stopped(within=5) == 0
    for process in (server, worker):
        (line,) = process.said("traces_not_delivered")
        assert line["endpoint"] == everything["otel_exporter_otlp_endpoint"]
        assert "while exporting" not in process.text
        assert "Failed to export" not in process.text
