"""One trace from a request to its events, and the export to a collector."""

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

from tests.support.builders.orders import place_order, receive_stock, record_failure
from tests.support.builders.requests import create_order
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api, open_api
from tests.support.clients.http import open_http_server
from tests.support.external.otlp_collector import run_collector
from tests.support.invariants.database import SqlConnection
from tests.support.processes.processes import FULFILLMENT_HEALTH, Processes, open_client
from tests.support.processes.workers import open_worker
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2, storage_pb2
from wms_core.runtime import tracing
from wms_dev.free_port import find_free_port
from wms_server.http.json_encoding import message_to_json

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


async def _traceparents(sql: SqlConnection, order_id: str) -> dict[str, str]:
    """Return the trace context of each event of an order once they are in the event log, the source of the
    relay.
    """

    async def are_logged() -> bool:
        return not await sql.fetchval("SELECT count(*) FROM outbox")

    await eventually(are_logged)
    rows = await sql.fetch("SELECT type, traceparent FROM order_events WHERE order_id = $1", order_id)
    return {row["type"].removeprefix("wms.order."): row["traceparent"] for row in rows}


async def test_an_event_belongs_to_the_span_of_its_call_in_the_trace_of_the_caller(
    database_url: str, sql: SqlConnection
) -> None:
    """The span of the client, that of the server as its child, and that of the server on the event in the
    log.
    """
    exporter = InMemorySpanExporter()
    ids = (TRACED, ("x-wms-correlation-id", "C-1"), ("x-wms-workflow-id", "F-1"))
    async with open_api(database_url, exporter) as api:
        order = (await api.orders.CreateOrder(create_order(), metadata=ids)).order
        traceparents = await _traceparents(sql, order.order_id)
    (span,) = _of_calls(exporter.get_finished_spans())
    assert span.name == "wms.orders.v1.OrderService/CreateOrder"
    assert span.kind is SpanKind.SERVER
    assert span.parent is not None
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    assert traceparents == {"received": _ids(span)}
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


async def test_a_call_over_http_has_a_span_like_any_other(database_url: str, sql: SqlConnection) -> None:
    """With method and route in its name, in the trace of the caller, with its child spans."""
    exporter = InMemorySpanExporter()
    async with open_http_server(database_url, exporter) as web:
        response = await web.http_client.post(
            "/api/v1/orders", json=message_to_json(create_order()), headers=dict([TRACED])
        )
        traceparents = await _traceparents(sql, response.json()["orderId"])
    (span,) = _of_calls(exporter.get_finished_spans())
    assert (span.name, span.kind) == ("POST /api/v1/orders", SpanKind.SERVER)
    assert traceparents == {"received": _ids(span)}
    assert _ids(span).split("-")[1] == TRACE
    attributes = span.attributes or {}
    assert (attributes["rpc.method"], attributes["http.route"]) == ("CreateOrder", "/api/v1/orders")
    assert attributes["rpc.grpc.status_code"] == 0


async def test_an_unsampled_caller_has_no_span(database_url: str, sql: SqlConnection) -> None:
    """Its trace context is propagated unchanged, with any sampling ratio of other calls."""
    exporter = InMemorySpanExporter()
    async with open_api(database_url, exporter, otel_traces_sampler_arg=1.0) as api:
        order = (await api.orders.CreateOrder(create_order(), metadata=(UNTRACED,))).order
        assert await _traceparents(sql, order.order_id) == {"received": UNTRACED[1]}
    assert exporter.get_finished_spans() == ()


async def test_without_tracing_the_context_is_propagated(database_url: str, sql: SqlConnection) -> None:
    """TRACING_ENABLED=false: no spans, and events have the trace context of the caller."""
    exporter = InMemorySpanExporter()
    async with open_api(database_url, exporter, tracing_enabled=False) as api:
        order = (await api.orders.CreateOrder(create_order(), metadata=(TRACED,))).order
        assert await _traceparents(sql, order.order_id) == {"received": TRACED[1]}
    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize("ratio", [0.0, 1.0])
async def test_a_malformed_trace_context_is_ignored(
    database_url: str, sql: SqlConnection, ratio: float
) -> None:
    """It is neither a parent nor propagated. The call has no trace context."""
    exporter = InMemorySpanExporter()
    async with open_api(database_url, exporter, otel_traces_sampler_arg=ratio) as api:
        malformed = ("traceparent", f"00-{'0' * 32}-{PARENT}-01")
        order = (await api.orders.CreateOrder(create_order(), metadata=(malformed,))).order
        traceparents = await _traceparents(sql, order.order_id)
    spans = _of_calls(exporter.get_finished_spans())
    assert [span.parent for span in spans] == ([None] if ratio else [])
    assert traceparents == {"received": _ids(spans[0]) if ratio else ""}


