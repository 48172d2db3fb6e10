"""Features of HTTP beyond the calls: headers, conditions, idempotency keys, deadlines, pages and limits."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.builders.requests import create_order
from tests.support.clients.http import HttpTestServer, open_http_server, parse_error_response
from tests.support.faults.row_locks import hold_order_lock, wait_for_lock_waiters
from tests.support.invariants.database import SqlConnection
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2
from wms_server.http.json_encoding import message_to_json

pytestmark = pytest.mark.one_postgres
_ORDERS = "/api/v1/orders"


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[HttpTestServer]:
    """Yield a server with HTTP."""
    async with open_http_server(database_url, default_currency="EUR") as opened:
        yield opened


def order_json(**changes: Any) -> dict[str, Any]:
    """Return an order as JSON."""
    return {**message_to_json(create_order()), **changes}


async def create_order_json(web: HttpTestServer, **changes: Any) -> dict[str, Any]:
    """Create an order and return it as JSON."""
    response = await web.http_client.post(_ORDERS, json=order_json(**changes))
    assert response.status_code == 201
    created: dict[str, Any] = response.json()
    return created


async def test_an_order_created_over_http_is_readable_over_grpc(web: HttpTestServer) -> None:
    """Both serve the same data. A price without currency has that of the settings."""
    created = await create_order_json(web, items=[{"sku": "A", "quantity": 1, "unitPrice": 0.1}])
    response = await web.api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=created["orderId"]))
    price = response.order.items[0].unit_price
    assert (price.currency_code, price.units, price.nanos) == ("EUR", 0, 100_000_000)
    assert message_to_json(response.order)["etag"] == created["etag"]


async def test_the_headers_of_a_caller_are_in_events_and_response(web: HttpTestServer) -> None:
    """Actor, correlation id and workflow id."""
    headers = {
        "X-WMS-Correlation-ID": "corr-1",
        "X-WMS-Wave-Number": "WAVE-2024-00123",
        "X-WMS-Workflow-ID": "order-fulfillment-ORD-12345",
        "X-WMS-Actor": "till-7",
    }
    response = await web.http_client.post(_ORDERS, json=order_json(), headers=headers)
    for name in ("X-WMS-Correlation-ID", "X-WMS-Wave-Number", "X-WMS-Workflow-ID"):
        assert response.headers[name] == headers[name]
    history = await web.http_client.get(f"{_ORDERS}/{response.json()['orderId']}/history")
    (event,) = history.json()["events"]
    assert (event["correlationId"], event["actor"]) == ("corr-1", "till-7")
    assert event["workflowId"] == "order-fulfillment-ORD-12345"
    assert event["payload"]["customerId"] == "CUST-001"


async def test_every_response_has_a_correlation_id(web: HttpTestServer) -> None:
    """Also an error, and a response for an unknown path."""
    for path in (_ORDERS, f"{_ORDERS}/unknown", "/nothing"):
        assert (await web.http_client.get(path)).headers["x-wms-correlation-id"]


async def test_an_idempotency_key_makes_a_repetition_safe(web: HttpTestServer) -> None:
    """The stored response is returned, with the order as created. Other content is rejected."""
    headers = {"Idempotency-Key": "key-1"}
    first = await web.http_client.post(_ORDERS, json=order_json(), headers=headers)
    repeated = await web.http_client.post(_ORDERS, json=order_json(), headers=headers)
    assert (repeated.status_code, repeated.json()) == (201, first.json())
    other = await web.http_client.post(_ORDERS, json=order_json(customerId="B"), headers=headers)
    assert (other.status_code, parse_error_response(other)["reason"]) == (409, "REQUEST_ID_REUSED")


async def test_a_change_requires_the_current_etag(web: HttpTestServer) -> None:
    """412 for a stale etag in the header, 409 for a stale etag in the body."""
    created = await create_order_json(web)
    path = f"{_ORDERS}/{created['orderId']}"
    read = await web.http_client.get(path)
    assert read.headers["etag"] == created["etag"]
    changed = await web.http_client.put(f"{path}/validate", headers={"If-Match": read.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != read.headers["etag"]
    stale_header = await web.http_client.put(f"{path}/cancel", headers={"If-Match": read.headers["etag"]})
    assert (stale_header.status_code, parse_error_response(stale_header)["reason"]) == (412, "ETAG_MISMATCH")
    stale_body = await web.http_client.put(f"{path}/cancel", json={"etag": read.headers["etag"]})
    assert (stale_body.status_code, parse_error_response(stale_body)["reason"]) == (409, "ETAG_MISMATCH")


@pytest.mark.parametrize(("method", "path"), [("PUT", "/validate"), ("GET", "")])
async def test_an_empty_chunked_body_is_accepted(web: HttpTestServer, method: str, path: str) -> None:
    """A proxy may forward requests without a body in chunks. An empty body requires no content type."""
    target = f"{_ORDERS}/{(await create_order_json(web))['orderId']}{path}"
    request = f"{method} {target} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    response = await web.send_raw(request.encode(), until=b"\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 200 ")


async def test_one_of_several_etags_matches(web: HttpTestServer) -> None:
    """In one or several header lines. Weak etags never match, and `*` always does (RFC 9110 13.1.1)."""
    path = f"{_ORDERS}/{(await create_order_json(web))['orderId']}"
    for condition in ('"0"', '"0", "2"', 'W/"1"', "1", '"0","x, y"', '""'):
        response = await web.http_client.put(f"{path}/validate", headers={"If-Match": condition})
        assert (response.status_code, parse_error_response(response)["reason"]) == (412, "ETAG_MISMATCH")
    lines = [("If-Match", '"0"'), ("If-Match", '"1"'), ("If-Match", '"7"'), ("Idempotency-Key", "key-1")]
    for _ in range(2):
        validated = await web.http_client.put(f"{path}/validate", headers=lines)
        assert (validated.status_code, validated.headers["etag"]) == (200, '"2"')
    empty = await web.http_client.put(f"{path}/cancel", headers={"If-Match": ""})
    assert (empty.status_code, parse_error_response(empty)["faults"]) == (400, {"if-match": "has no etag"})
    changed = await web.http_client.patch(
        path, json={"priority": "next_day"}, headers={"If-Match": '"1", "2"'}
    )
    assert changed.status_code == 200
    assert (await web.http_client.put(f"{path}/cancel", headers={"If-Match": "*"})).status_code == 200


async def test_an_unchanged_order_is_not_sent_again(web: HttpTestServer) -> None:
    """304 without a body for any etag of If-None-Match, also a weak one (RFC 9110 13.1.2)."""
    created = await create_order_json(web)
    path = f"{_ORDERS}/{created['orderId']}"
    for condition in ('"1"', '"0", "1"', 'W/"1"', "*"):
        for method in ("GET", "HEAD"):
            not_modified = await web.http_client.request(method, path, headers={"If-None-Match": condition})
            assert (not_modified.status_code, not_modified.content, not_modified.headers["etag"]) == (
                304,
                b"",
                '"1"',
            )
            assert "content-type" not in not_modified.headers
            assert not_modified.headers["x-wms-correlation-id"]
    for condition in ('"0"', "1", '"11"'):
        assert (await web.http_client.get(path, headers={"If-None-Match": condition})).json() == created
    lines = [("If-None-Match", '"0"'), ("If-None-Match", '"1"'), ("If-None-Match", '"7"')]
    assert (await web.http_client.get(path, headers=lines)).status_code == 304
    missing = await web.http_client.get(f"{_ORDERS}/unknown", headers={"If-None-Match": "*"})
    assert missing.status_code == 404


async def test_if_match_applies_to_reads(web: HttpTestServer) -> None:
    """If-Match applies to reads, too, and precedes If-None-Match."""
    path = f"{_ORDERS}/{(await create_order_json(web))['orderId']}"
    for condition in ('"1"', '"0", "1"', "*"):
        assert (await web.http_client.get(path, headers={"If-Match": condition})).status_code == 200
    failed = await web.http_client.get(path, headers={"If-Match": '"0"', "If-None-Match": '"1"'})
    assert (failed.status_code, parse_error_response(failed)["metadata"]["etag"]) == (412, '"1"')


@pytest.mark.parametrize(
    ("method", "path", "header"),
    [
        ("PUT", f"{_ORDERS}/ORD-1/cancel", "If-None-Match"),
        ("POST", _ORDERS, "If-None-Match"),
        ("POST", "/api/v1/fulfillment/resume", "If-Match"),
    ],
)
async def test_an_unsupported_condition_of_a_change_is_rejected(
    web: HttpTestServer, method: str, path: str, header: str
) -> None:
    """The change is not made without the condition."""
    body = order_json() if path == _ORDERS else {}
    rejection = await web.http_client.request(method, path, json=body, headers={header: '"1"'})
    assert rejection.status_code == 400
    assert list(parse_error_response(rejection)["faults"]) == [header.lower()]


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "reason"),
    [
        ("GET", "/api/v1/orders/unknown", None, 404, "ORDER_NOT_FOUND"),
        ("PUT", "/api/v1/orders/ORD-1/complete", {}, 400, "ORDER_STATUS_CONFLICT"),
        ("POST", "/api/v1/orders", order_json(orderId="ORD-1"), 409, "ORDER_ALREADY_EXISTS"),
        ("GET", "/api/v1/orders:watch?position=99999", None, 400, "POSITION_NOT_KEPT"),
        ("POST", "/api/v1/fulfillment/runs", {}, 400, "NO_ACTIVE_WORKER"),
    ],
)
async def test_an_error_has_the_status_of_its_code(
    web: HttpTestServer, method: str, path: str, body: Any, code: int, reason: str
) -> None:
    """As google.rpc.Code maps them."""
    await create_order_json(web, orderId="ORD-1")
    response = await web.http_client.request(method, path, json=body)
    assert (response.status_code, parse_error_response(response)["reason"]) == (code, reason)


async def test_a_caller_sets_the_timeout(web: HttpTestServer, sql: SqlConnection) -> None:
    """504 when the change is not done by then."""
    created = await create_order_json(web)
    async with hold_order_lock(sql, created["orderId"]):
        path = f"{_ORDERS}/{created['orderId']}/validate"
        response = await web.http_client.put(path, headers={"X-WMS-Timeout": "200ms"})
    assert (response.status_code, parse_error_response(response)["reason"]) == (504, "DEADLINE_EXCEEDED")


async def test_a_change_is_finished_after_its_caller_disconnected(
    web: HttpTestServer, sql: SqlConnection
) -> None:
    """Once it has started, as over gRPC."""
    created = await create_order_json(web)
    async with hold_order_lock(sql, created["orderId"]):
        leaving = asyncio.create_task(web.http_client.put(f"{_ORDERS}/{created['orderId']}/validate"))
        await wait_for_lock_waiters(sql)
        leaving.cancel()

    async def is_validated() -> bool:
        read = await web.http_client.get(f"{_ORDERS}/{created['orderId']}")
        return bool(read.json()["status"] == "validated")

    await eventually(is_validated)


async def test_a_server_at_its_limit_returns_429(database_url: str, sql: SqlConnection) -> None:
    """With Retry-After. HTTP and gRPC share the limit."""
    async with open_http_server(database_url, max_in_flight=1) as web:
        created = await create_order_json(web)
        async with hold_order_lock(sql, created["orderId"]):
            request = orders_pb2.ValidateOrderRequest(order_id=created["orderId"])
            waiting = asyncio.ensure_future(web.api.orders.ValidateOrder(request))
            await wait_for_lock_waiters(sql)
            response = await web.http_client.get(_ORDERS)
        await waiting
    assert (response.status_code, parse_error_response(response)["reason"]) == (429, "OVERLOADED")
    assert response.headers["retry-after"] == "1"


async def test_concurrent_orders_share_transactions(web: HttpTestServer, sql: SqlConnection) -> None:
    """As over gRPC. Each gets its own response."""
    responses = await asyncio.gather(*(create_order_json(web, customerId=f"C-{n}") for n in range(50)))
    assert [response["customerId"] for response in responses] == [f"C-{n}" for n in range(50)]
    assert await sql.fetchval("SELECT count(*) FROM orders") == 50


async def test_a_batch_reports_each_field_error_by_its_path(web: HttpTestServer) -> None:
    """The path is within the element, with JSON names."""
    invalid = order_json(items=[{"sku": "A", "quantity": 1, "unitPrice": {"currencyCode": "usd"}}])
    response = await web.http_client.post(
        f"{_ORDERS}:batchCreate", json={"requests": [order_json(), invalid]}
    )
    valid_result, rejected = response.json()["results"]
    assert valid_result["order"]["status"] == "received"
    (violation,) = rejected["status"]["details"][1]["fieldViolations"]
    assert violation["field"] == "items[0].unitPrice"


async def test_an_unreadable_element_has_its_own_result(web: HttpTestServer, sql: SqlConnection) -> None:
    """As over gRPC, an invalid order does not affect the batch. Its paths start within the element."""
    elements = [
        order_json(customerId="C-0"),
        {**order_json(), "priority": "urgent", "colour": "red", "customerId": ""},
        order_json(customerId="C-2"),
        "an order",
        {**order_json(), "items": [{"sku": "A", "quantity": "1e99999999999999999999"}]},
        order_json(customerId="C-5"),
    ]
    batch = {"requests": elements, "requestId": "once"}
    first, repeated = [await web.http_client.post(f"{_ORDERS}:batchCreate", json=batch) for _ in range(2)]
    assert first.status_code == 200
    assert first.content == repeated.content
    results = first.json()["results"]
    assert [result.get("order", {}).get("customerId") for result in results] == [
        *("C-0", None, "C-2", None, None, "C-5")
    ]
    assert await sql.fetchval("SELECT count(*) FROM orders") == 3
    violations_by_index = {
        number: {fault["field"] for fault in results[number]["status"]["details"][1]["fieldViolations"]}
        for number in (1, 3, 4)
    }
    assert violations_by_index == {
        1: {"priority", "colour", "customerId"},
        3: {"requests[3]"},
        4: {"items[0].quantity"},
    }
    elements[1] = order_json()
    corrected = await web.http_client.post(f"{_ORDERS}:batchCreate", json=batch)
    assert parse_error_response(corrected)["reason"] == "REQUEST_ID_REUSED"
    response = await web.http_client.post(f"{_ORDERS}:batchCreate", json={**batch, "requestId": 5})
    assert parse_error_response(response)["faults"].keys() == {"requestId"}


async def test_pages_follow_each_other(web: HttpTestServer) -> None:
    """By token, with the same filters."""
    ids = [(await create_order_json(web))["orderId"] for _ in range(3)]
    order_ids, token = [], ""
    while True:
        query: dict[str, str | int] = {"pageSize": 2, "customerId": "CUST-001", "pageToken": token}
        page = (await web.http_client.get(_ORDERS, params=query)).json()
        order_ids += [order["orderId"] for order in page["orders"]]
        if not (token := page["nextPageToken"]):
            break
    assert order_ids == ids[::-1]


async def test_a_call_by_each_of_its_paths(web: HttpTestServer) -> None:
    """With the parameters in the query or in the body."""
    order_id = (await create_order_json(web))["orderId"]
    by_query = await web.http_client.get(f"{_ORDERS}:batchGet", params={"orderIds": order_id})
    by_body = await web.http_client.post(f"{_ORDERS}:batchGet", json={"orderIds": [order_id]})
    assert by_query.json() == by_body.json()
    assert by_query.json()["orders"][0]["orderId"] == order_id


async def test_head_returns_only_the_headers(web: HttpTestServer) -> None:
    """Those that GET has."""
    created = await create_order_json(web)
    response = await web.http_client.head(f"{_ORDERS}/{created['orderId']}")
    assert (response.status_code, response.headers["etag"], response.content) == (200, created["etag"], b"")


async def test_the_openapi_document_and_its_page_are_served(web: HttpTestServer) -> None:
    """The server has all files of the page, and compresses them if the client accepts that."""
    document = (await web.http_client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    page = await web.http_client.get("/docs")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "start.js"):
        assert f"/docs/{asset}" in page.text
        packed = await web.http_client.get(f"/docs/{asset}")
        plain = await web.http_client.get(f"/docs/{asset}", headers={"accept-encoding": "identity"})
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert packed.content == plain.content


async def test_an_upgrade_keeps_the_conditions_of_a_change(web: HttpTestServer) -> None:
    """Java's HttpClient requests an upgrade by default. A stale etag in the body still rejects the change."""
    order_id = (await create_order_json(web))["orderId"]
    upgrade = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABkAAQA"}
    path = f"{_ORDERS}/{order_id}"
    rejection = await web.http_client.put(
        f"{path}/cancel", json={"etag": '"0"', "reason": "none"}, headers=upgrade
    )
    assert (rejection.status_code, parse_error_response(rejection)["reason"]) == (409, "ETAG_MISMATCH")
    done = await web.http_client.put(f"{path}/cancel", json={"reason": "Customer request"}, headers=upgrade)
    assert done.json()["cancelReason"] == "Customer request"


async def test_an_order_id_may_equal_a_part_of_a_path(web: HttpTestServer) -> None:
    """The path of the statistics is not affected."""
    order_id = (await create_order_json(web, orderId="stats"))["orderId"]
    failure = {"failureStatus": "picking", "failureReason": "gone"}
    queue = "/api/v1/dead-letter-queue"
    moved = await web.http_client.post(f"/api/v1/reprocessing/orders/{order_id}/dlq", json=failure)
    assert moved.status_code == 200
    assert (await web.http_client.get(f"{queue}/stats")).json()["totalEntries"] == 1
    entry = (await web.http_client.get(f"{queue}/orders/stats")).json()
    assert entry["orderId"] == "stats"
    assert (await web.http_client.get(f"{queue}/entries/{entry['entryId']}")).json() == entry
