"""What is private stays in the database: canaries wherever callers write, and none in what we tell."""

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

from tests.support import pages
from tests.support.api import Api
from tests.support.collector import Collector, collecting
from tests.support.failures import failing
from tests.support.invariants import Sql
from tests.support.kafka import fresh_topic
from tests.support.operations import ship, until_status
from tests.support.orders import dead_letter, fail, stocked
from tests.support.processes import FULFILLMENT, NO_KAFKA, RELAY, Process, Processes, open_client
from tests.support.proxy import open_proxy
from tests.support.raw import ORDERS, raw_call
from tests.support.requests import address, create_order
from tests.support.waiting import eventually
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2, orders_pb2
from wms_dev.ports import free_port
from wms_server.http.json_writing import to_json

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

_CORRELATION = "CORRELATION-OF-THE-TEST"
#: Postgres quotes the value in the first line of what it says.
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
class Canaries:
    """Texts that are nowhere else, by what they stand for."""

    texts: dict[str, str] = field(default_factory=dict)

    def new(self, what: str) -> str:
        """Make one more."""
        return self.texts.setdefault(what, f"canary{secrets.token_hex(6)}")

    def in_(self, text: str) -> set[str]:
        """Say which of them a text has."""
        return {what for what, canary in self.texts.items() if canary in text}

    def address(self) -> order_pb2.ShippingAddress:
        """Give an address that consists of them."""
        fields = ("street", "city", "state", "zip_code", "recipient_name", "phone")
        return address(**{name: self.new(name) for name in fields})

    def headers(self) -> dict[str, str]:
        """Give headers as clients send them, with those of the trace of the test."""
        return {
            "authorization": f"Bearer {self.new('token')}",
            "cookie": f"session={self.new('cookie')}",
            "x-user-email": f"{self.new('email')}@example.com",
            "x-wms-actor": f"{self.new('actor')}@example.com",
            "x-wms-correlation-id": _CORRELATION,
        }


async def test_nothing_private_is_logged_traced_or_measured(
    processes: Processes, database_url: str, sql: Sql, kafka_brokers: str, tmp_path: Path
) -> None:
    """Whatever callers send and whatever breaks: at the level debug, with every call traced."""
    canaries = Canaries()
    collector_address, http, worker_http = f"127.0.0.1:{free_port()}", free_port(), free_port()
    async with (
        _with_password(database_url, canaries.new("password"), sql) as url,
        open_proxy(url) as proxy,
        collecting(collector_address) as spans,
    ):
        secret = tmp_path / "database_url"
        secret.write_text(f"{proxy.url}\n", encoding="utf-8")
        told = {
            "log_level": "debug",
            "tracing_enabled": "true",
            "otel_exporter_otlp_endpoint": collector_address,
            "otel_exporter_otlp_headers": f"authorization=Bearer%20{canaries.new('collector_token')}",
            "otel_traces_sampler_arg": "1",
            "otel_bsp_schedule_delay": "100",
        }
        server = processes.server(proxy.url, http_addr=f"127.0.0.1:{http}", **told)
        worker = processes.worker(
            None,
            worker_http_addr=f"127.0.0.1:{worker_http}",
            database_url_file=str(secret),
            worker_roles="fulfillment,relay",
            kafka_brokers=kafka_brokers,
            kafka_topic=fresh_topic(),
            **told,
        )
        await server.serving()
        await worker.serving(FULFILLMENT)
        await worker.serving(RELAY)
        async with (
            open_client(server.address) as api,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{http}", headers=canaries.headers(), timeout=20
            ) as web,
        ):
            metadata = tuple(canaries.headers().items())
            await _live(api, web, canaries, metadata)
            await _err(api, web, canaries, metadata)
            await _break(api, web, canaries, metadata, sql)
            await eventually(lambda: _has_said(worker, "order_cannot_be_processed"))
            await eventually(lambda: _published(worker_http))
            shown = [(await pages.get(port, "/metrics"))[1] for port in (http, worker_http)]
            await proxy.cut()
            error = await failing(api.orders.CreateOrder(_order(canaries), metadata=metadata))
            assert error.code is grpc.StatusCode.UNAVAILABLE
            assert (await web.post("/api/v1/orders", json=to_json(_order(canaries)))).status_code == 503
            await eventually(lambda: _has_said(worker, "cycle_interrupted"))
            shown += [(await pages.get(port, path))[1] for port, path in _all_pages(http, worker_http)]
            await proxy.heal()
        assert await server.stopped() == 0
        assert await worker.stopped() == 0
    _expect_told(server, worker, spans, shown)
    for text in (server.text, worker.text, spans.text, *shown):
        assert canaries.in_(text) == set()


