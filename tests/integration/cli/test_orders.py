"""`wms-orders orders`: each command against a server, with output for people and for programs."""

import asyncio
import getpass
import json

import pytest
from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import place_order, place_order_in_status, receive_stock
from tests.support.clients.cli import run_command, run_json_command
from tests.support.clients.grpc_api import Api

from wms_core.domain.orders.status import OrderStatus

pytestmark = pytest.mark.one_postgres

ADDRESS = ("--street", "1 Main St", "--city", "Reims", "--country", "FR")
AS_JSON = {
    "orderId": "ORD-1",
    "customerId": "VINET",
    "priority": "same_day",
    "items": [{"sku": "NW-011", "quantity": 12, "unitPrice": 14.05}],
    "shippingAddress": {"street": "59 rue de l'Abbaye", "city": "Reims", "country": "FR"},
}


async def test_an_order_is_created_from_options(api: Api) -> None:
    """Every option sets its field. The created order is shown."""
    options = ("--customer", "VINET", "-i", "NW-001=2@9.80", "-i", "NW-002=1", "--priority", "next-day")
    more = ("--promised", "2026-12-27T17:00:00Z", "--zip", "51100", "--order", "ORD-1", "--whole")
    order = (await run_json_command(api.address, "orders", "create", *options, *ADDRESS, *more))["order"]
    assert (order["orderId"], order["customerId"], order["status"]) == (
        "ORD-1",
        "VINET",
        "ORDER_STATUS_RECEIVED",
    )
    assert order["priority"] == "ORDER_PRIORITY_NEXT_DAY"
    price = {"currencyCode": "USD", "units": "9", "nanos": 800_000_000}
    assert [(line["sku"], line["quantity"]) for line in order["items"]] == [("NW-001", 2), ("NW-002", 1)]
    assert order["items"][0]["unitPrice"] == price
    assert order["promisedDeliveryAt"] == "2026-12-27T17:00:00Z"
    assert order["shippingAddress"]["zipCode"] == "51100"
    assert order["allowPartial"] is False


async def test_an_order_is_created_from_json(api: Api) -> None:
    """In the JSON of the HTTP API, from standard input. With a request id it can be repeated safely."""
    order_json = json.dumps(AS_JSON)
    arguments = ("orders", "create", "--file", "-", "--request-id", "once")
    for _ in range(2):
        result = await run_command(api.address, *arguments, stdin_text=order_json)
        assert result.exit_code == 0, result
        assert "ORD-1" in result.stdout_text
        assert "14.05 USD" in result.stdout_text
    repeated = await run_command(api.address, "orders", "create", "--file", "-", stdin_text=order_json)
    assert repeated.exit_code == 1
    assert "ORDER_ALREADY_EXISTS" in repeated.stderr_text
    assert "orders get" in repeated.stderr_text


async def test_all_field_errors_of_an_order_are_reported_together(api: Api) -> None:
    """Each field by its path, with empty standard output."""
    rejection = await run_command(
        api.address, "orders", "create", "-c", "VINET", "-i", "NW-001=0", "--country", "XX"
    )
    assert (rejection.exit_code, rejection.stdout_text) == (1, "")
    for field in ("items[0].quantity", "shipping_address.street", "shipping_address.country"):
        assert f"  {field}: " in rejection.stderr_text
    assert "INVALID_REQUEST" in rejection.stderr_text


@pytest.mark.parametrize(
    ("input_text", "arguments", "expected_text"),
    [
        ("{", (), "not JSON"),
        ('{"items": [{"unitPrice": NaN}]}', (), "NaN"),
        ('{"priority": "urgent"}', (), "same_day, next_day, standard"),
        ('{"colour": "red"}', (), "colour"),
        ("{}", ("--customer", "VINET"), "leave out the other options"),
    ],
)
async def test_an_unreadable_order_is_not_sent(
    input_text: str, arguments: tuple[str, ...], expected_text: str
) -> None:
    """It is an error of the command line, detected without a server."""
    result = await run_command(
        "127.0.0.1:1", "orders", "create", "--file", "-", *arguments, stdin_text=input_text
    )
    assert (result.exit_code, result.stdout_text) == (2, "")
    assert expected_text in " ".join(result.stderr_text.replace("│", "").split())


async def test_an_order_is_shown_completely(api: Api) -> None:
    """As a record for people, and as protobuf JSON for programs."""
    order = await place_order(api)
    for_people = await run_command(api.address, "orders", "get", order.order_id)
    assert order.order_id in for_people.stdout_text
    assert "123 Main St, New York, US" in for_people.stdout_text
    assert "29.99 USD" in for_people.stdout_text
    for_programs = await run_json_command(api.address, "orders", "get", order.order_id)
    assert for_programs["order"]["etag"] == order.etag


