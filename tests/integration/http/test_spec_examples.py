"""Each request of the Order Service specification, as printed there, with a response of the printed shape."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.builders.orders import dead_letter_order, place_order, read_order, record_failure
from tests.support.clients.http import HttpTestServer, open_http_server
from tests.support.processes.processes import Processes, open_client
from wms_dev.free_port import find_free_port

pytestmark = pytest.mark.one_postgres
_SPECIFICATION = Path(__file__).parents[2] / "support" / "data" / "order_service.md"


@pytest.fixture
async def web(database_url: str) -> Any:
    """Yield a server with HTTP."""
    async with open_http_server(database_url) as opened:
        yield opened


def printed_request(title: str) -> tuple[str, str, dict[str, str], bytes]:
    """Return the request under a heading: method, path, headers, body."""
    section = _SPECIFICATION.read_text(encoding="utf-8").split(f"#### {title}\n")[1]
    match = re.search(r"```http\n(.*?)```", section, re.DOTALL)
    assert match, title
    head, _, body = match[1].partition("\n\n")
    first, *lines = head.strip().split("\n")
    method, path = first.split(" ")
    return method, path, dict(line.split(": ", 1) for line in lines), body.encode()


def printed_response(title: str) -> Any:
    """Return the response under a heading."""
    section = _SPECIFICATION.read_text(encoding="utf-8").split(f"#### {title}\n")[1].split("\n#### ")[0]
    return json.loads(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[0])


async def replay(web: HttpTestServer, title: str, order_id: str = "") -> httpx.Response:
    """Send the request under a heading, for an order."""
    method, path, headers, body = printed_request(title)
    return await web.http_client.request(
        method, path.replace("{orderId}", order_id), headers=headers, content=body
    )


def assert_shape(response: Any, shape: Any) -> None:
    """Check that a response has every printed key with a value of the same type."""
    if isinstance(shape, dict):
        assert set(shape) <= set(response)
        for key, value in shape.items():
            assert_shape(response[key], value)
    elif isinstance(shape, list):
        assert response
        assert_shape(response[0], shape[0])
    else:
        assert type(response) is type(shape), (response, shape)


async def test_create_order(web: HttpTestServer) -> None:
    """201 with the order. It has the content of the request, with the exact price."""
    response = await replay(web, "Create Order")
    assert response.status_code == 201
    order = response.json()
    sent = json.loads(printed_request("Create Order")[3])
    assert order["orderId"].startswith("ORD-")
    assert (order["status"], order["priority"]) == ("received", "standard")
    assert order["promisedDeliveryAt"] == sent["promisedDeliveryAt"]
    assert order["shippingAddress"].items() >= sent["shippingAddress"].items()
    assert order["items"][0]["unitPrice"] == {"currencyCode": "USD", "units": "29", "nanos": 990_000_000}
    assert response.headers["x-wms-correlation-id"] == "550e8400-e29b-41d4-a716-446655440000"
    assert response.headers["etag"] == order["etag"]


async def test_get_order(web: HttpTestServer) -> None:
    """The same order as in the response of its creation."""
    created = (await replay(web, "Create Order")).json()
    response = await replay(web, "Get Order", created["orderId"])
    assert (response.status_code, response.json()) == (200, created)


async def test_list_orders(web: HttpTestServer) -> None:
    """The orders that match the filters."""
    order_json = json.loads(printed_request("Create Order")[3])
    expected = (
        await web.http_client.post("/api/v1/orders", json={**order_json, "priority": "same_day"})
    ).json()
    await replay(web, "Create Order")
    response = await replay(web, "List Orders")
    assert response.status_code == 200
    assert [order["orderId"] for order in response.json()["orders"]] == [expected["orderId"]]


async def test_validate_order(web: HttpTestServer) -> None:
    """A request without a body."""
    order_id = (await replay(web, "Create Order")).json()["orderId"]
    response = await replay(web, "Validate Order", order_id)
    assert (response.status_code, response.json()["status"]) == (200, "validated")


async def test_cancel_order(web: HttpTestServer) -> None:
    """With the reason."""
    order_id = (await replay(web, "Create Order")).json()["orderId"]
    response = await replay(web, "Cancel Order", order_id)
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["cancelReason"]) == ("cancelled", "Customer request")


async def test_get_orders_eligible_for_retry(web: HttpTestServer) -> None:
    """`data` and `total`, as printed."""
    order = await place_order(web.api)
    await record_failure(web.api, order.order_id)
    response = await replay(web, "Get Orders Eligible for Retry")
    assert response.status_code == 200
    assert_shape(response.json(), printed_response("Get Orders Eligible for Retry"))


async def test_get_retry_metadata(web: HttpTestServer) -> None:
    """As printed."""
    order = await place_order(web.api)
    await record_failure(web.api, order.order_id)
    response = await replay(web, "Get Retry Metadata", order.order_id)
    assert response.status_code == 200
    assert_shape(response.json(), printed_response("Get Retry Metadata"))


async def test_increment_retry_count(web: HttpTestServer) -> None:
    """A failure of the year before last is counted like any other one."""
    order = await place_order(web.api)
    response = await replay(web, "Increment Retry Count", order.order_id)
    assert response.status_code == 200
    retry = response.json()["retry"]
    assert (retry["retryCount"], retry["lastFailureReason"]) == (1, "Picking station offline")
    assert retry["lastFailedAt"] == "2024-01-15T10:30:00Z"


async def test_reset_order_for_retry(web: HttpTestServer) -> None:
    """A request without a body."""
    order = await place_order(web.api)
    await record_failure(web.api, order.order_id)
    response = await replay(web, "Reset Order for Retry", order.order_id)
    assert (response.status_code, response.json()["status"]) == (200, "received")


async def test_move_order_to_dead_letter_queue(web: HttpTestServer) -> None:
    """The response is the entry."""
    order = await place_order(web.api)
    response = await replay(web, "Move Order to Dead Letter Queue", order.order_id)
    assert response.status_code == 200
    entry = response.json()
    assert (entry["orderId"], entry["finalFailureStatus"]) == (order.order_id, "picking")
    assert entry["finalFailureReason"].startswith("Max retries exceeded")


async def test_list_dlq_entries(web: HttpTestServer) -> None:
    """The unresolved entries."""
    order = await place_order(web.api)
    await dead_letter_order(web.api, order.order_id)
    response = await replay(web, "List DLQ Entries")
    assert response.status_code == 200
    assert [entry["orderId"] for entry in response.json()["entries"]] == [order.order_id]


async def test_get_dlq_statistics(web: HttpTestServer) -> None:
    """Counts are numbers, by name."""
    first, second = await place_order(web.api), await place_order(web.api)
    for order in (first, second):
        assert (await replay(web, "Move Order to Dead Letter Queue", order.order_id)).status_code == 200
    await replay(web, "Resolve DLQ Entry", first.order_id)
    response = await replay(web, "Get DLQ Statistics")
    assert response.status_code == 200
    shape = printed_response("Get DLQ Statistics")
    shape["byFailureStatus"], shape["byResolution"] = {"picking": 1}, {"manual_retry": 1}
    assert_shape(response.json(), shape)


async def test_get_specific_dlq_entry(web: HttpTestServer) -> None:
    """The newest entry of the order."""
    order = await place_order(web.api)
    await dead_letter_order(web.api, order.order_id)
    response = await replay(web, "Get Specific DLQ Entry", order.order_id)
    assert (response.status_code, response.json()["orderId"]) == (200, order.order_id)


async def test_resolve_dlq_entry(web: HttpTestServer) -> None:
    """The entry with its resolution. The order is reset."""
    order = await place_order(web.api)
    await dead_letter_order(web.api, order.order_id)
    response = await replay(web, "Resolve DLQ Entry", order.order_id)
    assert response.status_code == 200
    assert (response.json()["resolution"], response.json()["resolvedBy"]) == (
        "manual_retry",
        "SUPERVISOR-001",
    )
    order_response = await web.http_client.get(f"/api/v1/orders/{order.order_id}")
    assert order_response.json()["status"] == "received"


@pytest.mark.parametrize("word", ["shipping", "packing"])
async def test_the_name_of_packing_in_the_specification_is_accepted(web: HttpTestServer, word: str) -> None:
    """Its statistics count failures in `shipping`."""
    order = await place_order(web.api)
    body = {"failureStatus": word, "failureReason": "x"}
    response = await web.http_client.post(f"/api/v1/reprocessing/orders/{order.order_id}/dlq", json=body)
    assert response.json()["finalFailureStatus"] == "packing"


async def test_http_has_the_port_of_the_specification(database_url: str, processes: Processes) -> None:
    """As docs/reference/specifications.md starts the server: both addresses are a port of all interfaces."""
    grpc, http = find_free_port(), find_free_port()
    server = processes.server(database_url, f":{grpc}", http_addr=f":{http}")
    server.address = f"127.0.0.1:{grpc}"
    await server.wait_until_serving()
    method, path, headers, body = printed_request("Create Order")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{http}") as client:
        created_order = await client.request(method, path, headers=headers, content=body)
        ready = await client.get("/ready")
    assert (created_order.status_code, ready.status_code) == (201, 200)
    async with open_client(server.address) as api:
        order = await read_order(api, created_order.json()["orderId"])
    assert order.items[0].sku == "SKU-001"


def test_every_request_of_the_specification_is_replayed() -> None:
    """Their number is compared."""
    titles = re.findall(r"#### ([^\n]+)\n\n```http", _SPECIFICATION.read_text(encoding="utf-8"))
    replayed = set(re.findall(r'replay\(web, "([^"]+)"', Path(__file__).read_text(encoding="utf-8")))
    assert set(titles) == replayed
    assert len(titles) == 14
