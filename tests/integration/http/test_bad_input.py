"""Invalid input over HTTP: one JSON error, no partial change, and a working connection and server."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders.requests import create_order
from tests.support.clients.http import (
    HttpTestServer,
    open_http_server,
    parse_error_body,
    parse_error_response,
)
from tests.support.invariants.database import SqlConnection
from tests.support.waiting import eventually
from wms_server.http.json_encoding import message_to_json
from wms_server.limits.request_limits import MAX_REQUEST_BYTES

pytestmark = pytest.mark.one_postgres
_JSON = {"content-type": "application/json"}
_ORDERS = "/api/v1/orders"


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[HttpTestServer]:
    """Yield a server with a request timeout of one second."""
    async with open_http_server(database_url, http_request_timeout="1s") as opened:
        yield opened


@pytest.fixture(autouse=True)
async def _check_server_is_unaffected(web: HttpTestServer, sql: SqlConnection) -> AsyncIterator[None]:
    """Check after each test that no order exists, no call is in flight, and the next one succeeds."""
    yield
    assert await sql.fetchval("SELECT count(*) FROM orders") == 0
    response = await web.http_client.post(_ORDERS, json=order_json())
    assert response.status_code == 201


def order_json(**changes: Any) -> dict[str, Any]:
    """Return an order as JSON."""
    return {**message_to_json(create_order()), **changes}


def request_head(length: int, *more: str, path: str = _ORDERS) -> bytes:
    """Return the head of a request that announces a body."""
    lines = [f"POST {path} HTTP/1.1", "host: localhost", "content-type: application/json"]
    return "\r\n".join([*lines, f"content-length: {length}", *more, "", ""]).encode()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/api/v1/orders", "GET, POST"),
        ("DELETE", "/api/v1/orders/ORD-1", "GET, PATCH"),
        ("GET", "/api/v1/orders/ORD-1/cancel", "PUT"),
        ("POST", "/api/v1/dead-letter-queue/stats", "GET"),
        ("OPTIONS", "/api/v1/orders:batchGet", "GET, POST"),
        ("POST", "/health", "GET, HEAD"),
    ],
)
async def test_an_unsupported_method(web: HttpTestServer, method: str, path: str, allowed: str) -> None:
    """405 with the supported methods."""
    response = await web.http_client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    error = parse_error_response(response)
    assert error["reason"] == "METHOD_NOT_ALLOWED"
    assert error["metadata"] == {"method": method, "path": path, "allowed": allowed}


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/api/v1/order", "/api/v1/orders"),
        ("/api/v1/orders/ORD-1/canel", "/api/v1/orders/{order_id}/cancel"),
        ("/api/v1/orders/", "/api/v1/orders"),
        ("/api/v1/orders/a/b", ""),
        ("/orders", ""),
        ("/", ""),
    ],
)
async def test_an_unknown_path(web: HttpTestServer, path: str, nearest: str) -> None:
    """404 with the most similar paths."""
    response = await web.http_client.get(path)
    error = parse_error_response(response)
    assert (response.status_code, error["reason"]) == (404, "PATH_NOT_FOUND")
    assert nearest in error["metadata"].get("nearest", "").split(", ") or not nearest
    assert path in error["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_a_body_with_another_media_type(web: HttpTestServer, headers: dict[str, str]) -> None:
    """415 for any content."""
    body = gzip.compress(b"{}") if "content-encoding" in headers else json.dumps(order_json()).encode()
    response = await web.http_client.post(_ORDERS, content=body, headers=headers)
    assert (response.status_code, parse_error_response(response)["reason"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b'{"customerId": "a",\n "priority" standard}', 2, 13),
        (b'{"customerId": "a"', 1, 19),
        (b"{'customerId': 1}", 1, 2),
        (b'{"customerId": "a"} {}', 1, 21),
        (b'{"customerId": "\xff"}', 1, 17),
        (b'{"quantity": 01}', 1, 15),
        (b"[" * 50_000, 1, 1),
        (b"\xef\xbb\xbf{}", 1, 1),
    ],
)
async def test_a_body_with_invalid_json(web: HttpTestServer, body: bytes, line: int, column: int) -> None:
    """The error has the position."""
    response = await web.http_client.post(_ORDERS, content=body, headers=_JSON)
    error = parse_error_response(response)
    assert (response.status_code, error["reason"]) == (400, "MALFORMED_MESSAGE")
    assert f"line {line}, column {column}" in error["message"]


@pytest.mark.parametrize(
    ("change", "field", "expected_text"),
    [
        ({"colour": "red"}, "colour", "customerId"),
        ({"priority": "urgent"}, "priority", "same_day, next_day, standard"),
        ({"items": [{"sku": "A", "quantity": 1, "unitPrise": 1}]}, "items[0].unitPrise", "unitPrice"),
        ({"items": [{"sku": "A", "quantity": 0}]}, "items[0].quantity", "1"),
        ({"items": [{"sku": "A", "quantity": 2.5}]}, "items[0].quantity", "whole"),
        (
            {"shippingAddress": {"street": "a", "city": "b", "country": "us"}},
            "shippingAddress.country",
            "ISO",
        ),
        ({"customerId": "a\0b"}, "customerId", "control"),
    ],
)
async def test_an_invalid_field(
    web: HttpTestServer, change: dict[str, Any], field: str, expected_text: str
) -> None:
    """The error has its JSON path and the allowed values."""
    response = await web.http_client.post(_ORDERS, json=order_json(**change))
    error = parse_error_response(response)
    assert (response.status_code, error["reason"]) == (400, "INVALID_REQUEST")
    assert expected_text in error["faults"][field]


@pytest.mark.parametrize(
    "price", ["NaN", "Infinity", "-Infinity", "1e400", "1e999999999", "-1", "1e-10", '"x"']
)
async def test_an_invalid_price(web: HttpTestServer, price: str) -> None:
    """The error has its path, with a value of any size."""
    body = json.dumps(order_json(items=[{"sku": "A", "quantity": 1, "unitPrice": "PRICE"}]))
    response = await web.http_client.post(_ORDERS, content=body.replace('"PRICE"', price), headers=_JSON)
    assert response.status_code == 400
    (field,) = parse_error_response(response)["faults"]
    assert field.startswith("items[0].unitPrice")


async def test_a_duplicate_key(web: HttpTestServer) -> None:
    """It is ambiguous which of the values applies."""
    body = json.dumps(order_json()).replace('"customerId"', '"customerId": "a", "customerId"', 1)
    response = await web.http_client.post(_ORDERS, content=body, headers=_JSON)
    assert parse_error_response(response)["faults"] == {"customerId": "must not occur twice"}


@pytest.mark.parametrize("segment", ["a%2Fb", "100%25", "%00", "%zz", "a%0Ab", "%F0%9F%8E%81", "x" * 200])
async def test_an_invalid_id_in_a_path(web: HttpTestServer, segment: str) -> None:
    """It is decoded before the rule of its field is checked."""
    response = await web.http_client.get(f"{_ORDERS}/{segment}")
    error = parse_error_response(response)
    assert (response.status_code, error["reason"]) == (400, "INVALID_REQUEST")
    assert list(error["faults"]) == ["orderId"]


async def test_a_path_that_is_not_utf_8(web: HttpTestServer) -> None:
    """The error reports it."""
    assert parse_error_response(await web.http_client.get(f"{_ORDERS}/%ff"))["faults"] == {
        "orderId": "must be percent-encoded UTF-8 in the path"
    }


@pytest.mark.parametrize("wait", ["soon", "-1", "1y", ""])
async def test_an_invalid_timeout(web: HttpTestServer, wait: str) -> None:
    """The error has the header."""
    response = await web.http_client.get(_ORDERS, headers={"x-wms-timeout": wait})
    assert list(parse_error_response(response)["faults"]) == ["x-wms-timeout"]


async def test_an_unexpected_body(web: HttpTestServer) -> None:
    """It is rejected instead of ignored."""
    response = await web.http_client.request("GET", _ORDERS, json={"status": "received"})
    assert response.status_code == 400
    assert parse_error_response(response)["faults"] == {"body": "is not accepted by this call"}


# Size


@pytest.mark.parametrize(("path", "code"), [("/nowhere", 404), ("/api/v1/dead-letter-queue/stats", 405)])
async def test_a_client_with_an_unread_body_gets_its_response(
    web: HttpTestServer, path: str, code: int
) -> None:
    """The connection is not reset while it sends the body."""
    response = await web.send_raw(request_head(MAX_REQUEST_BYTES, path=path) + b" " * MAX_REQUEST_BYTES)
    assert response.startswith(b"HTTP/1.1 %d " % code)


async def test_a_body_that_is_announced_as_too_large_is_not_read(web: HttpTestServer) -> None:
    """413 before its first byte. Then the connection is closed."""
    response = await web.send_raw(request_head(MAX_REQUEST_BYTES + 1))
    assert response.startswith(b"HTTP/1.1 413 ")
    assert parse_error_body(response.partition(b"\r\n\r\n")[2])["reason"] == "MESSAGE_TOO_LARGE"


async def test_a_body_is_not_read_beyond_the_limit(web: HttpTestServer) -> None:
    """Also when its length was not announced."""
    start = request_head(0).replace(b"content-length: 0", b"transfer-encoding: chunked")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    response = await web.send_raw(start + chunk * (MAX_REQUEST_BYTES // 0x10000 + 1), until=b"\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 413 ")


async def test_a_body_of_the_maximum_size_is_read(web: HttpTestServer) -> None:
    """The limit is inclusive."""
    body = json.dumps(order_json(customerId="")).encode()
    response = await web.http_client.post(
        _ORDERS, content=body + b" " * (MAX_REQUEST_BYTES - len(body)), headers=_JSON
    )
    assert list(parse_error_response(response)["faults"]) == ["customerId"]


async def test_endless_headers(web: HttpTestServer) -> None:
    """Their size is limited."""
    response = await web.send_raw(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 100_000, until=b"\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 431 ")


# Time


async def test_a_slow_body(web: HttpTestServer) -> None:
    """408 after the timeout. Then the connection is closed."""
    response = await web.send_raw(request_head(1000) + b'{"customerId":')
    assert response.startswith(b"HTTP/1.1 408 ")
    error = parse_error_body(response.partition(b"\r\n\r\n")[2])
    assert (error["reason"], error["metadata"]) == ("REQUEST_TOO_SLOW", {"seconds": "1"})


async def test_slow_headers(web: HttpTestServer) -> None:
    """408 as well. A connection without a byte is closed."""
    response = await web.send_raw(b"POST /api/v1/orders HTTP/1.1\r\nhost: localhost")
    assert response.startswith(b"HTTP/1.1 408 ")
    assert parse_error_body(response.partition(b"\r\n\r\n")[2])["reason"] == "REQUEST_TOO_SLOW"
    assert await web.send_raw(b"") == b""


async def _is_open(port: int, client: socket.socket) -> bool:
    """Return whether a process has the server's end of a connection open. The kernel keeps it longer."""
    address_pair = f":{port:04X}", f":{client.getsockname()[1]:04X}"
    table = await asyncio.to_thread(Path("/proc/net/tcp").read_text)
    lines = [line.split() for line in table.splitlines()]
    return any(
        line[1].endswith(address_pair[0]) and line[2].endswith(address_pair[1]) and line[9] != "0"
        for line in lines
    )