async def test_a_database_that_refuses_us_is_told_without_the_password(
    processes: Processes, database_url: str
) -> None:
    """Server and worker wait for the right one; the migration ends."""
    canaries = Canaries()
    url = _url_with(database_url, canaries.new("password"))
    migration = processes.migrate(url)
    assert await migration.ended() == 1
    assert "database of DATABASE_URL can't be used" in migration.text
    assert canaries.in_(migration.text) == set()
    for process in (processes.server(url), processes.worker(url)):
        await eventually(lambda process=process: _said(process, "password authentication failed"))  # type: ignore[misc]
        assert canaries.in_(process.text) == set()


async def test_a_url_with_a_wrong_parameter_is_told_without_the_password(
    processes: Processes, database_url: str
) -> None:
    """All processes end with the name of the parameter."""
    canaries = Canaries()
    url = _url_with(database_url, canaries.new("password")) + "?sslmode=perhaps"
    for process in (processes.server(url), processes.worker(url), processes.migrate(url)):
        assert await process.ended() == 1
        assert "its parameter sslmode can only be" in process.text
        assert canaries.in_(process.text) == set()


def _url_with(url: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username}:{password}@{host}").geturl()


async def _said(process: Process, text: str) -> bool:
    return text in process.text


async def test_kafka_and_zookeeper_that_are_away_are_told_without_passwords(
    processes: Processes, database_url: str
) -> None:
    """At the level debug, with what the libraries say themselves."""
    canaries = Canaries()
    passwords = {
        f"{whose}_sasl_{what}": value
        for whose in ("kafka", "zookeeper")
        for what, value in (("username", "wms"), ("password", canaries.new(whose)))
    }
    away = {"worker_roles": "relay", "kafka_brokers": NO_KAFKA, "log_level": "debug"}
    alone = processes.worker(database_url, **away, **passwords)
    await eventually(lambda: _has_said(alone, "not_publishing"))
    elected = processes.worker(database_url, zookeeper_hosts="127.0.0.1:1", **away, **passwords)
    await eventually(lambda: _has_said(elected, "not_standing"))
    for worker in (alone, elected):
        assert await worker.stopped() == 0
        assert canaries.in_(worker.text) == set()


