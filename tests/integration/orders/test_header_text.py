"""Headers that are not ASCII are accepted unchanged or rejected before the call starts."""

from typing import Any

import pytest

from tests.support.builders.requests import create_order
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.clients.http import HttpTestServer, open_http_server, parse_error_response
from tests.support.clients.raw_calls import ORDERS, call_with_headers
from tests.support.invariants.database import SqlConnection
from tests.support.processes.processes import Processes
from wms_server.http.json_encoding import message_to_json

pytestmark = pytest.mark.one_postgres
_HEADERS = ("x-wms-correlation-id", "x-wms-wave-number", "x-wms-workflow-id", "x-wms-actor")
_CREATE_ORDER = f"/{ORDERS}/CreateOrder"


@pytest.fixture
async def server(database_url: str) -> Any:
    """Yield a server with HTTP."""
    async with open_http_server(database_url) as server:
        yield server


async def count_orders(sql: SqlConnection) -> int:
    """Return the number of orders."""
    return int(await sql.fetchval("SELECT count(*) FROM orders"))


@pytest.mark.parametrize(
    "text", ["李-1", "é", "🎁", "Łukasz", "山田\u3000太郎", "a\u00a0b", "👩\u200d🚒", "न\u200cम"]
)
async def test_text_of_any_language_is_accepted_over_http(server: HttpTestServer, text: str) -> None:
    """The events and the response headers have the same bytes."""
    headers = {name.encode(): text.encode() for name in _HEADERS}
    response = await server.http_client.post(
        "/api/v1/orders", json=message_to_json(create_order()), headers=headers
    )
    assert response.status_code == 201
    response_headers = dict(response.headers.raw)
    for name in _HEADERS[:3]:
        assert response_headers[name.encode()] == text.encode()
    history = await server.http_client.get(f"/api/v1/orders/{response.json()['orderId']}/history")
    (event,) = history.json()["events"]
    event_values = [event[name] for name in ("correlationId", "waveNumber", "workflowId", "actor")]
    assert event_values == [text] * 4


async def test_header_that_is_not_utf_8_is_rejected_over_http(
    server: HttpTestServer, sql: SqlConnection
) -> None:
    """The error names the header, and the call has no effect."""
    for name in _HEADERS:
        for value in (b"\xe9\xff", b"J\xfcrgen", b"\xed\xa0\x80"):
            headers = {name.encode(): value}
            response = await server.http_client.post(
                "/api/v1/orders", json=message_to_json(create_order()), headers=headers
            )
            error = parse_error_response(response)
            assert (response.status_code, error["reason"]) == (400, "INVALID_REQUEST")
            assert error["faults"] == {name: "must be UTF-8"}
            assert response.headers["x-wms-correlation-id"].isascii()
    assert await count_orders(sql) == 0


@pytest.mark.parametrize("rpc", [_CREATE_ORDER, f"/{ORDERS}/WatchOrders"])
async def test_metadata_that_is_not_ascii_is_rejected_over_grpc(
    api: Api, sql: SqlConnection, rpc: str
) -> None:
    """gRPC allows no other text. The error is INVALID_ARGUMENT instead of INTERNAL."""
    request = create_order().SerializeToString() if rpc == _CREATE_ORDER else b""
    for name in _HEADERS:
        for value in ("é".encode(), "🎁".encode(), b"\xe9\xff"):
            response = await call_with_headers(api.address, rpc, request, {name.encode(): value})
            assert b"grpc-status\x013" in response
            assert name.encode() + b": must be ASCII" in response
    assert await count_orders(sql) == 0


async def test_binary_actor_must_be_utf_8(api: Api, sql: SqlConnection) -> None:
    """Otherwise the history would show different characters from the ones sent."""
    for value in (b"J\xfcrgen", b"\xed\xa0\x80"):
        call = api.orders.CreateOrder(create_order(), metadata=(("x-wms-actor-bin", value),))
        failure = await expect_failure(call)
        assert failure.violations_by_field == {"x-wms-actor-bin": "must be UTF-8"}
    assert await count_orders(sql) == 0
    await api.orders.CreateOrder(create_order(), metadata=(("x-wms-actor-bin", "Jürgen".encode()),))
    assert await count_orders(sql) == 1


async def test_header_that_is_not_text_is_not_logged(processes: Processes, database_url: str) -> None:
    """The log has neither its value nor a traceback."""
    server = processes.server(database_url)
    await server.wait_until_serving()
    request = create_order().SerializeToString()
    for name in (b"x-wms-actor", b"x-anything"):
        await call_with_headers(server.address, _CREATE_ORDER, request, {name: b"M\xfcller"})
    assert await server.terminate_and_wait() == 0
    assert "ller" not in server.output_text
    assert [entry for entry in server.log_entries if entry["level"] == "error"] == []
