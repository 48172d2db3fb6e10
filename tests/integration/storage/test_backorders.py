"""Shortages: partial fulfillment, backorders, short picks and several shipments."""

from typing import Any

import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.requests import create_order, item, put_destination, put_lane, receive
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2

pytestmark = pytest.mark.also_over_http


@pytest.fixture
async def site(api: Api) -> Api:
    """Return the API of a warehouse with a lane, a destination and three units of one SKU."""
    await api.storage.PutLane(put_lane())
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive(("CAR-1", "SKU-001", 3)))
    return api


async def get_order(api: Api, order_id: str) -> order_pb2.Order:
    """Return the current state of an order."""
    return (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))).order


async def ship(api: Api, order_id: str) -> order_pb2.Order:
    """Ship the delivered units of an order."""
    request = orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="UPS", tracking_number="1Z")
    return (await api.orders.ShipOrder(request)).order


async def list_events(api: Api, order_id: str) -> list[Any]:
    """Return the events of an order."""
    request = orders_pb2.GetOrderHistoryRequest(order_id=order_id, page_size=200)
    return list((await api.orders.GetOrderHistory(request)).events)


async def list_backorders(api: Api, **fields: Any) -> list[storage_pb2.Backorder]:
    """Return the backorders that match the fields."""
    request = storage_pb2.ListBackordersRequest(**fields)
    return list((await api.storage.ListBackorders(request)).backorders)


async def order_five_units(api: Api, **fields: Any) -> str:
    """Order five units, of which three are in stock. Return the order id."""
    request = create_order(items=[item(quantity=5)], **fields)
    return (await api.orders.CreateOrder(request)).order.order_id


async def test_an_order_proceeds_with_three_of_five_units(site: Api, fulfillment: Fulfillment) -> None:
    """Three units are delivered and two are backordered. The events report both with a ratio of 0.6."""
    order_id = await order_five_units(site)
    await fulfillment.deliver_all(site)
    order = await get_order(site, order_id)
    assert order.status == order_pb2.ORDER_STATUS_PACKING
    assert [(line.quantity_delivered, line.quantity_backordered) for line in order.items] == [(3, 2)]
    payloads_by_type = {event.type: dict(event.payload) for event in await list_events(site, order_id)}
    partial = payloads_by_type["wms.order.partially-fulfilled"]
    assert partial["fulfillmentRatio"] == 0.6
    assert [dict(line) for line in partial["fulfilledItems"]] == [
        {"sku": "SKU-001", "quantityOrdered": 5, "quantityFulfilled": 3}
    ]
    assert [dict(line) for line in partial["backorderedItems"]] == [
        {"sku": "SKU-001", "quantityOrdered": 5, "quantityShort": 2, "reason": "quantity_mismatch"}
    ]
    assert payloads_by_type["wms.order.backorder-created"]["quantity"] == 2


async def test_new_stock_fills_a_backorder_before_new_orders(site: Api, fulfillment: Fulfillment) -> None:
    """The oldest backorder is filled first, with an event and a second shipment.

    Only then the order can be completed.
    """
    order_id = await order_five_units(site)
    await fulfillment.deliver_all(site)
    await ship(site, order_id)
    failure = await expect_failure(
        site.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))
    )
    assert failure.reason == "BACKORDER_OPEN"
    later = (await site.orders.CreateOrder(create_order())).order.order_id
    await site.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 2)))
    await fulfillment.deliver_all(site)
    order = await get_order(site, order_id)
    assert order.status == order_pb2.ORDER_STATUS_SHIPPED
    assert [(line.quantity_delivered, line.quantity_backordered) for line in order.items] == [(5, 0)]
    assert (await get_order(site, later)).status == order_pb2.ORDER_STATUS_PENDING_RETRY
    assert (await list_backorders(site))[0].status == storage_pb2.BACKORDER_STATUS_FULFILLED
    failure = await expect_failure(
        site.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))
    )
    assert failure.reason == "UNITS_NOT_SHIPPED"
    assert len((await ship(site, order_id)).shipments) == 2
    await site.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))
    types = [event.type for event in await list_events(site, order_id)]
    assert types.count("wms.order.backorder-fulfilled") == 1
    assert types.count("wms.order.shipped") == 2
    assert types[-1] == "wms.order.completed"


async def test_an_order_without_allow_partial_is_all_or_nothing(site: Api, fulfillment: Fulfillment) -> None:
    """Three of five units are not allocated to it."""
    order_id = await order_five_units(site, allow_partial=False)
    await fulfillment.deliver_all(site)
    order = await get_order(site, order_id)
    assert order.status == order_pb2.ORDER_STATUS_PENDING_RETRY
    assert order.last_failure_reason == "Inventory unavailable"
    assert await list_backorders(site) == []


