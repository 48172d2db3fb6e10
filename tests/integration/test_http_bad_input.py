"""Bad input over HTTP: one clear JSON error, nothing half-done, and the connection and the server fine."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.http import Web, error_of, open_web, read_error
from tests.support.invariants import Sql
from tests.support.requests import create_order
from tests.support.waiting import eventually
from wms_server.http.json_writing import to_json
from wms_server.request_limits import MAX_REQUEST_BYTES

pytestmark = pytest.mark.one_postgres
_JSON = {"content-type": "application/json"}
_ORDERS = "/api/v1/orders"


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[Web]:
    """Give a server that bears with slow requests for a second."""
    async with open_web(database_url, http_request_timeout="1s") as opened:
        yield opened


@pytest.fixture(autouse=True)
async def _nothing_is_done_and_all_is_well(web: Web, sql: Sql) -> AsyncIterator[None]:
    """Hold every test to it: no order is there, no call at work, and the next one goes through."""
    yield
    assert await sql.fetchval("SELECT count(*) FROM orders") == 0
    response = await web.http.post(_ORDERS, json=order())
    assert response.status_code == 201


def order(**changes: Any) -> dict[str, Any]:
    """Give an order as JSON."""
    return {**to_json(create_order()), **changes}


def head(length: int, *more: str, path: str = _ORDERS) -> bytes:
    """Give the head of a request that announces a body."""
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
async def test_a_method_that_a_path_does_not_have(web: Web, method: str, path: str, allowed: str) -> None:
    """405, with those that it has."""
    response = await web.http.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    error = error_of(response)
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
async def test_a_path_at_which_nothing_is(web: Web, path: str, nearest: str) -> None:
    """404, with the nearest that there are."""
    response = await web.http.get(path)
    error = error_of(response)
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
async def test_a_body_that_is_not_said_to_be_json(web: Web, headers: dict[str, str]) -> None:
    """415, whatever it is."""
    body = gzip.compress(b"{}") if "content-encoding" in headers else json.dumps(order()).encode()
    response = await web.http.post(_ORDERS, content=body, headers=headers)
    assert (response.status_code, error_of(response)["reason"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


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
async def test_a_body_that_is_no_json(web: Web, body: bytes, line: int, column: int) -> None:
    """Where it ceases to be any is said."""
    response = await web.http.post(_ORDERS, content=body, headers=_JSON)
    error = error_of(response)
    assert (response.status_code, error["reason"]) == (400, "MALFORMED_MESSAGE")
    assert f"line {line}, column {column}" in error["message"]


@pytest.mark.parametrize(
    ("change", "field", "said"),
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
async def test_a_field_that_is_wrong(web: Web, change: dict[str, Any], field: str, said: str) -> None:
    """It is named by its path in the JSON, with what is allowed."""
    response = await web.http.post(_ORDERS, json=order(**change))
    error = error_of(response)
    assert (response.status_code, error["reason"]) == (400, "INVALID_REQUEST")
    assert said in error["faults"][field]


@pytest.mark.parametrize(
    "price", ["NaN", "Infinity", "-Infinity", "1e400", "1e999999999", "-1", "1e-10", '"x"']
)
async def test_a_price_that_is_none(web: Web, price: str) -> None:
    """Named where it stands, in any size."""
    body = json.dumps(order(items=[{"sku": "A", "quantity": 1, "unitPrice": "PRICE"}]))
    response = await web.http.post(_ORDERS, content=body.replace('"PRICE"', price), headers=_JSON)
    assert response.status_code == 400
    (field,) = error_of(response)["faults"]
    assert field.startswith("items[0].unitPrice")


async def test_a_key_that_is_there_twice(web: Web) -> None:
    """Nobody has to guess which of the two counts."""
    body = json.dumps(order()).replace('"customerId"', '"customerId": "a", "customerId"', 1)
    response = await web.http.post(_ORDERS, content=body, headers=_JSON)
    assert error_of(response)["faults"] == {"customerId": "is there twice"}


@pytest.mark.parametrize("segment", ["a%2Fb", "100%25", "%00", "%zz", "a%0Ab", "%F0%9F%8E%81", "x" * 200])
async def test_an_id_in_a_path_that_can_be_none(web: Web, segment: str) -> None:
    """It reaches the rule of its field, as it was meant."""
    response = await web.http.get(f"{_ORDERS}/{segment}")
    error = error_of(response)
    assert (response.status_code, error["reason"]) == (400, "INVALID_REQUEST")
    assert list(error["faults"]) == ["orderId"]


async def test_a_path_that_is_not_utf_8(web: Web) -> None:
    """It is said."""
    assert error_of(await web.http.get(f"{_ORDERS}/%ff"))["faults"] == {
        "orderId": "is not UTF-8 with percent signs in the path"
    }


@pytest.mark.parametrize("wait", ["soon", "-1", "1y", ""])
async def test_a_timeout_that_is_none(web: Web, wait: str) -> None:
    """The header is named."""
    response = await web.http.get(_ORDERS, headers={"x-wms-timeout": wait})
    assert list(error_of(response)["faults"]) == ["x-wms-timeout"]


async def test_a_body_where_none_is_taken(web: Web) -> None:
    """It is not left unread in silence."""
    response = await web.http.request("GET", _ORDERS, json={"status": "received"})
    assert response.status_code == 400
    assert error_of(response)["faults"] == {"body": "is not taken by this call"}


# Size


@pytest.mark.parametrize(("path", "code"), [("/nowhere", 404), ("/api/v1/dead-letter-queue/stats", 405)])
async def test_a_client_that_sends_what_nobody_takes_gets_its_answer(web: Web, path: str, code: int) -> None:
    """The connection is not reset under its body."""
    answer = await web.raw(head(MAX_REQUEST_BYTES, path=path) + b" " * MAX_REQUEST_BYTES)
    assert answer.startswith(b"HTTP/1.1 %d " % code)


async def test_a_body_that_is_announced_as_too_large_is_not_read(web: Web) -> None:
    """413, before any of it has come; then the connection ends."""
    answer = await web.raw(head(MAX_REQUEST_BYTES + 1))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert read_error(answer.partition(b"\r\n\r\n")[2])["reason"] == "MESSAGE_TOO_LARGE"


async def test_a_body_that_grows_too_large_is_not_read_to_its_end(web: Web) -> None:
    """Also when it does not say how long it will be."""
    start = head(0).replace(b"content-length: 0", b"transfer-encoding: chunked")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = await web.raw(start + chunk * (MAX_REQUEST_BYTES // 0x10000 + 1), until=b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_as_large_as_can_be_is_read(web: Web) -> None:
    """The limit itself is within."""
    body = json.dumps(order(customerId="")).encode()
    response = await web.http.post(
        _ORDERS, content=body + b" " * (MAX_REQUEST_BYTES - len(body)), headers=_JSON
    )
    assert list(error_of(response)["faults"]) == ["customerId"]


async def test_headers_without_end(web: Web) -> None:
    """They are not kept without limit."""
    answer = await web.raw(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 100_000, until=b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")


# Time


async def test_a_body_that_comes_too_slowly(web: Web) -> None:
    """408, once it had its time; then the connection ends."""
    answer = await web.raw(head(1000) + b'{"customerId":')
    assert answer.startswith(b"HTTP/1.1 408 ")
    error = read_error(answer.partition(b"\r\n\r\n")[2])
    assert (error["reason"], error["metadata"]) == ("REQUEST_TOO_SLOW", {"seconds": "1"})


async def test_headers_that_come_too_slowly(web: Web) -> None:
    """The same; and a connection on which nothing comes is closed."""
    answer = await web.raw(b"POST /api/v1/orders HTTP/1.1\r\nhost: localhost")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert read_error(answer.partition(b"\r\n\r\n")[2])["reason"] == "REQUEST_TOO_SLOW"
    assert await web.raw(b"") == b""


async def _is_held(port: int, client: socket.socket) -> bool:
    """Say whether a process holds the server's end of a connection: the kernel keeps it longer."""
    ends = f":{port:04X}", f":{client.getsockname()[1]:04X}"
    table = await asyncio.to_thread(Path("/proc/net/tcp").read_text)
    lines = [line.split() for line in table.splitlines()]
    return any(line[1].endswith(ends[0]) and line[2].endswith(ends[1]) and line[9] != "0" for line in lines)