async def test_a_span_ends_with_the_code_of_its_call(database_url: str, sql: SqlConnection) -> None:
    """A client error is not an error of the span, a disconnected call is cancelled, and an internal error is
    an error.
    """
    exporter = InMemorySpanExporter()
    async with open_api(database_url, exporter, otel_traces_sampler_arg=1.0) as api:
        await expect_failure(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="ORD-NONE")))
        watch = api.storage.WatchMoves(storage_pb2.WatchMovesRequest(warehouse_id="WH-01"))
        await watch.read()
        watch.cancel()
        await sql.execute("ALTER TABLE order_items RENAME TO gone")
        await expect_failure(api.orders.CreateOrder(create_order()))
    spans = _of_calls(exporter.get_finished_spans())
    spans_by_method = {span.name.partition("/")[2]: span for span in spans}
    codes = {name: (span.attributes or {})["rpc.grpc.status_code"] for name, span in spans_by_method.items()}
    assert codes == {
        "GetOrder": grpc.StatusCode.NOT_FOUND.value[0],
        "WatchMoves": grpc.StatusCode.CANCELLED.value[0],
        "CreateOrder": grpc.StatusCode.INTERNAL.value[0],
    }
    errors = {name for name, span in spans_by_method.items() if span.status.status_code is StatusCode.ERROR}
    assert errors == {"CreateOrder"}


async def test_the_workers_events_belong_to_the_step_that_wrote_them(
    api: Api, database_url: str, sql: SqlConnection
) -> None:
    """On the span of a step, below that of its cycle. A cycle without work has no span."""
    await receive_stock(api)
    order = await place_order(api)
    exporter = InMemorySpanExporter()
    async with open_worker(database_url, exporter, otel_traces_sampler_arg=1.0):

        async def is_picking() -> bool:
            return "picking-started" in await _traceparents(sql, order.order_id)

        await eventually(is_picking)
        cycles = await sql.fetchval("SELECT count(*) FROM fulfillment_runs")
        # Further cycles, without work.
        await eventually(lambda: _more_cycles(sql, cycles + 5))
    traceparents = await _traceparents(sql, order.order_id)
    spans = exporter.get_finished_spans()
    for event, step in [("validated", "validate"), ("wave-assigned", "plan_waves")]:
        (span,) = _named(spans, step)
        assert traceparents[event] == _ids(span)
        assert span.parent is not None
        assert span.parent.span_id in {
            cycle.context.span_id for cycle in _named(spans, "fulfillment cycle") if cycle.context
        }
        assert (span.attributes or {})["wms.count"] == 1
    assert 1 <= len(_named(spans, "fulfillment cycle")) <= 4
    assert spans[0].resource.attributes["service.name"] == "order-service-worker"


async def _more_cycles(sql: SqlConnection, number: int) -> bool:
    return bool(await sql.fetchval("SELECT count(*) >= $1 FROM fulfillment_runs", number))


async def test_a_retry_of_the_worker_has_the_correlation_id_of_its_order(
    api: Api, database_url: str, sql: SqlConnection
) -> None:
    """Its event has the correlation id and the workflow of the order, and the span of the step."""
    ids = (
        ("x-wms-correlation-id", "C-1"),
        ("x-wms-wave-number", "WAVE-1"),
        ("x-wms-workflow-id", "F-1"),
    )
    order = (await api.orders.CreateOrder(create_order(), metadata=ids)).order
    await record_failure(api, order.order_id)
    await sql.execute("UPDATE orders SET next_retry_at = now()")
    exporter = InMemorySpanExporter()
    quick = timedelta(milliseconds=50)
    async with open_worker(
        database_url, exporter, otel_traces_sampler_arg=1.0, auto_validate=False, fulfillment_interval=quick
    ):

        async def is_retried() -> bool:
            return "retry-started" in await _traceparents(sql, order.order_id)

        await eventually(is_retried)
    (span,) = _named(exporter.get_finished_spans(), "retry_due")
    row = await sql.fetchrow("SELECT * FROM order_events WHERE type = 'wms.order.retry-started'")
    assert row is not None
    assert (row["correlation_id"], row["wave_number"], row["workflow_id"]) == ("C-1", "WAVE-1", "F-1")
    assert row["traceparent"] == _ids(span)