async def test_a_share_below_the_minimum_is_a_failure(site: Api, fulfillment: Fulfillment) -> None:
    """The minimum share is configured. Below it the order waits for its retry."""
    request = create_order(items=[item(quantity=7)])
    order_id = (await site.orders.CreateOrder(request)).order.order_id
    await fulfillment.deliver_all(site)
    assert (await get_order(site, order_id)).status == order_pb2.ORDER_STATUS_PENDING_RETRY


async def test_the_ratio_counts_units_over_all_lines_of_a_sku(site: Api, fulfillment: Fulfillment) -> None:
    """Three of five units are 0.6, also when the SKU is on two lines."""
    request = create_order(items=[item(quantity=2), item(quantity=3)])
    order_id = (await site.orders.CreateOrder(request)).order.order_id
    await fulfillment.deliver_all(site)
    (partial,) = [
        event.payload
        for event in await list_events(site, order_id)
        if event.type.endswith("partially-fulfilled")
    ]
    assert partial["fulfillmentRatio"] == 0.6
    assert len(partial["backorderedItems"]) == 1


async def test_a_cancelled_backorder_does_not_block_completion(site: Api, fulfillment: Fulfillment) -> None:
    """CancelBackorder closes it, and the order can be completed with its delivered units."""
    order_id = await order_five_units(site)
    await fulfillment.deliver_all(site)
    await ship(site, order_id)
    (backorder,) = await list_backorders(site, order_id=order_id)
    request = storage_pb2.CancelBackorderRequest(backorder_id=backorder.backorder_id, reason="discontinued")
    cancelled = (await site.storage.CancelBackorder(request)).backorder
    assert cancelled.status == storage_pb2.BACKORDER_STATUS_CANCELLED
    assert (await site.storage.CancelBackorder(request)).backorder == cancelled
    completed = await site.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))
    assert completed.order.status == order_pb2.ORDER_STATUS_COMPLETED


async def test_cancelling_a_backorder_in_progress_releases_its_stock(
    site: Api, fulfillment: Fulfillment
) -> None:
    """The allocated units are available again."""
    order_id = await order_five_units(site)
    await fulfillment.deliver_all(site)
    await site.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 2)))
    await fulfillment.run()
    (backorder,) = await list_backorders(site, order_id=order_id)
    assert backorder.status == storage_pb2.BACKORDER_STATUS_IN_PROGRESS
    await site.storage.CancelBackorder(
        storage_pb2.CancelBackorderRequest(backorder_id=backorder.backorder_id)
    )
    (stock,) = (await site.storage.GetStock(storage_pb2.GetStockRequest())).stock
    assert (stock.on_hand, stock.allocated, stock.available) == (2, 0, 2)
    assert [line.quantity_allocated for line in (await get_order(site, order_id)).items] == [0]


async def test_a_short_pick_opens_a_backorder(site: Api, fulfillment: Fulfillment, sql: Any) -> None:
    """The missing units are written off, and the order proceeds with the remaining ones."""
    request = create_order(items=[item(quantity=3)])
    order_id = (await site.orders.CreateOrder(request)).order.order_id
    await fulfillment.deliver_all(site)
    report = storage_pb2.ReportShortPickRequest(
        order_id=order_id,
        sku="SKU-001",
        missing_quantity=1,
        reason=storage_pb2.SHORT_PICK_REASON_DAMAGED,
    )
    response = await site.storage.ReportShortPick(report)
    assert response.order.status == order_pb2.ORDER_STATUS_PACKING
    assert [backorder.reason for backorder in response.backorders] == [storage_pb2.BACKORDER_REASON_DAMAGED]
    assert await sql.fetchval("SELECT sum(quantity) FROM write_offs") == 1
    report.missing_quantity = 3
    failure = await expect_failure(site.storage.ReportShortPick(report))
    assert (failure.reason, failure.metadata["quantity"]) == ("QUANTITY_EXCEEDED", "2")


async def test_a_short_pick_of_all_units_is_a_failure(site: Api, fulfillment: Fulfillment, sql: Any) -> None:
    """With too few units left the order fails in its current status, and the units are not stock again."""
    request = create_order(items=[item(quantity=3)])
    order_id = (await site.orders.CreateOrder(request)).order.order_id
    await fulfillment.deliver_all(site)
    report = storage_pb2.ReportShortPickRequest(
        order_id=order_id,
        sku="SKU-001",
        missing_quantity=3,
        reason=storage_pb2.SHORT_PICK_REASON_NOT_FOUND,
    )
    response = await site.storage.ReportShortPick(report)
    assert response.order.status == order_pb2.ORDER_STATUS_PENDING_RETRY
    assert response.order.failed_status == order_pb2.ORDER_STATUS_PACKING
    order = await get_order(site, order_id)
    assert [(line.quantity_allocated, line.quantity_delivered) for line in order.items] == [(0, 0)]
    assert await sql.fetchval("SELECT coalesce(sum(quantity), 0) FROM carriers") == 0


