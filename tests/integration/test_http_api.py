"""What HTTP adds to the calls: headers, conditions, repetitions, deadlines, pages, and the same limits."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.http import Web, error_of, open_web
from tests.support.invariants import Sql
from tests.support.locks import order_locked, until_waiting
from tests.support.requests import create_order
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2
from wms_server.http.json_writing import to_json

pytestmark = pytest.mark.one_postgres
_ORDERS = "/api/v1/orders"


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[Web]:
    """Give a server that speaks HTTP."""
    async with open_web(database_url, default_currency="EUR") as opened:
        yield opened


def order(**changes: Any) -> dict[str, Any]:
    """Give an order as JSON."""
    return {**to_json(create_order()), **changes}


async def made(web: Web, **changes: Any) -> dict[str, Any]:
    """Make an order."""
    response = await web.http.post(_ORDERS, json=order(**changes))
    assert response.status_code == 201
    found: dict[str, Any] = response.json()
    return found


async def test_what_is_made_over_http_is_there_over_grpc(web: Web) -> None:
    """Both are the same service; a plain price is in the currency of the settings."""
    found = await made(web, items=[{"sku": "A", "quantity": 1, "unitPrice": 0.1}])
    answer = await web.api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=found["orderId"]))
    price = answer.order.items[0].unit_price
    assert (price.currency_code, price.units, price.nanos) == ("EUR", 0, 100_000_000)
    assert to_json(answer.order)["etag"] == found["etag"]


async def test_the_headers_of_a_caller_reach_its_events_and_come_back(web: Web) -> None:
    """Who it was, and what it belongs to."""
    headers = {
        "X-WMS-Correlation-ID": "corr-1",
        "X-WMS-Wave-Number": "WAVE-2024-00123",
        "X-WMS-Workflow-ID": "order-fulfillment-ORD-12345",
        "X-WMS-Actor": "till-7",
    }
    response = await web.http.post(_ORDERS, json=order(), headers=headers)
    for name in ("X-WMS-Correlation-ID", "X-WMS-Wave-Number", "X-WMS-Workflow-ID"):
        assert response.headers[name] == headers[name]
    history = await web.http.get(f"{_ORDERS}/{response.json()['orderId']}/history")
    (event,) = history.json()["events"]
    assert (event["correlationId"], event["actor"]) == ("corr-1", "till-7")
    assert event["workflowId"] == "order-fulfillment-ORD-12345"
    assert event["payload"]["customerId"] == "CUST-001"


async def test_every_answer_has_a_correlation_id(web: Web) -> None:
    """Also an error, and one about a path that is not there."""
    for path in (_ORDERS, f"{_ORDERS}/nobody", "/nothing"):
        assert (await web.http.get(path)).headers["x-wms-correlation-id"]


async def test_an_idempotency_key_makes_a_repetition_safe(web: Web) -> None:
    """The first answer comes again, created as it was; other content is refused."""
    headers = {"Idempotency-Key": "key-1"}
    first = await web.http.post(_ORDERS, json=order(), headers=headers)
    again = await web.http.post(_ORDERS, json=order(), headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    other = await web.http.post(_ORDERS, json=order(customerId="B"), headers=headers)
    assert (other.status_code, error_of(other)["reason"]) == (409, "REQUEST_ID_REUSED")


async def test_a_change_is_made_on_condition_of_the_etag(web: Web) -> None:
    """412 when somebody else was faster; 409 when the condition is in the body."""
    found = await made(web)
    path = f"{_ORDERS}/{found['orderId']}"
    read = await web.http.get(path)
    assert read.headers["etag"] == found["etag"]
    changed = await web.http.put(f"{path}/validate", headers={"If-Match": read.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != read.headers["etag"]
    late = await web.http.put(f"{path}/cancel", headers={"If-Match": read.headers["etag"]})
    assert (late.status_code, error_of(late)["reason"]) == (412, "ETAG_MISMATCH")
    told = await web.http.put(f"{path}/cancel", json={"etag": read.headers["etag"]})
    assert (told.status_code, error_of(told)["reason"]) == (409, "ETAG_MISMATCH")


@pytest.mark.parametrize(("method", "path"), [("PUT", "/validate"), ("GET", "")])
async def test_a_body_that_is_announced_and_empty_is_none(web: Web, method: str, path: str) -> None:
    """A proxy may send what it passes on in chunks: there is nothing that would have to be JSON."""
    target = f"{_ORDERS}/{(await made(web))['orderId']}{path}"
    request = f"{method} {target} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    answer = await web.raw(request.encode(), until=b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_any_of_several_etags_is_a_match(web: Web) -> None:
    """In one line or in several; weak ones never match, and a star always does (RFC 9110 13.1.1)."""
    path = f"{_ORDERS}/{(await made(web))['orderId']}"
    for condition in ('"0"', '"0", "2"', 'W/"1"', "1", '"0","x, y"', '""'):
        late = await web.http.put(f"{path}/validate", headers={"If-Match": condition})
        assert (late.status_code, error_of(late)["reason"]) == (412, "ETAG_MISMATCH")
    lines = [("If-Match", '"0"'), ("If-Match", '"1"'), ("If-Match", '"7"'), ("Idempotency-Key", "key-1")]
    for _ in range(2):
        validated = await web.http.put(f"{path}/validate", headers=lines)
        assert (validated.status_code, validated.headers["etag"]) == (200, '"2"')
    none = await web.http.put(f"{path}/cancel", headers={"If-Match": ""})
    assert (none.status_code, error_of(none)["faults"]) == (400, {"if-match": "has no etag"})
    changed = await web.http.patch(path, json={"priority": "next_day"}, headers={"If-Match": '"1", "2"'})
    assert changed.status_code == 200
    assert (await web.http.put(f"{path}/cancel", headers={"If-Match": "*"})).status_code == 200


async def test_what_the_caller_has_is_not_sent_again(web: Web) -> None:
    """304 without a body for any etag of If-None-Match, also a weak one (RFC 9110 13.1.2)."""
    found = await made(web)
    path = f"{_ORDERS}/{found['orderId']}"
    for condition in ('"1"', '"0", "1"', 'W/"1"', "*"):
        for method in ("GET", "HEAD"):
            same = await web.http.request(method, path, headers={"If-None-Match": condition})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"1"')
            assert "content-type" not in same.headers
            assert same.headers["x-wms-correlation-id"]
    for condition in ('"0"', "1", '"11"'):
        assert (await web.http.get(path, headers={"If-None-Match": condition})).json() == found
    lines = [("If-None-Match", '"0"'), ("If-None-Match", '"1"'), ("If-None-Match", '"7"')]
    assert (await web.http.get(path, headers=lines)).status_code == 304
    missing = await web.http.get(f"{_ORDERS}/nobody", headers={"If-None-Match": "*"})
    assert missing.status_code == 404


async def test_reading_on_condition_of_the_etag(web: Web) -> None:
    """If-Match holds for reading too, and is looked at first."""
    path = f"{_ORDERS}/{(await made(web))['orderId']}"
    for condition in ('"1"', '"0", "1"', "*"):
        assert (await web.http.get(path, headers={"If-Match": condition})).status_code == 200
    late = await web.http.get(path, headers={"If-Match": '"0"', "If-None-Match": '"1"'})
    assert (late.status_code, error_of(late)["metadata"]["etag"]) == (412, '"1"')


@pytest.mark.parametrize(
    ("method", "path", "header"),
    [
        ("PUT", f"{_ORDERS}/ORD-1/cancel", "If-None-Match"),
        ("POST", _ORDERS, "If-None-Match"),
        ("POST", "/api/v1/fulfillment/resume", "If-Match"),
    ],
)
async def test_a_condition_that_does_not_hold_for_a_change_is_refused(
    web: Web, method: str, path: str, header: str
) -> None:
    """The change is not made without it."""
    body = order() if path == _ORDERS else {}
    refused = await web.http.request(method, path, json=body, headers={header: '"1"'})
    assert refused.status_code == 400
    assert list(error_of(refused)["faults"]) == [header.lower()]


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "reason"),
    [
        ("GET", "/api/v1/orders/nobody", None, 404, "ORDER_NOT_FOUND"),
        ("PUT", "/api/v1/orders/ORD-1/complete", {}, 400, "ORDER_STATUS_CONFLICT"),
        ("POST", "/api/v1/orders", order(orderId="ORD-1"), 409, "ORDER_ALREADY_EXISTS"),
        ("GET", "/api/v1/orders:watch?position=99999", None, 400, "POSITION_NOT_KEPT"),
        ("POST", "/api/v1/fulfillment/runs", {}, 400, "NO_ACTIVE_WORKER"),
    ],
)
async def test_an_error_has_the_status_of_its_code(
    web: Web, method: str, path: str, body: Any, code: int, reason: str
) -> None:
    """As google.rpc maps them."""
    await made(web, orderId="ORD-1")
    response = await web.http.request(method, path, json=body)
    assert (response.status_code, error_of(response)["reason"]) == (code, reason)


async def test_a_caller_says_how_long_it_waits(web: Web, sql: Sql) -> None:
    """504 when the change was not done by then."""
    found = await made(web)
    async with order_locked(sql, found["orderId"]):
        path = f"{_ORDERS}/{found['orderId']}/validate"
        response = await web.http.put(path, headers={"X-WMS-Timeout": "200ms"})
    assert (response.status_code, error_of(response)["reason"]) == (504, "DEADLINE_EXCEEDED")


async def test_a_change_whose_caller_has_left_is_finished(web: Web, sql: Sql) -> None:
    """Once it is at work, as over gRPC."""
    found = await made(web)
    async with order_locked(sql, found["orderId"]):
        leaving = asyncio.create_task(web.http.put(f"{_ORDERS}/{found['orderId']}/validate"))
        await until_waiting(sql)
        leaving.cancel()

    async def validated() -> bool:
        read = await web.http.get(f"{_ORDERS}/{found['orderId']}")
        return bool(read.json()["status"] == "validated")

    await eventually(validated)


async def test_a_server_at_its_limit_says_so(database_url: str, sql: Sql) -> None:
    """429, and when to come again; HTTP and gRPC share the limit."""
    async with open_web(database_url, max_in_flight=1) as web:
        found = await made(web)
        async with order_locked(sql, found["orderId"]):
            request = orders_pb2.ValidateOrderRequest(order_id=found["orderId"])
            waiting = asyncio.ensure_future(web.api.orders.ValidateOrder(request))
            await until_waiting(sql)
            response = await web.http.get(_ORDERS)
        await waiting
    assert (response.status_code, error_of(response)["reason"]) == (429, "OVERLOADED")
    assert response.headers["retry-after"] == "1"


async def test_many_orders_at_once_share_transactions(web: Web, sql: Sql) -> None:
    """As those of gRPC do, and each gets its own answer."""
    answers = await asyncio.gather(*(made(web, customerId=f"C-{n}") for n in range(50)))
    assert [answer["customerId"] for answer in answers] == [f"C-{n}" for n in range(50)]
    assert await sql.fetchval("SELECT count(*) FROM orders") == 50


async def test_a_batch_tells_each_fault_by_its_path(web: Web) -> None:
    """Within the element, as JSON has it."""
    bad = order(items=[{"sku": "A", "quantity": 1, "unitPrice": {"currencyCode": "usd"}}])
    response = await web.http.post(f"{_ORDERS}:batchCreate", json={"requests": [order(), bad]})
    good, refused = response.json()["results"]
    assert good["order"]["status"] == "received"
    (violation,) = refused["status"]["details"][1]["fieldViolations"]
    assert violation["field"] == "items[0].unitPrice"


async def test_an_element_that_cannot_be_read_is_its_own_result(web: Web, sql: Sql) -> None:
    """As over gRPC a fault of one order is no fault of the batch; its paths begin within the element."""
    elements = [
        order(customerId="C-0"),
        {**order(), "priority": "urgent", "colour": "red", "customerId": ""},
        order(customerId="C-2"),
        "an order",
        {**order(), "items": [{"sku": "A", "quantity": "1e99999999999999999999"}]},
        order(customerId="C-5"),
    ]
    batch = {"requests": elements, "requestId": "once"}
    first, again = [await web.http.post(f"{_ORDERS}:batchCreate", json=batch) for _ in range(2)]
    assert first.status_code == 200
    assert first.content == again.content
    results = first.json()["results"]
    assert [result.get("order", {}).get("customerId") for result in results] == [
        *("C-0", None, "C-2", None, None, "C-5")
    ]
    assert await sql.fetchval("SELECT count(*) FROM orders") == 3
    found = {
        number: {fault["field"] for fault in results[number]["status"]["details"][1]["fieldViolations"]}
        for number in (1, 3, 4)
    }
    assert found == {
        1: {"priority", "colour", "customerId"},
        3: {"requests[3]"},
        4: {"items[0].quantity"},
    }
    elements[1] = order()
    corrected = await web.http.post(f"{_ORDERS}:batchCreate", json=batch)
    assert error_of(corrected)["reason"] == "REQUEST_ID_REUSED"
    whole = await web.http.post(f"{_ORDERS}:batchCreate", json={**batch, "requestId": 5})
    assert error_of(whole)["faults"].keys() == {"requestId"}


async def test_pages_lead_to_each_other(web: Web) -> None:
    """By token, with the same filters."""
    ids = [(await made(web))["orderId"] for _ in range(3)]
    found, token = [], ""
    while True:
        query: dict[str, str | int] = {"pageSize": 2, "customerId": "CUST-001", "pageToken": token}
        page = (await web.http.get(_ORDERS, params=query)).json()
        found += [one["orderId"] for one in page["orders"]]
        if not (token := page["nextPageToken"]):
            break
    assert found == ids[::-1]


async def test_a_call_by_either_of_its_paths(web: Web) -> None:
    """By query or by body."""
    found = (await made(web))["orderId"]
    by_query = await web.http.get(f"{_ORDERS}:batchGet", params={"orderIds": found})
    by_body = await web.http.post(f"{_ORDERS}:batchGet", json={"orderIds": [found]})
    assert by_query.json() == by_body.json()
    assert by_query.json()["orders"][0]["orderId"] == found


async def test_only_the_headers_answer_head(web: Web) -> None:
    """Those that GET has."""
    found = await made(web)
    response = await web.http.head(f"{_ORDERS}/{found['orderId']}")
    assert (response.status_code, response.headers["etag"], response.content) == (200, found["etag"], b"")


async def test_the_document_and_its_page_are_served(web: Web) -> None:
    """Everything that the page needs comes from here, compressed where the client takes it."""
    document = (await web.http.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    page = await web.http.get("/docs")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "start.js"):
        assert f"/docs/{asset}" in page.text
        packed = await web.http.get(f"/docs/{asset}")
        plain = await web.http.get(f"/docs/{asset}", headers={"accept-encoding": "identity"})
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert packed.content == plain.content


async def test_an_upgrade_does_not_lose_the_conditions_of_a_change(web: Web) -> None:
    """As Java's HttpClient asks for one by default: the stale etag in the body still holds the change off."""
    order_id = (await made(web))["orderId"]
    upgrade = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABkAAQA"}
    path = f"{_ORDERS}/{order_id}"
    refused = await web.http.put(f"{path}/cancel", json={"etag": '"0"', "reason": "none"}, headers=upgrade)
    assert (refused.status_code, error_of(refused)["reason"]) == (409, "ETAG_MISMATCH")
    done = await web.http.put(f"{path}/cancel", json={"reason": "Customer request"}, headers=upgrade)
    assert done.json()["cancelReason"] == "Customer request"


async def test_an_order_whose_id_is_a_word_of_a_path_has_a_path_too(web: Web) -> None:
    """The statistics stay where they are."""
    order_id = (await made(web, orderId="stats"))["orderId"]
    failure = {"failureStatus": "picking", "failureReason": "gone"}
    queue = "/api/v1/dead-letter-queue"
    moved = await web.http.post(f"/api/v1/reprocessing/orders/{order_id}/dlq", json=failure)
    assert moved.status_code == 200
    assert (await web.http.get(f"{queue}/stats")).json()["totalEntries"] == 1
    entry = (await web.http.get(f"{queue}/orders/stats")).json()
    assert entry["orderId"] == "stats"
    assert (await web.http.get(f"{queue}/entries/{entry['entryId']}")).json() == entry