async def test_the_spans_of_a_process_reach_a_collector_before_it_has_ended(
    database_url: str, processes: Processes, tmp_path: Path
) -> None:
    """With settings from variables only, over OTLP, with the configured headers, including the last spans."""
    address = f"127.0.0.1:{find_free_port()}"
    headers = tmp_path / "headers"
    headers.write_text("Authorization=Bearer%20hunter2,x-tenant = a=b\n", encoding="utf-8")
    async with run_collector(address) as collector:
        server = processes.server(
            database_url,
            tracing_enabled="true",
            otel_exporter_otlp_endpoint=address,
            otel_exporter_otlp_headers_file=str(headers),
            service_name="orders-7",
        )
        await server.wait_until_serving()
        async with open_client(server.address) as api:
            await api.orders.CreateOrder(create_order(), metadata=(TRACED,))
        assert await server.terminate_and_wait() == 0
        assert sorted(collector.span_names) == [
            ("orders-7", "postgresql transaction"),
            ("orders-7", "wms.orders.v1.OrderService/CreateOrder"),
        ]
        assert (collector.headers["authorization"], collector.headers["x-tenant"]) == (
            "Bearer hunter2",
            "a=b",
        )


async def test_the_absence_of_the_collector_is_logged_at_its_start_and_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not for every lost batch."""
    monkeypatch.setattr(tracing, "_EXPORT_TIMEOUT_SECONDS", 0.5)
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("name")
    assert isinstance(span, ReadableSpan)
    address = f"127.0.0.1:{find_free_port()}"
    collector = tracing.CollectorExporter(address)
    with capture_logs() as log_entries:
        for is_available in (False, False, True, True, False, False):
            async with run_collector(address) if is_available else nullcontext():
                await asyncio.to_thread(collector.export, [span])
        collector.shutdown()
    assert [(entry["event"], entry["endpoint"]) for entry in log_entries] == [
        ("traces_not_delivered", address),
        ("traces_delivered_again", address),
        ("traces_not_delivered", address),
    ]


async def test_one_of_several_processes_logs_the_absence_of_the_collector(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first one that detects it, and the first one that detects its return."""
    monkeypatch.setattr(tracing, "_EXPORT_TIMEOUT_SECONDS", 0.5)
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("name")
    assert isinstance(span, ReadableSpan)
    address = f"127.0.0.1:{find_free_port()}"
    processes = [tracing.CollectorExporter(address, tmp_path / "reported") for _ in range(3)]
    with capture_logs() as log_entries:
        for is_available in (False, True, False):
            async with run_collector(address) if is_available else nullcontext():
                for process in processes:
                    await asyncio.to_thread(process.export, [span])
        for process in processes:
            process.shutdown()
    assert [entry["event"] for entry in log_entries] == [
        "traces_not_delivered",
        "traces_delivered_again",
        "traces_not_delivered",
    ]


@pytest.mark.slow
async def test_an_unreachable_collector_is_logged_once_and_affects_no_call(
    database_url: str, processes: Processes
) -> None:
    """Orders are created and processed. The server shuts down as fast as otherwise."""
    settings = {
        "otel_exporter_otlp_endpoint": f"127.0.0.1:{find_free_port()}",
        "otel_traces_sampler_arg": "1",
    }
    short_delays = {"otel_bsp_schedule_delay": "20", "otel_exporter_otlp_timeout": "1"}
    server = processes.server(database_url, tracing_enabled="true", **settings, **short_delays)
    worker = processes.worker(database_url, tracing_enabled="true", **settings, **short_delays)
    await server.wait_until_serving()
    await worker.wait_until_serving(FULFILLMENT_HEALTH)
    async with open_client(server.address) as api:

        async def is_logged() -> bool:
            await api.orders.CreateOrder(create_order())
            return bool(
                server.find_log_entries("traces_not_delivered")
                and worker.find_log_entries("traces_not_delivered")
            )

        await eventually(is_logged, within=30)
    assert await server.terminate_and_wait(within=5) == 0
    assert await worker.terminate_and_wait(within=5) == 0
    for process in (server, worker):
        (line,) = process.find_log_entries("traces_not_delivered")
        assert line["endpoint"] == settings["otel_exporter_otlp_endpoint"]
        assert "while exporting" not in process.output_text
        assert "Failed to export" not in process.output_text
