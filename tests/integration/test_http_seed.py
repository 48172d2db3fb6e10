"""Each request that the Order Service document prints, as it is printed there, and answers of that shape."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.http import Web, open_web
from tests.support.orders import created, dead_letter, fail
from tests.support.orders import read as read_order
from tests.support.processes import Processes, open_client
from wms_dev.ports import free_port

pytestmark = pytest.mark.one_postgres
_SEED = Path(__file__).parents[1] / "support" / "order_service.md"


@pytest.fixture
async def web(database_url: str) -> Any:
    """Give a server that speaks HTTP."""
    async with open_web(database_url) as opened:
        yield opened


def printed(title: str) -> tuple[str, str, dict[str, str], bytes]:
    """Give the request under a heading: method, path, headers, body."""
    section = _SEED.read_text(encoding="utf-8").split(f"#### {title}\n")[1]
    found = re.search(r"```http\n(.*?)```", section, re.DOTALL)
    assert found, title
    head, _, body = found[1].partition("\n\n")
    first, *lines = head.strip().split("\n")
    method, path = first.split(" ")
    return method, path, dict(line.split(": ", 1) for line in lines), body.encode()


def printed_answer(title: str) -> Any:
    """Give the answer under a heading."""
    section = _SEED.read_text(encoding="utf-8").split(f"#### {title}\n")[1].split("\n#### ")[0]
    return json.loads(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[0])


async def replay(web: Web, title: str, order_id: str = "") -> httpx.Response:
    """Send the request under a heading, for an order."""
    method, path, headers, body = printed(title)
    return await web.http.request(method, path.replace("{orderId}", order_id), headers=headers, content=body)


def assert_shape(answer: Any, shape: Any) -> None:
    """Hold an answer to what is printed: every key is there with a value of that type."""
    if isinstance(shape, dict):
        assert set(shape) <= set(answer)
        for key, value in shape.items():
            assert_shape(answer[key], value)
    elif isinstance(shape, list):
        assert answer
        assert_shape(answer[0], shape[0])
    else:
        assert type(answer) is type(shape), (answer, shape)


async def test_create_order(web: Web) -> None:
    """201 with the order itself; what was sent is in it, the price exactly."""
    response = await replay(web, "Create Order")
    assert response.status_code == 201
    order = response.json()
    sent = json.loads(printed("Create Order")[3])
    assert order["orderId"].startswith("ORD-")
    assert (order["status"], order["priority"]) == ("received", "standard")
    assert order["promisedDeliveryAt"] == sent["promisedDeliveryAt"]
    assert order["shippingAddress"].items() >= sent["shippingAddress"].items()
    assert order["items"][0]["unitPrice"] == {"currencyCode": "USD", "units": "29", "nanos": 990_000_000}
    assert response.headers["x-wms-correlation-id"] == "550e8400-e29b-41d4-a716-446655440000"
    assert response.headers["etag"] == order["etag"]


async def test_get_order(web: Web) -> None:
    """The order itself, as it was answered when it was made."""
    made = (await replay(web, "Create Order")).json()
    response = await replay(web, "Get Order", made["orderId"])
    assert (response.status_code, response.json()) == (200, made)


async def test_list_orders(web: Web) -> None:
    """Those that the filters let through."""
    made = json.loads(printed("Create Order")[3])
    wanted = (await web.http.post("/api/v1/orders", json={**made, "priority": "same_day"})).json()
    await replay(web, "Create Order")
    response = await replay(web, "List Orders")
    assert response.status_code == 200
    assert [order["orderId"] for order in response.json()["orders"]] == [wanted["orderId"]]


async def test_validate_order(web: Web) -> None:
    """A request without a body."""
    order_id = (await replay(web, "Create Order")).json()["orderId"]
    response = await replay(web, "Validate Order", order_id)
    assert (response.status_code, response.json()["status"]) == (200, "validated")


async def test_cancel_order(web: Web) -> None:
    """With the reason."""
    order_id = (await replay(web, "Create Order")).json()["orderId"]
    response = await replay(web, "Cancel Order", order_id)
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["cancelReason"]) == ("cancelled", "Customer request")


async def test_get_orders_eligible_for_retry(web: Web) -> None:
    """`data` and `total`, as printed."""
    order = await created(web.api)
    await fail(web.api, order.order_id)
    response = await replay(web, "Get Orders Eligible for Retry")
    assert response.status_code == 200
    assert_shape(response.json(), printed_answer("Get Orders Eligible for Retry"))


async def test_get_retry_metadata(web: Web) -> None:
    """As printed."""
    order = await created(web.api)
    await fail(web.api, order.order_id)
    response = await replay(web, "Get Retry Metadata", order.order_id)
    assert response.status_code == 200
    assert_shape(response.json(), printed_answer("Get Retry Metadata"))


async def test_increment_retry_count(web: Web) -> None:
    """A failure of the year before last is counted like any other."""
    order = await created(web.api)
    response = await replay(web, "Increment Retry Count", order.order_id)
    assert response.status_code == 200
    retry = response.json()["retry"]
    assert (retry["retryCount"], retry["lastFailureReason"]) == (1, "Picking station offline")
    assert retry["lastFailedAt"] == "2024-01-15T10:30:00Z"


async def test_reset_order_for_retry(web: Web) -> None:
    """A request without a body."""
    order = await created(web.api)
    await fail(web.api, order.order_id)
    response = await replay(web, "Reset Order for Retry", order.order_id)
    assert (response.status_code, response.json()["status"]) == (200, "received")


async def test_move_order_to_dead_letter_queue(web: Web) -> None:
    """The entry itself."""
    order = await created(web.api)
    response = await replay(web, "Move Order to Dead Letter Queue", order.order_id)
    assert response.status_code == 200
    entry = response.json()
    assert (entry["orderId"], entry["finalFailureStatus"]) == (order.order_id, "picking")
    assert entry["finalFailureReason"].startswith("Max retries exceeded")


async def test_list_dlq_entries(web: Web) -> None:
    """Those that are not resolved."""
    order = await created(web.api)
    await dead_letter(web.api, order.order_id)
    response = await replay(web, "List DLQ Entries")
    assert response.status_code == 200
    assert [entry["orderId"] for entry in response.json()["entries"]] == [order.order_id]


async def test_get_dlq_statistics(web: Web) -> None:
    """Counts as numbers, by words."""
    first, second = await created(web.api), await created(web.api)
    for order in (first, second):
        assert (await replay(web, "Move Order to Dead Letter Queue", order.order_id)).status_code == 200
    await replay(web, "Resolve DLQ Entry", first.order_id)
    response = await replay(web, "Get DLQ Statistics")
    assert response.status_code == 200
    shape = printed_answer("Get DLQ Statistics")
    shape["byFailureStatus"], shape["byResolution"] = {"picking": 1}, {"manual_retry": 1}
    assert_shape(response.json(), shape)


async def test_get_specific_dlq_entry(web: Web) -> None:
    """The newest of the order."""
    order = await created(web.api)
    await dead_letter(web.api, order.order_id)
    response = await replay(web, "Get Specific DLQ Entry", order.order_id)
    assert (response.status_code, response.json()["orderId"]) == (200, order.order_id)


async def test_resolve_dlq_entry(web: Web) -> None:
    """The entry with the decision; the order begins again."""
    order = await created(web.api)
    await dead_letter(web.api, order.order_id)
    response = await replay(web, "Resolve DLQ Entry", order.order_id)
    assert response.status_code == 200
    assert (response.json()["resolution"], response.json()["resolvedBy"]) == (
        "manual_retry",
        "SUPERVISOR-001",
    )
    again = await web.http.get(f"/api/v1/orders/{order.order_id}")
    assert again.json()["status"] == "received"


@pytest.mark.parametrize("word", ["shipping", "packing"])
async def test_the_documents_word_for_packing_is_understood(web: Web, word: str) -> None:
    """Its statistics count failures in `shipping`."""
    order = await created(web.api)
    body = {"failureStatus": word, "failureReason": "x"}
    response = await web.http.post(f"/api/v1/reprocessing/orders/{order.order_id}/dlq", json=body)
    assert response.json()["finalFailureStatus"] == "packing"


async def test_http_has_the_document_s_port_when_grpc_has_another(
    database_url: str, processes: Processes
) -> None:
    """As docs/reference/specifications.md starts it: both addresses are a port of every interface."""
    grpc, http = free_port(), free_port()
    server = processes.server(database_url, f":{grpc}", http_addr=f":{http}")
    server.address = f"127.0.0.1:{grpc}"
    await server.serving()
    method, path, headers, body = printed("Create Order")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{http}") as client:
        created_order = await client.request(method, path, headers=headers, content=body)
        ready = await client.get("/ready")
    assert (created_order.status_code, ready.status_code) == (201, 200)
    async with open_client(server.address) as api:
        order = await read_order(api, created_order.json()["orderId"])
    assert order.items[0].sku == "SKU-001"


def test_every_request_of_the_document_is_replayed_here() -> None:
    """Counted, so that none is forgotten."""
    titles = re.findall(r"#### ([^\n]+)\n\n```http", _SEED.read_text(encoding="utf-8"))
    replayed = set(re.findall(r'replay\(web, "([^"]+)"', Path(__file__).read_text(encoding="utf-8")))
    assert set(titles) == replayed
    assert len(titles) == 14
