"""`wms-orders stock`, `carriers`, `lanes`, `destinations`, `backorders`: what is there and what is owed."""

import pytest

from tests.support.api import Api
from tests.support.cli import done, run
from tests.support.fulfillment import Fulfillment
from tests.support.site import Site

pytestmark = pytest.mark.one_postgres


def rows(text: str) -> list[list[str]]:
    """Give the words of each row of a table, without its titles."""
    return [line.split() for line in text.splitlines()[1:]]


async def test_the_storage_is_seen_from_every_side(api: Api, site: Site) -> None:
    """Lanes, destinations, carriers and stock, filtered, as tables and as JSON."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.stock(("CAR-1", "SKU-001", 10), ("CAR-2", "SKU-002", 5))
    await site.hold("CAR-2")
    await site.block("LANE-2")
    lanes = await run(api.address, "lanes")
    assert rows(lanes.text) == [
        ["LANE-1", "WH-01", "A", "open", "2", "10"],
        ["LANE-2", "WH-01", "A", "blocked", "0", "10"],
    ]
    blocked = (await done(api.address, "lanes", "--status", "blocked", "--zone", "A"))["lanes"]
    assert [lane["laneId"] for lane in blocked] == ["LANE-2"]
    destinations = await run(api.address, "destinations", "--warehouse", "WH-01")
    assert rows(destinations.text) == [["PACK-1", "WH-01", "0", "10", "A", "no"]]
    assert (await done(api.address, "destinations"))["destinations"][0]["queueCapacity"] == 10
    stock = await run(api.address, "stock")
    assert rows(stock.text) == [
        ["SKU-001", "WH-01", "10", "0", "10", "0"],
        ["SKU-002", "WH-01", "5", "0", "0", "5"],
    ]
    assert [one["available"] for one in (await done(api.address, "stock", "--sku", "SKU-001"))["stock"]] == [
        "10"
    ]
    carriers = await run(api.address, "carriers", "--status", "on_hold", "--location", "in_lane")
    assert rows(carriers.text)[0][:8] == ["CAR-2", "SKU-002", "5", "0", "on_hold", "in_lane", "LANE-1", "2"]
    found = (await done(api.address, "carriers", "--lane", "LANE-1", "--limit", "1"))["carriers"]
    assert [one["carrierId"] for one in found] == ["CAR-1"]


async def test_a_backorder_is_seen_and_closed(api: Api, site: Site, fulfillment: Fulfillment) -> None:
    """With how much of it has come; the reason is kept."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 3))
    order_id = await site.order(("SKU-001", 5))
    await fulfillment.deliver(api)
    listed = await run(api.address, "backorders", "list", "--order", order_id, "--status", "open")
    (row,) = rows(listed.text)
    assert row[1:6] == [order_id, "SKU-001", "2", "0", "open"]
    closed = await done(api.address, "backorders", "cancel", row[0], "--reason", "discontinued")
    assert closed["backorder"]["cancelReason"] == "discontinued"
    assert (await done(api.address, "backorders", "list", "--status", "open"))["backorders"] == []
    absent = await run(api.address, "backorders", "cancel", "BO-0")
    assert absent.code == 3
    assert "backorders list" in absent.complaint
