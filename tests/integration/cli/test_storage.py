"""`wms-orders stock`, `carriers`, `lanes`, `destinations` and `backorders`."""

import pytest
from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.cli import run_command, run_json_command
from tests.support.clients.grpc_api import Api

pytestmark = pytest.mark.one_postgres


def rows(text: str) -> list[list[str]]:
    """Return the words of each row of a table, without its titles."""
    return [line.split() for line in text.splitlines()[1:]]


async def test_storage_is_listed_as_table_and_json(api: Api, site: WarehouseDriver) -> None:
    """Lanes, destinations, carriers and stock, with filters."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.receive_carriers(("CAR-1", "SKU-001", 10), ("CAR-2", "SKU-002", 5))
    await site.set_carrier_status("CAR-2")
    await site.set_lane_status("LANE-2")
    lanes = await run_command(api.address, "lanes")
    assert rows(lanes.stdout_text) == [
        ["LANE-1", "WH-01", "A", "open", "2", "10"],
        ["LANE-2", "WH-01", "A", "blocked", "0", "10"],
    ]
    blocked = (await run_json_command(api.address, "lanes", "--status", "blocked", "--zone", "A"))["lanes"]
    assert [lane["laneId"] for lane in blocked] == ["LANE-2"]
    destinations = await run_command(api.address, "destinations", "--warehouse", "WH-01")
    assert rows(destinations.stdout_text) == [["PACK-1", "WH-01", "0", "10", "A", "no"]]
    assert (await run_json_command(api.address, "destinations"))["destinations"][0]["queueCapacity"] == 10
    stock = await run_command(api.address, "stock")
    assert rows(stock.stdout_text) == [
        ["SKU-001", "WH-01", "10", "0", "10", "0"],
        ["SKU-002", "WH-01", "5", "0", "0", "5"],
    ]
    assert [
        entry["available"]
        for entry in (await run_json_command(api.address, "stock", "--sku", "SKU-001"))["stock"]
    ] == ["10"]
    carriers = await run_command(api.address, "carriers", "--status", "on_hold", "--location", "in_lane")
    assert rows(carriers.stdout_text)[0][:8] == [
        "CAR-2",
        "SKU-002",
        "5",
        "0",
        "on_hold",
        "in_lane",
        "LANE-1",
        "2",
    ]
    first_page = (await run_json_command(api.address, "carriers", "--lane", "LANE-1", "--limit", "1"))[
        "carriers"
    ]
    assert [carrier["carrierId"] for carrier in first_page] == ["CAR-1"]


async def test_a_backorder_is_shown_and_cancelled(
    api: Api, site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """With its fulfilled units. The reason is stored."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 3))
    order_id = await site.place_order(("SKU-001", 5))
    await fulfillment.deliver_all(api)
    listed = await run_command(api.address, "backorders", "list", "--order", order_id, "--status", "open")
    (row,) = rows(listed.stdout_text)
    assert row[1:6] == [order_id, "SKU-001", "2", "0", "open"]
    closed = await run_json_command(api.address, "backorders", "cancel", row[0], "--reason", "discontinued")
    assert closed["backorder"]["cancelReason"] == "discontinued"
    assert (await run_json_command(api.address, "backorders", "list", "--status", "open"))["backorders"] == []
    absent = await run_command(api.address, "backorders", "cancel", "BO-0")
    assert absent.exit_code == 3
    assert "backorders list" in absent.stderr_text
