"""The Northwind orders against the real Northwind stock, and against ten times that stock, unit by unit."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from tests.support import books
from tests.support.api import Api
from tests.support.fulfillment import Fulfillment
from tests.support.requests import put_destination, put_lane
from wms.orders.v1 import dead_letters_pb2, order_pb2, orders_pb2, storage_pb2
from wms_core.domain.retries import RetryPolicy
from wms_dev.northwind import northwind_orders, northwind_products
from wms_dev.northwind_site import LANE_CAPACITY, ZONES, carriers, lane_of

BATCH = 400


async def open_warehouse(api: Api, factor: int) -> Counter[str]:
    """Give every product a lane and put so many times Northwind's own stock into it; gives the units."""
    stock = +Counter({one.sku: factor * one.units_in_stock for one in northwind_products()})
    for number, one in enumerate(northwind_products()):
        lane = put_lane(lane_of(one.sku), zone=ZONES[number % len(ZONES)], capacity=LANE_CAPACITY)
        await api.storage.PutLane(lane)
    for station in ("PACK-1", "PACK-2"):
        await api.storage.PutDestination(put_destination(station, zones=ZONES, queue_capacity=50))
    full = carriers(stock)
    for start in range(0, len(full), BATCH):
        await api.storage.ReceiveCarriers(
            storage_pb2.ReceiveCarriersRequest(warehouse_id="WH-01", carriers=full[start : start + BATCH])
        )
    return stock


async def take_in(api: Api) -> list[orders_pb2.CreateOrderRequest]:
    """Order what Northwind's customers ordered."""
    requests = northwind_orders()
    for start in range(0, len(requests), BATCH):
        batch = orders_pb2.BatchCreateOrdersRequest(requests=requests[start : start + BATCH])
        answer = await api.orders.BatchCreateOrders(batch)
        assert all(result.WhichOneof("result") == "order" for result in answer.results)
    return requests


async def all_orders(api: Api) -> list[order_pb2.Order]:
    """Give every order there is."""
    found: list[order_pb2.Order] = []
    request = orders_pb2.ListOrdersRequest(page_size=200)
    while True:
        page = await api.orders.ListOrders(request)
        found += page.orders
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def work_to_rest(api: Api, fulfillment: Fulfillment) -> None:
    """Retry at once until nothing moves any more, and ship what has been delivered."""
    await fulfillment.deliver(api, retry_policy=RetryPolicy(base=timedelta(0)), wave_size=200)
    for order in await all_orders(api):
        if order.status == order_pb2.ORDER_STATUS_PACKING:
            request = orders_pb2.ShipOrderRequest(
                order_id=order.order_id, carrier_code="UPS", tracking_number=order.order_id
            )
            await api.orders.ShipOrder(request)


async def on_hand(api: Api) -> Counter[str]:
    """Give the units of each product that are left, none of them promised to anybody."""
    stock = (await api.storage.GetStock(storage_pb2.GetStockRequest(page_size=200))).stock
    assert all(one.on_hand == one.available for one in stock)
    return +Counter({one.sku: one.on_hand for one in stock})


def units(lines: Iterable[Any], name: str = "quantity") -> Counter[str]:
    """Sum up one of the quantities of order lines by product."""
    total: Counter[str] = Counter()
    for line in lines:
        total[line.sku] += getattr(line, name)
    return +total


def lines_of(orders: Iterable[Any]) -> list[order_pb2.OrderItem]:
    """Give the lines of orders or of requests for them."""
    return [line for order in orders for line in order.items]


def could_get(order: order_pb2.Order, stock: Counter[str]) -> float:
    """Give the share of an order's units that this stock does for."""
    wanted = units(order.items)
    return sum(min(number, stock[sku]) for sku, number in wanted.items()) / sum(wanted.values())


@pytest.mark.parametrize("factor", [1, 10], ids=["the_real_stock", "ten_times_the_real_stock"])
async def test_what_northwind_ordered_adds_up_unit_by_unit(
    api: Api, fulfillment: Fulfillment, sql: Any, factor: int
) -> None:
    """Of each product: ordered = shipped + owed + dead-lettered, and received = shipped + on hand.

    No order is given up that what is left could have served.
    """
    received = await open_warehouse(api, factor)
    ordered = units(lines_of(await take_in(api)))
    await work_to_rest(api, fulfillment)

    orders = await all_orders(api)
    shipped = [one for one in orders if one.status == order_pb2.ORDER_STATUS_SHIPPED]
    unserved = [one for one in orders if one.status == order_pb2.ORDER_STATUS_DEAD_LETTER]
    assert (len(orders), len(shipped) + len(unserved)) == (415, 415)

    sent, owed = (units(lines_of(shipped), f"quantity_{word}") for word in ("shipped", "backordered"))
    left = await on_hand(api)
    assert sent + owed + units(lines_of(unserved)) == ordered
    assert sent + left == received
    assert [one.order_id for one in unserved if could_get(one, left) >= 0.5] == []
    # Nobody is owed what stands in a lane.
    assert not owed.keys() & left.keys()
    assert await books.contradictions(sql) == []

    stats = await api.dead_letters.GetDeadLetterStats(dead_letters_pb2.GetDeadLetterStatsRequest())
    backorders = await sql.fetchval("SELECT sum(quantity) FROM backorders WHERE status = 'open'")
    assert (stats.unresolved_count, backorders) == (len(unserved), sum(owed.values()))