async def test_orders_are_listed_page_by_page_and_filtered(api: Api) -> None:
    """Up to the limit, each once, with a hint when there are more."""
    orders = [(await place_order(api, customer_id=f"C{number % 2}")).order_id for number in range(5)]
    cut = await run_command(api.address, "orders", "list", "--limit", "2")
    assert [line.split()[0] for line in cut.stdout_text.splitlines()[1:]] == orders[:2:-1]
    assert "There are more" in cut.stderr_text
    every = await run_command(api.address, "orders", "list", "--limit", "0", "-o", "json")
    assert [order["orderId"] for order in every.stdout_json["orders"]] == orders[::-1]
    assert every.stderr_text == ""
    ids = await run_command(api.address, "orders", "list", "--output", "id")
    assert ids.stdout_text.split() == orders[::-1]
    mine = await run_json_command(
        api.address, "orders", "list", "-c", "C1", "--status", "received", "--since", "1h"
    )
    assert [order["orderId"] for order in mine["orders"]] == orders[3::-2]
    none = await run_command(
        api.address, "orders", "list", "--status", "shipped", "--overdue", "--before", "1h"
    )
    assert (none.exit_code, none.stdout_text) == (0, "No orders.\n")


async def test_more_than_a_page_is_listed(api: Api) -> None:
    """The command reads all pages up to the limit."""
    await asyncio.gather(*(place_order(api) for _ in range(203)))
    orders = (await run_json_command(api.address, "orders", "list", "--limit", "202"))["orders"]
    assert len({order["orderId"] for order in orders}) == len(orders) == 202
    assert len((await run_json_command(api.address, "orders", "list", "--limit", "0"))["orders"]) == 203


async def test_an_order_is_explained_shipped_completed_and_its_history_shown(
    api: Api, fulfillment: Fulfillment
) -> None:
    """From PACKING to COMPLETED."""
    await receive_stock(api)
    order_id = (await place_order_in_status(api, fulfillment, OrderStatus.PACKING)).order_id
    explained = await run_command(api.address, "orders", "explain", order_id)
    assert "awaiting_shipment" in explained.stdout_text
    assert "ShipOrder" in explained.stdout_text
    assert (await run_json_command(api.address, "orders", "explain", order_id))[
        "status"
    ] == "ORDER_STATUS_PACKING"
    ship = ("orders", "ship", order_id, "--carrier", "UPS", "--tracking", "1Z-1")
    shipped = await run_command(api.address, *ship)
    assert "1Z-1" in shipped.stdout_text
    rejection = await run_command(api.address, *ship)
    assert rejection.exit_code == 1
    assert "NOTHING_TO_SHIP" in rejection.stderr_text
    completed = await run_json_command(api.address, "orders", "complete", order_id)
    assert completed["order"]["status"] == "ORDER_STATUS_COMPLETED"
    history = await run_json_command(api.address, "orders", "history", order_id)
    assert [event["sequence"] for event in history["events"]] == [str(number) for number in range(1, 8)]
    history_result = await run_command(api.address, "orders", "history", order_id)
    assert "wms.order.shipped" in history_result.stdout_text
    assert f"cli/{getpass.getuser()}" in history_result.stdout_text


async def test_an_order_is_cancelled_only_with_its_current_etag(api: Api) -> None:
    """A cancelled order cannot be shipped. The error has advice."""
    order = await place_order(api)
    stale = await run_command(api.address, "orders", "cancel", order.order_id, "--etag", '"0"')
    assert stale.exit_code == 1
    assert "ETAG_MISMATCH" in stale.stderr_text
    cancel = ("orders", "cancel", order.order_id, "--etag", order.etag, "--reason", "changed their mind")
    assert "changed their mind" in (await run_command(api.address, *cancel)).stdout_text
    rejection = await run_command(
        api.address, "orders", "ship", order.order_id, "--carrier", "A", "--tracking", "B"
    )
    assert rejection.exit_code == 1
    assert "ORDER_STATUS_CONFLICT" in rejection.stderr_text
    assert "orders explain" in rejection.stderr_text


@pytest.mark.parametrize("command", ["get", "explain", "history", "cancel", "complete"])
async def test_an_unknown_order_has_its_own_exit_code(api: Api, command: str) -> None:
    """With advice how to find an order."""
    result = await run_command(api.address, "orders", command, "ORD-0")
    assert (result.exit_code, result.stdout_text) == (3, "")
    assert "ORDER_NOT_FOUND" in result.stderr_text
    assert "orders list" in result.stderr_text
