"""Reconciliation of the Northwind orders with the real Northwind stock, and with ten times that stock."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.requests import put_destination, put_lane
from tests.support.clients.grpc_api import Api
from tests.support.invariants import stock
from wms.orders.v1 import dead_letters_pb2, order_pb2, orders_pb2, storage_pb2
from wms_core.domain.failures.failures import RetryPolicy
from wms_dev.sample_data.northwind import read_northwind_orders, read_northwind_products
from wms_dev.sample_data.warehouse_layout import LANE_CAPACITY, ZONES, lane_of, plan_carriers

BATCH_SIZE = 400


async def open_warehouse(api: Api, factor: int) -> Counter[str]:
    """Create a lane for each product, two destinations, and `factor` times the Northwind stock.

    Return the units by SKU.
    """
    stock = +Counter({product.sku: factor * product.units_in_stock for product in read_northwind_products()})
    for number, product in enumerate(read_northwind_products()):
        lane = put_lane(lane_of(product.sku), zone=ZONES[number % len(ZONES)], capacity=LANE_CAPACITY)
        await api.storage.PutLane(lane)
    for destination_id in ("PACK-1", "PACK-2"):
        await api.storage.PutDestination(put_destination(destination_id, zones=ZONES, queue_capacity=50))
    carriers = plan_carriers(stock)
    for start in range(0, len(carriers), BATCH_SIZE):
        await api.storage.ReceiveCarriers(
            storage_pb2.ReceiveCarriersRequest(
                warehouse_id="WH-01", carriers=carriers[start : start + BATCH_SIZE]
            )
        )
    return stock


async def create_northwind_orders(api: Api) -> list[orders_pb2.CreateOrderRequest]:
    """Create all orders of Northwind and return their requests."""
    requests = read_northwind_orders()
    for start in range(0, len(requests), BATCH_SIZE):
        batch = orders_pb2.BatchCreateOrdersRequest(requests=requests[start : start + BATCH_SIZE])
        response = await api.orders.BatchCreateOrders(batch)
        assert all(result.WhichOneof("result") == "order" for result in response.results)
    return requests


async def list_all_orders(api: Api) -> list[order_pb2.Order]:
    """Return all orders, over all pages."""
    orders: list[order_pb2.Order] = []
    request = orders_pb2.ListOrdersRequest(page_size=200)
    while True:
        page = await api.orders.ListOrders(request)
        orders += page.orders
        if not page.next_page_token:
            return orders
        request.page_token = page.next_page_token


async def deliver_and_ship_all(api: Api, fulfillment: Fulfillment) -> None:
    """Run cycles with immediate retries until no move remains, and ship the delivered orders."""
    await fulfillment.deliver_all(api, retry_policy=RetryPolicy(base_delay=timedelta(0)), wave_size=200)
    for order in await list_all_orders(api):
        if order.status == order_pb2.ORDER_STATUS_PACKING:
            request = orders_pb2.ShipOrderRequest(
                order_id=order.order_id, carrier_code="UPS", tracking_number=order.order_id
            )
            await api.orders.ShipOrder(request)


async def units_on_hand(api: Api) -> Counter[str]:
    """Return the remaining units of each product. All of them have to be unallocated."""
    stock = (await api.storage.GetStock(storage_pb2.GetStockRequest(page_size=200))).stock
    assert all(entry.on_hand == entry.available for entry in stock)
    return +Counter({entry.sku: entry.on_hand for entry in stock})


def sum_units(lines: Iterable[Any], name: str = "quantity") -> Counter[str]:
    """Return the sum of one quantity field of order lines, by SKU."""
    total: Counter[str] = Counter()
    for line in lines:
        total[line.sku] += getattr(line, name)
    return +total


def lines_of(orders: Iterable[Any]) -> list[order_pb2.OrderItem]:
    """Return the lines of orders or of requests for orders."""
    return [line for order in orders for line in order.items]


def servable_share(order: order_pb2.Order, stock: Counter[str]) -> float:
    """Return the share of an order's units that this stock covers."""
    ordered_units = sum_units(order.items)
    return sum(min(quantity, stock[sku]) for sku, quantity in ordered_units.items()) / sum(
        ordered_units.values()
    )


@pytest.mark.parametrize("factor", [1, 10], ids=["the_real_stock", "ten_times_the_real_stock"])
async def test_northwind_orders_reconcile_unit_by_unit(
    api: Api, fulfillment: Fulfillment, sql: Any, factor: int
) -> None:
    """For each product: ordered = shipped + backordered + dead-lettered, and received = shipped + on hand.

    No order is dead-lettered that the remaining stock could have served.
    """
    received = await open_warehouse(api, factor)
    ordered = sum_units(lines_of(await create_northwind_orders(api)))
    await deliver_and_ship_all(api, fulfillment)

    orders = await list_all_orders(api)
    shipped = [order for order in orders if order.status == order_pb2.ORDER_STATUS_SHIPPED]
    unserved = [order for order in orders if order.status == order_pb2.ORDER_STATUS_DEAD_LETTER]
    assert (len(orders), len(shipped) + len(unserved)) == (415, 415)

    shipped_units, backordered_units = (
        sum_units(lines_of(shipped), f"quantity_{word}") for word in ("shipped", "backordered")
    )
    remaining = await units_on_hand(api)
    assert shipped_units + backordered_units + sum_units(lines_of(unserved)) == ordered
    assert shipped_units + remaining == received
    assert [order.order_id for order in unserved if servable_share(order, remaining) >= 0.5] == []
    # No unit is backordered while it is in a lane.
    assert not backordered_units.keys() & remaining.keys()
    assert await stock.find_contradictions(sql) == []

    stats = await api.dead_letters.GetDeadLetterStats(dead_letters_pb2.GetDeadLetterStatsRequest())
    backorders = await sql.fetchval("SELECT sum(quantity) FROM backorders WHERE status = 'open'")
    assert (stats.unresolved_count, backorders) == (len(unserved), sum(backordered_units.values()))
