"""Headers of a caller that are not ASCII: taken as they were sent, or refused before anything is done."""

from typing import Any

import pytest

from tests.support.api import Api
from tests.support.failures import failing
from tests.support.http import Web, error_of, open_web
from tests.support.invariants import Sql
from tests.support.processes import Processes
from tests.support.raw import ORDERS, call_with_headers
from tests.support.requests import create_order
from wms_server.http.json_writing import to_json

pytestmark = pytest.mark.one_postgres
_NAMES = ("x-wms-correlation-id", "x-wms-wave-number", "x-wms-workflow-id", "x-wms-actor")
_CREATE = f"/{ORDERS}/CreateOrder"


@pytest.fixture
async def web(database_url: str) -> Any:
    """Give a server that speaks HTTP."""
    async with open_web(database_url) as opened:
        yield opened


async def orders_of(sql: Sql) -> int:
    """Give how many orders there are."""
    return int(await sql.fetchval("SELECT count(*) FROM orders"))


@pytest.mark.parametrize(
    "text", ["李-1", "é", "🎁", "Łukasz", "山田\u3000太郎", "a\u00a0b", "👩\u200d🚒", "न\u200cम"]
)
async def test_text_of_any_language_is_taken_over_http(web: Web, text: str) -> None:
    """It is in the events, and comes back byte for byte."""
    headers = {name.encode(): text.encode() for name in _NAMES}
    response = await web.http.post("/api/v1/orders", json=to_json(create_order()), headers=headers)
    assert response.status_code == 201
    raw = dict(response.headers.raw)
    for name in _NAMES[:3]:
        assert raw[name.encode()] == text.encode()
    history = await web.http.get(f"/api/v1/orders/{response.json()['orderId']}/history")
    (event,) = history.json()["events"]
    told = [event[name] for name in ("correlationId", "waveNumber", "workflowId", "actor")]
    assert told == [text] * 4


async def test_bytes_that_are_no_text_are_refused_over_http(web: Web, sql: Sql) -> None:
    """Nothing is done, the header is named, and the answer can be sent."""
    for name in _NAMES:
        for value in (b"\xe9\xff", b"J\xfcrgen", b"\xed\xa0\x80"):
            headers = {name.encode(): value}
            response = await web.http.post("/api/v1/orders", json=to_json(create_order()), headers=headers)
            error = error_of(response)
            assert (response.status_code, error["reason"]) == (400, "INVALID_REQUEST")
            assert error["faults"] == {name: "must be UTF-8"}
            assert response.headers["x-wms-correlation-id"].isascii()
    assert await orders_of(sql) == 0


@pytest.mark.parametrize("rpc", [_CREATE, f"/{ORDERS}/WatchOrders"])
async def test_metadata_that_is_not_ascii_is_refused_over_grpc(api: Api, sql: Sql, rpc: str) -> None:
    """gRPC has no other text; nothing is done, and the caller is told INVALID_ARGUMENT, not INTERNAL."""
    request = create_order().SerializeToString() if rpc == _CREATE else b""
    for name in _NAMES:
        for value in ("é".encode(), "🎁".encode(), b"\xe9\xff"):
            answer = await call_with_headers(api.address, rpc, request, {name.encode(): value})
            assert b"grpc-status\x013" in answer
            assert name.encode() + b": must be ASCII" in answer
    assert await orders_of(sql) == 0


async def test_an_actor_as_bytes_has_to_be_utf_8(api: Api, sql: Sql) -> None:
    """Else it is refused like the others: the history would show other letters than were sent."""
    for value in (b"J\xfcrgen", b"\xed\xa0\x80"):
        call = api.orders.CreateOrder(create_order(), metadata=(("x-wms-actor-bin", value),))
        failure = await failing(call)
        assert failure.violations == {"x-wms-actor-bin": "must be UTF-8"}
    assert await orders_of(sql) == 0
    await api.orders.CreateOrder(create_order(), metadata=(("x-wms-actor-bin", "Jürgen".encode()),))
    assert await orders_of(sql) == 1


async def test_a_header_that_is_no_text_is_not_in_the_log(processes: Processes, database_url: str) -> None:
    """Neither its value nor a traceback, which each such call would add."""
    server = processes.server(database_url)
    await server.serving()
    request = create_order().SerializeToString()
    for name in (b"x-wms-actor", b"x-anything"):
        await call_with_headers(server.address, _CREATE, request, {name: b"M\xfcller"})
    assert await server.stopped() == 0
    assert "ller" not in server.text
    assert [entry for entry in server.entries if entry["level"] == "error"] == []
