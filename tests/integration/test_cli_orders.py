"""`wms-orders orders`: each command against a live server, for people and for programs."""

import asyncio
import getpass
import json

import pytest

from tests.support.api import Api
from tests.support.cli import done, run
from tests.support.fulfillment import Fulfillment
from tests.support.orders import created, order_in, stocked
from wms_core.domain.order_status import OrderStatus

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
    """Every option arrives in its field; what was made is shown."""
    options = ("--customer", "VINET", "-i", "NW-001=2@9.80", "-i", "NW-002=1", "--priority", "next-day")
    more = ("--promised", "2026-12-27T17:00:00Z", "--zip", "51100", "--order", "ORD-1", "--whole")
    order = (await done(api.address, "orders", "create", *options, *ADDRESS, *more))["order"]
    assert (order["orderId"], order["customerId"], order["status"]) == (
        "ORD-1",
        "VINET",
        "ORDER_STATUS_RECEIVED",
    )
    assert order["priority"] == "ORDER_PRIORITY_NEXT_DAY"
    price = {"currencyCode": "USD", "units": "9", "nanos": 800_000_000}
    assert [(one["sku"], one["quantity"]) for one in order["items"]] == [("NW-001", 2), ("NW-002", 1)]
    assert order["items"][0]["unitPrice"] == price
    assert order["promisedDeliveryAt"] == "2026-12-27T17:00:00Z"
    assert order["shippingAddress"]["zipCode"] == "51100"
    assert order["allowPartial"] is False


async def test_an_order_is_created_from_json(api: Api) -> None:
    """In the shape of the service's HTTP, from standard input; a repetition is safe with a request id."""
    given = json.dumps(AS_JSON)
    arguments = ("orders", "create", "--file", "-", "--request-id", "once")
    for _ in range(2):
        shown = await run(api.address, *arguments, given=given)
        assert shown.code == 0, shown
        assert "ORD-1" in shown.text
        assert "14.05 USD" in shown.text
    again = await run(api.address, "orders", "create", "--file", "-", given=given)
    assert again.code == 1
    assert "ORDER_ALREADY_EXISTS" in again.complaint
    assert "orders get" in again.complaint


async def test_all_faults_of_an_order_are_named_at_once(api: Api) -> None:
    """Each field by its path, with nothing on standard output."""
    refused = await run(api.address, "orders", "create", "-c", "VINET", "-i", "NW-001=0", "--country", "XX")
    assert (refused.code, refused.text) == (1, "")
    for field in ("items[0].quantity", "shipping_address.street", "shipping_address.country"):
        assert f"  {field}: " in refused.complaint
    assert "INVALID_REQUEST" in refused.complaint


@pytest.mark.parametrize(
    ("given", "arguments", "said"),
    [
        ("{", (), "no JSON"),
        ('{"items": [{"unitPrice": NaN}]}', (), "NaN"),
        ('{"priority": "urgent"}', (), "same_day, next_day, standard"),
        ('{"colour": "red"}', (), "colour"),
        ("{}", ("--customer", "VINET"), "leave the other options out"),
    ],
)
async def test_what_is_no_order_is_not_sent(given: str, arguments: tuple[str, ...], said: str) -> None:
    """It is a fault of the command line, found without a server."""
    ended = await run("127.0.0.1:1", "orders", "create", "--file", "-", *arguments, given=given)
    assert (ended.code, ended.text) == (2, "")
    assert said in " ".join(ended.complaint.replace("│", "").split())


async def test_an_order_is_shown_whole(api: Api) -> None:
    """As a record for people, as the protos' JSON for programs."""
    order = await created(api)
    for_people = await run(api.address, "orders", "get", order.order_id)
    assert order.order_id in for_people.text
    assert "123 Main St, New York, US" in for_people.text
    assert "29.99 USD" in for_people.text
    for_programs = await done(api.address, "orders", "get", order.order_id)
    assert for_programs["order"]["etag"] == order.etag