async def test_a_cancelled_order_closes_its_backorders_and_returns_its_units(
    site: Api, fulfillment: Fulfillment
) -> None:
    """After CancelOrder no unit is backordered, and the delivered units are stock again."""
    order_id = await order_five_units(site)
    await fulfillment.deliver_all(site)
    await site.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="changed mind"))
    (backorder,) = await list_backorders(site)
    assert backorder.status == storage_pb2.BACKORDER_STATUS_CANCELLED
    await fulfillment.deliver_all(site)
    (stock,) = (await site.storage.GetStock(storage_pb2.GetStockRequest())).stock
    assert (stock.on_hand, stock.available) == (3, 3)


async def test_blocking_carriers_are_relocated_before_the_allocated_one_leaves(
    api: Api, fulfillment: Fulfillment
) -> None:
    """Only the head of a lane can leave. Two carriers are relocated to another lane first."""
    await api.storage.PutLane(put_lane("LANE-1"))
    await api.storage.PutLane(put_lane("LANE-2"))
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive(("B-1", "OTHER", 1), ("B-2", "OTHER", 1), ("W", "SKU-001", 2)))
    order_id = (await api.orders.CreateOrder(create_order())).order.order_id
    await fulfillment.run()
    first = await api.storage.ClaimMoves(
        storage_pb2.ClaimMovesRequest(warehouse_id="WH-01", max=10, claimed_by="test")
    )
    assert [(move.carrier_id, move.kind) for move in first.moves] == [("B-1", storage_pb2.MOVE_KIND_RELOCATE)]
    await api.storage.CompleteMove(
        storage_pb2.CompleteMoveRequest(move_id=first.moves[0].move_id, claimed_by="test")
    )
    await fulfillment.deliver_all(api)
    assert (await get_order(api, order_id)).status == order_pb2.ORDER_STATUS_PACKING
    lanes = (await api.storage.ListLanes(storage_pb2.ListLanesRequest())).lanes
    assert {lane.lane_id: lane.occupied for lane in lanes} == {"LANE-1": 0, "LANE-2": 2}


async def test_a_carrier_behind_too_many_others_is_used_last(api: Api, fulfillment: Fulfillment) -> None:
    """A younger carrier is used before it.

    Without another one the blocking carriers are relocated one by one.
    """
    for lane_id in ("LANE-1", "LANE-2"):
        await api.storage.PutLane(put_lane(lane_id))
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(
        receive(*[(f"B-{n}", "OTHER", 1) for n in range(3)], ("DEEP", "SKU-001", 2))
    )
    await api.storage.ReceiveCarriers(receive(("NEAR", "SKU-001", 2), lane_id="LANE-2"))
    for expected_ids in ({"NEAR"}, {"NEAR", "DEEP"}):
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        await fulfillment.deliver_all(api, max_blocking_carriers=2)
        assert (await get_order(api, order_id)).status == order_pb2.ORDER_STATUS_PACKING
        listed = await api.storage.ListCarriers(
            storage_pb2.ListCarriersRequest(locations=[storage_pb2.CARRIER_LOCATION_LEFT])
        )
        assert {carrier.carrier_id for carrier in listed.carriers} == expected_ids


async def test_a_carrier_put_on_hold_is_released_and_its_order_retried(
    api: Api, fulfillment: Fulfillment
) -> None:
    """The order fails with the reason of the hold."""
    await api.storage.PutLane(put_lane("LANE-1"))
    await api.storage.PutDestination(put_destination(queue_capacity=1))
    await api.storage.ReceiveCarriers(receive(("X", "OTHER", 1), ("Y", "SKU-001", 2)))
    first = create_order(items=[item("OTHER", 1)], priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
    await api.orders.CreateOrder(first)
    order_id = (await api.orders.CreateOrder(create_order())).order.order_id
    await fulfillment.run()
    await api.storage.SetCarrierStatus(
        storage_pb2.SetCarrierStatusRequest(
            carrier_id="Y", status=storage_pb2.CARRIER_STATUS_ON_HOLD, reason="recall"
        )
    )
    await fulfillment.run()
    order = await get_order(api, order_id)
    assert order.status == order_pb2.ORDER_STATUS_PENDING_RETRY
    assert "recall" in order.last_failure_reason