async def test_a_client_that_does_not_read_its_response(web: HttpTestServer) -> None:
    """Its connection is closed. A client that reads slowly gets the complete response."""
    request = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", web.port))
        # More than the kernel buffers.
        lazy.sendall(request * 20)
        await eventually(lambda: _is_open(web.port, lazy))

        async def is_closed() -> bool:
            return not await _is_open(web.port, lazy)

        await eventually(is_closed)
    complete_response = await web.send_raw(request.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    head, _, body = complete_response.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head


async def test_input_that_is_not_http(web: HttpTestServer) -> None:
    """The error is JSON, too."""
    response = await web.send_raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 400 ")
    assert parse_error_body(response.partition(b"\r\n\r\n")[2])["reason"] == "MALFORMED_MESSAGE"


async def test_a_client_that_disconnects_within_its_request(web: HttpTestServer) -> None:
    """The request is not counted."""
    body = json.dumps(order_json()).encode()
    for sent in (b"", body[:10], body[:-1]):
        _, writer = await asyncio.open_connection("127.0.0.1", web.port)
        writer.write(request_head(len(body)) + sent)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def is_idle() -> bool:
        return "wms_server_calls 0.0" in (await web.http_client.get("/metrics")).text

    await eventually(is_idle)


@pytest.mark.parametrize(("kind", "code"), [("application/json", 400), ("text/plain", 415)])
async def test_a_connection_is_usable_after_an_error(web: HttpTestServer, kind: str, code: int) -> None:
    """An invalid request does not affect the next one."""
    invalid_body = b'{"customerId": 5}'
    valid_request = f"GET {_ORDERS} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode()
    start = request_head(len(invalid_body)).replace(b"application/json", kind.encode())
    response = await web.send_raw(start + invalid_body + valid_request)
    assert response.count(b"HTTP/1.1 %d " % code) == 1
    assert response.count(b"HTTP/1.1 200 ") == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (_ORDERS, r'{"\ud800":1}'),
        (_ORDERS, r'{"customerId":"\udfff"}'),
        (_ORDERS, r'{"items":[{"\ud800":1}]}'),
        (_ORDERS, r'{"\ud800":1,"\ud800":2}'),
        (f"{_ORDERS}:batchCreate", r'{"\ud800":[{"customerId":"A"}]}'),
    ],
)
async def test_text_with_a_lone_surrogate(web: HttpTestServer, path: str, body: str) -> None:
    """JSON can encode half of a surrogate pair. It is reported like any other error."""
    response = await web.http_client.post(path, content=body, headers=_JSON)
    assert (response.status_code, parse_error_response(response)["reason"]) == (400, "INVALID_REQUEST")


async def test_an_order_of_a_batch_with_a_lone_surrogate(web: HttpTestServer) -> None:
    """Only this order is rejected."""
    body = r'{"requests":[{"\ud800":1},{"items":[{"sku":"\ud800","\udc00":1}]}]}'
    response = await web.http_client.post(f"{_ORDERS}:batchCreate", content=body, headers=_JSON)
    results = response.json()["results"]
    assert [parse_error_body(json.dumps(result["status"]).encode())["reason"] for result in results] == [
        "INVALID_REQUEST"
    ] * 2
