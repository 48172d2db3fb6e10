"""All 415 Northwind orders over gRPC are accepted and stored unchanged."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.support.builders.orders import read_history, read_order, to_python_dict
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection, find_violations
from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.sample_data.northwind import read_northwind_orders


@pytest.fixture(scope="module")
def orders() -> Sequence[orders_pb2.CreateOrderRequest]:
    """Return the orders of the file, each as a request with the values of its line."""
    return read_northwind_orders()


def assert_same(order: order_pb2.Order, request: orders_pb2.CreateOrderRequest) -> None:
    """Assert that an order has the values of its request, field by field."""
    assert order.order_id == request.order_id
    assert order.customer_id == request.customer_id
    assert order.priority == request.priority
    assert order.promised_delivery_at == request.promised_delivery_at
    assert order.HasField("promised_delivery_at") == request.HasField("promised_delivery_at")
    assert order.shipping_address == request.shipping_address
    assert len(order.items) == len(request.items)
    for number, (line, requested_line) in enumerate(zip(order.items, request.items, strict=True), start=1):
        assert (line.sku, line.quantity, line.unit_price) == (
            requested_line.sku,
            requested_line.quantity,
            requested_line.unit_price,
        )
        assert line.HasField("unit_price") == requested_line.HasField("unit_price")
        assert line.line_number == number
    assert (order.status, order.warehouse_id) == (order_pb2.ORDER_STATUS_RECEIVED, "WH-01")
    assert order.allow_partial
    assert order.overdue


async def test_each_order_is_accepted_and_stored_unchanged(
    api: Api, orders: Sequence[orders_pb2.CreateOrderRequest], sql: SqlConnection
) -> None:
    """One call for each order, including missing states and postal codes, accents and past promised times."""
    assert len(orders) == 415

    async def round_trip(request: orders_pb2.CreateOrderRequest) -> None:
        created = (await api.orders.CreateOrder(request)).order
        assert_same(created, request)
        assert await read_order(api, request.order_id) == created

    for start in range(0, len(orders), 50):
        await asyncio.gather(*(round_trip(request) for request in orders[start : start + 50]))
    assert await find_violations(sql, acknowledged_ids=[request.order_id for request in orders]) == []


async def test_one_batch_creates_all_orders(
    api: Api, orders: Sequence[orders_pb2.CreateOrderRequest], sql: SqlConnection
) -> None:
    """Results keep the order of the requests, and a batch read and a walk of the pages return all orders."""
    batch = orders_pb2.BatchCreateOrdersRequest(requests=orders)
    results = (await api.orders.BatchCreateOrders(batch)).results
    order_ids = [request.order_id for request in orders]
    stored = await api.orders.BatchGetOrders(orders_pb2.BatchGetOrdersRequest(order_ids=order_ids))
    for request, result, order in zip(orders, results, stored.orders, strict=True):
        assert_same(order, request)
        assert result.order == order
    listed_ids: list[str] = []
    page_request = orders_pb2.ListOrdersRequest(page_size=200, overdue_only=True)
    while not listed_ids or page_request.page_token:
        page = await api.orders.ListOrders(page_request)
        listed_ids += [order.order_id for order in page.orders]
        page_request.page_token = page.next_page_token
    assert listed_ids == sorted(order_ids, reverse=True)
    assert await find_violations(sql, acknowledged_ids=order_ids) == []


async def test_event_has_the_names_and_amounts_of_the_order(
    api: Api, orders: Sequence[orders_pb2.CreateOrderRequest]
) -> None:
    """The received event of an order with accents and without a state has exactly the same values."""
    request = next(
        order for order in orders if not order.shipping_address.state and not order.customer_id.isdigit()
    )
    await api.orders.CreateOrder(request)
    (event,) = await read_history(api, request.order_id)
    payload = to_python_dict(event.payload)
    shipping_address = payload["shippingAddress"]
    assert "state" not in shipping_address
    assert shipping_address["street"] == request.shipping_address.street
    assert shipping_address["recipientName"] == request.shipping_address.recipient_name
    prices = [line["unitPrice"] for line in payload["items"]]
    assert [(price["units"], price["nanos"]) for price in prices] == [
        (str(line.unit_price.units), line.unit_price.nanos) for line in request.items
    ]