@asynccontextmanager
async def _with_password(url: str, password: str, sql: Sql) -> AsyncIterator[str]:
    """Give the address of the database for a user of the test's own, who has this password."""
    parts = urlsplit(url)
    role = f"canary_{secrets.token_hex(6)}"
    await sql.execute(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{password}'")
    try:
        yield parts._replace(netloc=f"{role}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()
    finally:
        await sql.execute(f"DROP ROLE {role}")


def _order(canaries: Canaries, **fields: object) -> orders_pb2.CreateOrderRequest:
    return create_order(shipping_address=canaries.address(), **fields)


async def _live(
    api: Api, web: httpx.AsyncClient, canaries: Canaries, metadata: tuple[tuple[str, str], ...]
) -> None:
    """Bring an order to its end, cancel one, and resolve a dead letter."""
    await stocked(api)
    shipped = (await api.orders.CreateOrder(_order(canaries), metadata=metadata)).order.order_id
    await until_status(api, shipped, order_pb2.ORDER_STATUS_PACKING)
    await ship(api, shipped)
    made = await web.post("/api/v1/orders", json=to_json(_order(canaries, customer_id="CUST-2")))
    assert made.status_code == 201
    cancelled = made.json()["orderId"]
    reason = {"reason": canaries.new("cancel_reason")}
    assert (await web.put(f"/api/v1/orders/{cancelled}/cancel", json=reason)).status_code == 200
    dead = (await api.orders.CreateOrder(_order(canaries), metadata=metadata)).order.order_id
    await fail(api, dead, canaries.new("failure_reason"))
    await dead_letter(api, dead, canaries.new("final_reason"))
    await api.dead_letters.ResolveDeadLetterEntry(
        dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=dead,
            resolution=dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED,
            notes=canaries.new("notes"),
            resolved_by=canaries.new("resolved_by"),
        ),
        metadata=metadata,
    )


async def _err(
    api: Api, web: httpx.AsyncClient, canaries: Canaries, metadata: tuple[tuple[str, str], ...]
) -> None:
    """Send what is refused, with a canary wherever a caller may write one."""
    for wrong in (
        _order(canaries, customer_id=""),
        create_order(shipping_address=address(street=canaries.new("long") * 100)),
        create_order(shipping_address=address(street=canaries.new("control") + "\0")),
        create_order(shipping_address=address(country=canaries.new("country"))),
    ):
        error = await failing(api.orders.CreateOrder(wrong, metadata=metadata))
        assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    await failing(raw_call(api, ORDERS, "CreateOrder", b"\xff" + canaries.new("bytes").encode()))
    await failing(raw_call(api, ORDERS, canaries.new("rpc"), b""))
    body = to_json(_order(canaries))
    nested = {"street": {canaries.new("key"): canaries.new("value")}}
    answers = [
        await web.post("/api/v1/orders", json={**body, canaries.new("field"): canaries.new("content")}),
        await web.post("/api/v1/orders", json={**body, "shippingAddress": nested}),
        await web.post("/api/v1/orders", json={**body, "priority": canaries.new("word")}),
        await web.post("/api/v1/orders", content=f'{{"customerId": "{canaries.new("broken")}" "'),
        await web.post("/api/v1/orders", data={"name": canaries.new("form")}),
        await web.get("/api/v1/orders", params={canaries.new("parameter"): canaries.new("query")}),
        await web.get(f"/api/v1/orders/{canaries.new('id')}"),
        await web.get(f"/api/v1/nothing/{canaries.new('path')}"),
        await web.get(f"/{canaries.new('page')}"),
        await web.request(canaries.new("method").upper(), "/api/v1/orders"),
    ]
    assert {answer.status_code for answer in answers} <= {400, 404, 405, 415}


async def _break(
    api: Api, web: httpx.AsyncClient, canaries: Canaries, metadata: tuple[tuple[str, str], ...], sql: Sql
) -> None:
    """Break in the middle of the work, by errors in which Postgres quotes what it was given."""
    await sql.execute(_STUMBLING)
    for customer in ("CUST-BROKEN", "CUST-UNIQUE"):
        order = _order(canaries, customer_id=customer)
        error = await failing(api.orders.CreateOrder(order, metadata=metadata))
        assert error.code is grpc.StatusCode.INTERNAL
        assert canaries.in_(str(error)) == set()
        answer = await web.post("/api/v1/orders", json=to_json(order))
        assert answer.status_code == 500
        assert canaries.in_(answer.text) == set()
    await api.orders.CreateOrder(_order(canaries, customer_id="CUST-STUCK"), metadata=metadata)


async def _has_said(process: Process, event: str) -> bool:
    return bool(process.said(event))


async def _published(worker: int) -> bool:
    return (await pages.metric(worker, "wms_relay_events_published_total") or 0) > 5


def _all_pages(http: int, worker: int) -> Iterator[tuple[int, str]]:
    for path in ("/health", "/ready", "/metrics"):
        yield http, path
        yield worker, path


def _expect_told(server: Process, worker: Process, spans: Collector, shown: list[str]) -> None:
    """So that nothing is found because nothing was looked at: what is no secret is there."""
    assert {entry["rpc"] for entry in server.said("call_broke")} == {"CreateOrder"}
    assert any(entry["correlation_id"] == _CORRELATION for entry in server.said("call"))
    assert [frame for entry in server.said("call_broke") for frame in entry["exception"]]
    assert worker.said("order_cannot_be_processed")
    assert _CORRELATION in spans.text
    assert {service for service, _ in spans.names} == {"order-service", "order-service-worker"}
    assert all("wms_" in page or "status" in page for page in shown)
    assert json.dumps(shown).count("wms_server_requests_total") > 1
