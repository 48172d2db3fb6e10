"""Private data stays in the database: markers in all inputs must not appear in logs, traces or metrics."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import httpx
import pytest

from tests.support.builders.load import ship_order, wait_until_status
from tests.support.builders.orders import dead_letter_order, receive_stock, record_failure
from tests.support.builders.requests import address, create_order
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.clients.raw_calls import ORDERS, call_raw
from tests.support.external.kafka import new_topic_name
from tests.support.external.otlp_collector import SpanCollector, run_collector
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.invariants.database import SqlConnection
from tests.support.processes import admin_endpoints
from tests.support.processes.processes import (
    FULFILLMENT_HEALTH,
    RELAY_HEALTH,
    UNREACHABLE_KAFKA,
    Process,
    Processes,
    open_client,
)
from tests.support.waiting import eventually
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2, orders_pb2
from wms_dev.free_port import find_free_port
from wms_server.http.json_encoding import message_to_json

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

_CORRELATION = "CORRELATION-OF-THE-TEST"
#: Postgres quotes the value in the first line of its message.
_STUMBLING = """
CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.customer_id = 'CUST-BROKEN' OR (NEW.customer_id = 'CUST-STUCK' AND TG_OP = 'UPDATE') THEN
        PERFORM (NEW.shipping_address ->> 'street')::integer;
    END IF;
    IF NEW.customer_id = 'CUST-UNIQUE' THEN
        RAISE check_violation USING MESSAGE = 'no', DETAIL = 'Failing row contains ' || NEW::text;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER stumble BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stumble();