async def test_orders_are_listed_page_by_page_and_filtered(api: Api) -> None:
    """As many as are asked for, each once, and it is said when there are more."""
    orders = [(await created(api, customer_id=f"C{number % 2}")).order_id for number in range(5)]
    cut = await run(api.address, "orders", "list", "--limit", "2")
    assert [line.split()[0] for line in cut.text.splitlines()[1:]] == orders[:2:-1]
    assert "There are more" in cut.complaint
    every = await run(api.address, "orders", "list", "--limit", "0", "-o", "json")
    assert [order["orderId"] for order in every.json["orders"]] == orders[::-1]
    assert every.complaint == ""
    ids = await run(api.address, "orders", "list", "--output", "id")
    assert ids.text.split() == orders[::-1]
    mine = await done(api.address, "orders", "list", "-c", "C1", "--status", "received", "--since", "1h")
    assert [order["orderId"] for order in mine["orders"]] == orders[3::-2]
    none = await run(api.address, "orders", "list", "--status", "shipped", "--overdue", "--before", "1h")
    assert (none.code, none.text) == (0, "No orders.\n")


async def test_more_than_a_page_is_listed(api: Api) -> None:
    """The pages of the service do not show."""
    await asyncio.gather(*(created(api) for _ in range(203)))
    found = (await done(api.address, "orders", "list", "--limit", "202"))["orders"]
    assert len({order["orderId"] for order in found}) == len(found) == 202
    assert len((await done(api.address, "orders", "list", "--limit", "0"))["orders"]) == 203


async def test_an_order_is_explained_shipped_completed_and_its_history_told(
    api: Api, fulfillment: Fulfillment
) -> None:
    """From packing to the end."""
    await stocked(api)
    order_id = (await order_in(api, fulfillment, OrderStatus.PACKING)).order_id
    explained = await run(api.address, "orders", "explain", order_id)
    assert "awaiting_shipment" in explained.text
    assert "ShipOrder" in explained.text
    assert (await done(api.address, "orders", "explain", order_id))["status"] == "ORDER_STATUS_PACKING"
    ship = ("orders", "ship", order_id, "--carrier", "UPS", "--tracking", "1Z-1")
    shipped = await run(api.address, *ship)
    assert "1Z-1" in shipped.text
    nothing = await run(api.address, *ship)
    assert nothing.code == 1
    assert "NOTHING_TO_SHIP" in nothing.complaint
    completed = await done(api.address, "orders", "complete", order_id)
    assert completed["order"]["status"] == "ORDER_STATUS_COMPLETED"
    history = await done(api.address, "orders", "history", order_id)
    assert [event["sequence"] for event in history["events"]] == [str(number) for number in range(1, 8)]
    told = await run(api.address, "orders", "history", order_id)
    assert "wms.order.shipped" in told.text
    assert f"cli/{getpass.getuser()}" in told.text


async def test_an_order_is_cancelled_unless_somebody_was_faster(api: Api) -> None:
    """The etag is checked; a cancelled order can't be shipped, and what to do is said."""
    order = await created(api)
    late = await run(api.address, "orders", "cancel", order.order_id, "--etag", '"0"')
    assert late.code == 1
    assert "ETAG_MISMATCH" in late.complaint
    cancel = ("orders", "cancel", order.order_id, "--etag", order.etag, "--reason", "changed their mind")
    assert "changed their mind" in (await run(api.address, *cancel)).text
    refused = await run(api.address, "orders", "ship", order.order_id, "--carrier", "A", "--tracking", "B")
    assert refused.code == 1
    assert "ORDER_STATUS_CONFLICT" in refused.complaint
    assert "orders explain" in refused.complaint


@pytest.mark.parametrize("what", ["get", "explain", "history", "cancel", "complete"])
async def test_an_order_that_is_not_there_has_an_exit_code_of_its_own(api: Api, what: str) -> None:
    """And where to find one is said."""
    ended = await run(api.address, "orders", what, "ORD-0")
    assert (ended.code, ended.text) == (3, "")
    assert "ORDER_NOT_FOUND" in ended.complaint
    assert "orders list" in ended.complaint
