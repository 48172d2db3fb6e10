"""All 415 Northwind orders over gRPC: accepted unchanged, and what comes back is what went in."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.support.api import Api
from tests.support.invariants import Sql, breaches
from tests.support.orders import facts, history, read
from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.northwind import northwind_orders


@pytest.fixture(scope="module")
def orders() -> Sequence[orders_pb2.CreateOrderRequest]:
    """Give the orders of the file, each as the request that says what its line says."""
    return northwind_orders()


def assert_same(order: order_pb2.Order, request: orders_pb2.CreateOrderRequest) -> None:
    """Compare what came back with what went in, field by field."""
    assert order.order_id == request.order_id
    assert order.customer_id == request.customer_id
    assert order.priority == request.priority
    assert order.promised_delivery_at == request.promised_delivery_at
    assert order.HasField("promised_delivery_at") == request.HasField("promised_delivery_at")
    assert order.shipping_address == request.shipping_address
    assert len(order.items) == len(request.items)
    for number, (line, asked) in enumerate(zip(order.items, request.items, strict=True), start=1):
        assert (line.sku, line.quantity, line.unit_price) == (asked.sku, asked.quantity, asked.unit_price)
        assert line.HasField("unit_price") == asked.HasField("unit_price")
        assert line.line_number == number
    assert (order.status, order.warehouse_id) == (order_pb2.ORDER_STATUS_RECEIVED, "WH-01")
    assert order.allow_partial
    assert order.overdue


async def test_each_order_is_accepted_and_read_back_as_it_went_in(
    api: Api, orders: Sequence[orders_pb2.CreateOrderRequest], sql: Sql
) -> None:
    """One call an order; no state, no postal code, accents and past promises included."""
    assert len(orders) == 415

    async def round_trip(request: orders_pb2.CreateOrderRequest) -> None:
        answered = (await api.orders.CreateOrder(request)).order
        assert_same(answered, request)
        assert await read(api, request.order_id) == answered

    for start in range(0, len(orders), 50):
        await asyncio.gather(*(round_trip(request) for request in orders[start : start + 50]))
    assert await breaches(sql, acknowledged=[request.order_id for request in orders]) == []


async def test_all_of_them_go_in_one_batch(
    api: Api, orders: Sequence[orders_pb2.CreateOrderRequest], sql: Sql
) -> None:
    """Every element is accepted in its place, and a batch reads them all back; so does a walk of pages."""
    batch = orders_pb2.BatchCreateOrdersRequest(requests=orders)
    results = (await api.orders.BatchCreateOrders(batch)).results
    names = [request.order_id for request in orders]
    stored = await api.orders.BatchGetOrders(orders_pb2.BatchGetOrdersRequest(order_ids=names))
    for request, result, order in zip(orders, results, stored.orders, strict=True):
        assert_same(order, request)
        assert result.order == order
    seen: list[str] = []
    page = orders_pb2.ListOrdersRequest(page_size=200, overdue_only=True)
    while not seen or page.page_token:
        answer = await api.orders.ListOrders(page)
        seen += [order.order_id for order in answer.orders]
        page.page_token = answer.next_page_token
    assert seen == sorted(names, reverse=True)
    assert await breaches(sql, acknowledged=names) == []


async def test_their_events_say_what_they_say(
    api: Api, orders: Sequence[orders_pb2.CreateOrderRequest]
) -> None:
    """The received event of an order with accents and without a state: exactly the same names and amounts."""
    request = next(one for one in orders if not one.shipping_address.state and not one.customer_id.isdigit())
    await api.orders.CreateOrder(request)
    (event,) = await history(api, request.order_id)
    payload = facts(event.payload)
    sent = payload["shippingAddress"]
    assert "state" not in sent
    assert sent["street"] == request.shipping_address.street
    assert sent["recipientName"] == request.shipping_address.recipient_name
    prices = [line["unitPrice"] for line in payload["items"]]
    assert [(price["units"], price["nanos"]) for price in prices] == [
        (str(line.unit_price.units), line.unit_price.nanos) for line in request.items
    ]