"""


@dataclass(frozen=True)
class PrivateDataMarkers:
    """Unique texts by the name of their input field."""

    texts: dict[str, str] = field(default_factory=dict)

    def new(self, field_name: str) -> str:
        """Return the marker of a field, and create it if it does not exist."""
        return self.texts.setdefault(field_name, f"canary{secrets.token_hex(6)}")

    def in_(self, text: str) -> set[str]:
        """Return the fields with a marker in this text."""
        return {field_name for field_name, marker in self.texts.items() if marker in text}

    def address(self) -> order_pb2.ShippingAddress:
        """Return an address of markers."""
        fields = ("street", "city", "state", "zip_code", "recipient_name", "phone")
        return address(**{name: self.new(name) for name in fields})

    def headers(self) -> dict[str, str]:
        """Return headers with markers, and the correlation id of the test."""
        return {
            "authorization": f"Bearer {self.new('token')}",
            "cookie": f"session={self.new('cookie')}",
            "x-user-email": f"{self.new('email')}@example.com",
            "x-wms-actor": f"{self.new('actor')}@example.com",
            "x-wms-correlation-id": _CORRELATION,
        }


async def test_no_private_data_is_logged_traced_or_measured(
    processes: Processes, database_url: str, sql: SqlConnection, kafka_brokers: str, tmp_path: Path
) -> None:
    """With valid and invalid input and with failures, at level debug, with every call sampled."""
    markers = PrivateDataMarkers()
    collector_address, http, worker_http = f"127.0.0.1:{find_free_port()}", find_free_port(), find_free_port()
    async with (
        _role_with_password(database_url, markers.new("password"), sql) as url,
        open_proxy(url) as proxy,
        run_collector(collector_address) as spans,
    ):
        secret = tmp_path / "database_url"
        secret.write_text(f"{proxy.url}\n", encoding="utf-8")
        settings = {
            "log_level": "debug",
            "tracing_enabled": "true",
            "otel_exporter_otlp_endpoint": collector_address,
            "otel_exporter_otlp_headers": f"authorization=Bearer%20{markers.new('collector_token')}",
            "otel_traces_sampler_arg": "1",
            "otel_bsp_schedule_delay": "100",
        }
        server = processes.server(proxy.url, http_addr=f"127.0.0.1:{http}", **settings)
        worker = processes.worker(
            None,
            worker_http_addr=f"127.0.0.1:{worker_http}",
            database_url_file=str(secret),
            worker_roles="fulfillment,relay",
            kafka_brokers=kafka_brokers,
            kafka_topic=new_topic_name(),
            **settings,
        )
        await server.wait_until_serving()
        await worker.wait_until_serving(FULFILLMENT_HEALTH)
        await worker.wait_until_serving(RELAY_HEALTH)
        async with (
            open_client(server.address) as api,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{http}", headers=markers.headers(), timeout=20
            ) as web,
        ):
            metadata = tuple(markers.headers().items())
            await _fulfill_orders(api, web, markers, metadata)
            await _send_invalid_requests(api, web, markers, metadata)
            await _cause_internal_errors(api, web, markers, metadata, sql)
            await eventually(lambda: _has_logged(worker, "order_cannot_be_processed"))
            await eventually(lambda: _has_published(worker_http))
            pages = [(await admin_endpoints.get_page(port, "/metrics"))[1] for port in (http, worker_http)]
            await proxy.cut()
            error = await expect_failure(api.orders.CreateOrder(_order(markers), metadata=metadata))
            assert error.status_code is grpc.StatusCode.UNAVAILABLE
            assert (
                await web.post("/api/v1/orders", json=message_to_json(_order(markers)))
            ).status_code == 503
            await eventually(lambda: _has_logged(worker, "cycle_interrupted"))
            pages += [
                (await admin_endpoints.get_page(port, path))[1]
                for port, path in _all_pages(http, worker_http)
            ]
            await proxy.heal()
        assert await server.terminate_and_wait() == 0
        assert await worker.terminate_and_wait() == 0
    _check_outputs(server, worker, spans, pages)
    for text in (server.output_text, worker.output_text, spans.text, *pages):
        assert markers.in_(text) == set()


async def test_a_rejected_login_is_reported_without_the_password(
    processes: Processes, database_url: str
) -> None:
    """Server and worker wait for a valid one. The migrate command exits."""
    markers = PrivateDataMarkers()
    url = _url_with(database_url, markers.new("password"))
    migration = processes.migrate(url)
    assert await migration.wait_for_exit() == 1
    assert "database of DATABASE_URL can't be used" in migration.output_text
    assert markers.in_(migration.output_text) == set()
    for process in (processes.server(url), processes.worker(url)):
        await eventually(lambda process=process: _output_contains(process, "password authentication failed"))  # type: ignore[misc]
        assert markers.in_(process.output_text) == set()


async def test_an_invalid_parameter_of_the_url_is_reported_without_the_password(
    processes: Processes, database_url: str
) -> None:
    """All processes exit with the name of the parameter."""
    markers = PrivateDataMarkers()
    url = _url_with(database_url, markers.new("password")) + "?sslmode=perhaps"
    for process in (processes.server(url), processes.worker(url), processes.migrate(url)):
        assert await process.wait_for_exit() == 1
        assert "its parameter sslmode can only be" in process.output_text
        assert markers.in_(process.output_text) == set()


def _url_with(url: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username}:{password}@{host}").geturl()


async def _output_contains(process: Process, text: str) -> bool:
    return text in process.output_text


async def test_unreachable_kafka_and_zookeeper_are_reported_without_passwords(
    processes: Processes, database_url: str
) -> None:
    """At level debug, with the messages of the libraries."""
    markers = PrivateDataMarkers()
    passwords = {
        f"{service}_sasl_{name}": value
        for service in ("kafka", "zookeeper")
        for name, value in (("username", "wms"), ("password", markers.new(service)))
    }
    settings = {"worker_roles": "relay", "kafka_brokers": UNREACHABLE_KAFKA, "log_level": "debug"}
    standalone = processes.worker(database_url, **settings, **passwords)
    await eventually(lambda: _has_logged(standalone, "publishing_unavailable"))
    elected = processes.worker(database_url, zookeeper_hosts="127.0.0.1:1", **settings, **passwords)
    await eventually(lambda: _has_logged(elected, "election_unavailable"))
    for worker in (standalone, elected):
        assert await worker.terminate_and_wait() == 0
        assert markers.in_(worker.output_text) == set()


@asynccontextmanager
async def _role_with_password(url: str, password: str, sql: SqlConnection) -> AsyncIterator[str]:
    """Yield the database URL of a temporary user with this password."""
    parts = urlsplit(url)
    role = f"canary_{secrets.token_hex(6)}"
    await sql.execute(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{password}'")
    try:
        yield parts._replace(netloc=f"{role}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()
    finally:
        await sql.execute(f"DROP ROLE {role}")


def _order(markers: PrivateDataMarkers, **fields: object) -> orders_pb2.CreateOrderRequest:
    return create_order(shipping_address=markers.address(), **fields)


async def _fulfill_orders(
    api: Api, web: httpx.AsyncClient, markers: PrivateDataMarkers, metadata: tuple[tuple[str, str], ...]
) -> None:
    """Ship an order, cancel another one, and resolve a dead letter."""
    await receive_stock(api)
    shipped = (await api.orders.CreateOrder(_order(markers), metadata=metadata)).order.order_id
    await wait_until_status(api, shipped, order_pb2.ORDER_STATUS_PACKING)
    await ship_order(api, shipped)
    created = await web.post("/api/v1/orders", json=message_to_json(_order(markers, customer_id="CUST-2")))
    assert created.status_code == 201
    cancelled = created.json()["orderId"]
    reason = {"reason": markers.new("cancel_reason")}
    assert (await web.put(f"/api/v1/orders/{cancelled}/cancel", json=reason)).status_code == 200
    dead = (await api.orders.CreateOrder(_order(markers), metadata=metadata)).order.order_id
    await record_failure(api, dead, markers.new("failure_reason"))
    await dead_letter_order(api, dead, markers.new("final_reason"))
    await api.dead_letters.ResolveDeadLetterEntry(
        dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=dead,
            resolution=dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED,
            notes=markers.new("notes"),
            resolved_by=markers.new("resolved_by"),
        ),
        metadata=metadata,
    )


async def _send_invalid_requests(
    api: Api, web: httpx.AsyncClient, markers: PrivateDataMarkers, metadata: tuple[tuple[str, str], ...]
) -> None:
    """Send requests that are rejected, with a marker in every field."""
    for request in (
        _order(markers, customer_id=""),
        create_order(shipping_address=address(street=markers.new("long") * 100)),
        create_order(shipping_address=address(street=markers.new("control") + "\0")),
        create_order(shipping_address=address(country=markers.new("country"))),
    ):
        error = await expect_failure(api.orders.CreateOrder(request, metadata=metadata))
        assert error.status_code is grpc.StatusCode.INVALID_ARGUMENT
    await expect_failure(call_raw(api, ORDERS, "CreateOrder", b"\xff" + markers.new("bytes").encode()))
    await expect_failure(call_raw(api, ORDERS, markers.new("rpc"), b""))
    body = message_to_json(_order(markers))
    nested = {"street": {markers.new("key"): markers.new("value")}}
    responses = [
        await web.post("/api/v1/orders", json={**body, markers.new("field"): markers.new("content")}),
        await web.post("/api/v1/orders", json={**body, "shippingAddress": nested}),
        await web.post("/api/v1/orders", json={**body, "priority": markers.new("word")}),
        await web.post("/api/v1/orders", content=f'{{"customerId": "{markers.new("broken")}" "'),
        await web.post("/api/v1/orders", data={"name": markers.new("form")}),
        await web.get("/api/v1/orders", params={markers.new("parameter"): markers.new("query")}),
        await web.get(f"/api/v1/orders/{markers.new('id')}"),
        await web.get(f"/api/v1/nothing/{markers.new('path')}"),
        await web.get(f"/{markers.new('page')}"),
        await web.request(markers.new("method").upper(), "/api/v1/orders"),
    ]
    assert {response.status_code for response in responses} <= {400, 404, 405, 415}


async def _cause_internal_errors(
    api: Api,
    web: httpx.AsyncClient,
    markers: PrivateDataMarkers,
    metadata: tuple[tuple[str, str], ...],
    sql: SqlConnection,
) -> None:
    """Cause errors of Postgres that quote their input."""
    await sql.execute(_STUMBLING)
    for customer in ("CUST-BROKEN", "CUST-UNIQUE"):
        order = _order(markers, customer_id=customer)
        error = await expect_failure(api.orders.CreateOrder(order, metadata=metadata))
        assert error.status_code is grpc.StatusCode.INTERNAL
        assert markers.in_(str(error)) == set()
        response = await web.post("/api/v1/orders", json=message_to_json(order))
        assert response.status_code == 500
        assert markers.in_(response.text) == set()
    await api.orders.CreateOrder(_order(markers, customer_id="CUST-STUCK"), metadata=metadata)


async def _has_logged(process: Process, event: str) -> bool:
    return bool(process.find_log_entries(event))


async def _has_published(worker: int) -> bool:
    return (await admin_endpoints.read_metric(worker, "wms_relay_events_published_total") or 0) > 5


def _all_pages(http: int, worker: int) -> Iterator[tuple[int, str]]:
    for path in ("/health", "/ready", "/metrics"):
        yield http, path
        yield worker, path


def _check_outputs(server: Process, worker: Process, spans: SpanCollector, pages: list[str]) -> None:
    """Check that the outputs have non-secret contents. Otherwise the absence of markers proves nothing."""
    assert {entry["rpc"] for entry in server.find_log_entries("call_failed")} == {"CreateOrder"}
    assert any(entry["correlation_id"] == _CORRELATION for entry in server.find_log_entries("call"))
    assert [frame for entry in server.find_log_entries("call_failed") for frame in entry["exception"]]
    assert worker.find_log_entries("order_cannot_be_processed")
    assert _CORRELATION in spans.text
    assert {service for service, _ in spans.span_names} == {"order-service", "order-service-worker"}
    assert all("wms_" in page or "status" in page for page in pages)
    assert json.dumps(pages).count("wms_server_requests_total") > 1