async def test_a_client_that_does_not_read_its_answer(web: Web) -> None:
    """It is cut off; one that reads slowly gets all of it."""
    request = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", web.port))
        # More than the kernel keeps on its behalf.
        lazy.sendall(request * 20)
        await eventually(lambda: _is_held(web.port, lazy))

        async def cut_off() -> bool:
            return not await _is_held(web.port, lazy)

        await eventually(cut_off)
    whole = await web.raw(request.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    head, _, body = whole.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head


async def test_what_is_no_http(web: Web) -> None:
    """One error in JSON all the same."""
    answer = await web.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert read_error(answer.partition(b"\r\n\r\n")[2])["reason"] == "MALFORMED_MESSAGE"


async def test_a_client_that_leaves_in_the_middle_of_its_request(web: Web) -> None:
    """It has asked for nothing."""
    body = json.dumps(order()).encode()
    for sent in (b"", body[:10], body[:-1]):
        _, writer = await asyncio.open_connection("127.0.0.1", web.port)
        writer.write(head(len(body)) + sent)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def quiet() -> bool:
        return "wms_server_calls 0.0" in (await web.http.get("/metrics")).text

    await eventually(quiet)


@pytest.mark.parametrize(("kind", "code"), [("application/json", 400), ("text/plain", 415)])
async def test_one_connection_goes_on_after_an_error(web: Web, kind: str, code: int) -> None:
    """What is wrong with a request is no fault of the next one."""
    bad = b'{"customerId": 5}'
    good = f"GET {_ORDERS} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode()
    start = head(len(bad)).replace(b"application/json", kind.encode())
    answer = await web.raw(start + bad + good)
    assert answer.count(b"HTTP/1.1 %d " % code) == 1
    assert answer.count(b"HTTP/1.1 200 ") == 1


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
async def test_text_that_is_no_unicode(web: Web, path: str, body: str) -> None:
    """JSON can write half of a surrogate pair; the error is one like any other."""
    response = await web.http.post(path, content=body, headers=_JSON)
    assert (response.status_code, error_of(response)["reason"]) == (400, "INVALID_REQUEST")


async def test_an_order_of_a_batch_that_is_no_unicode(web: Web) -> None:
    """It alone is refused."""
    body = r'{"requests":[{"\ud800":1},{"items":[{"sku":"\ud800","\udc00":1}]}]}'
    response = await web.http.post(f"{_ORDERS}:batchCreate", content=body, headers=_JSON)
    results = response.json()["results"]
    assert [read_error(json.dumps(result["status"]).encode())["reason"] for result in results] == [
        "INVALID_REQUEST"
    ] * 2
