"""Shortages: partial fulfilment, backorders, short picks, several shipments."""

from typing import Any

import pytest

from tests.support.api import Api
from tests.support.failures import failing
from tests.support.fulfillment import Fulfillment
from tests.support.requests import create_order, item, put_destination, put_lane, receive
from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2

pytestmark = pytest.mark.also_over_http


@pytest.fixture
async def site(api: Api) -> Api:
    """Give a warehouse with a lane, a destination and three units of one SKU."""
    await api.storage.PutLane(put_lane())
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive(("CAR-1", "SKU-001", 3)))
    return api


async def get(api: Api, order_id: str) -> order_pb2.Order:
    """Give an order as it is now."""
    return (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))).order


async def ship(api: Api, order_id: str) -> order_pb2.Order:
    """Ship what has been delivered."""
    request = orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="UPS", tracking_number="1Z")
    return (await api.orders.ShipOrder(request)).order


async def events(api: Api, order_id: str) -> list[Any]:
    """Give an order's events."""
    request = orders_pb2.GetOrderHistoryRequest(order_id=order_id, page_size=200)
    return list((await api.orders.GetOrderHistory(request)).events)


async def backorders(api: Api, **fields: Any) -> list[storage_pb2.Backorder]:
    """List backorders."""
    request = storage_pb2.ListBackordersRequest(**fields)
    return list((await api.storage.ListBackorders(request)).backorders)


async def five(api: Api, **fields: Any) -> str:
    """Order five units, of which three are there."""
    request = create_order(items=[item(quantity=5)], **fields)
    return (await api.orders.CreateOrder(request)).order.order_id


async def test_an_order_goes_on_with_three_of_five_units(site: Api, fulfillment: Fulfillment) -> None:
    """What is there is delivered, the rest is owed, and the events say both with a ratio of 0.6."""
    order_id = await five(site)
    await fulfillment.deliver(site)
    order = await get(site, order_id)
    assert order.status == order_pb2.ORDER_STATUS_PACKING
    assert [(one.quantity_delivered, one.quantity_backordered) for one in order.items] == [(3, 2)]
    told = {event.type: dict(event.payload) for event in await events(site, order_id)}
    partial = told["wms.order.partially-fulfilled"]
    assert partial["fulfillmentRatio"] == 0.6
    assert [dict(one) for one in partial["fulfilledItems"]] == [
        {"sku": "SKU-001", "quantityOrdered": 5, "quantityFulfilled": 3}
    ]
    assert [dict(one) for one in partial["backorderedItems"]] == [
        {"sku": "SKU-001", "quantityOrdered": 5, "quantityShort": 2, "reason": "quantity_mismatch"}
    ]
    assert told["wms.order.backorder-created"]["quantity"] == 2


async def test_stock_that_comes_later_fills_the_backorder_before_new_orders(
    site: Api, fulfillment: Fulfillment
) -> None:
    """The oldest debt is paid first, with an event, a second shipment, and only then completion."""
    order_id = await five(site)
    await fulfillment.deliver(site)
    await ship(site, order_id)
    failure = await failing(site.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id)))
    assert failure.reason == "BACKORDER_OPEN"
    later = (await site.orders.CreateOrder(create_order())).order.order_id
    await site.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 2)))
    await fulfillment.deliver(site)
    order = await get(site, order_id)
    assert order.status == order_pb2.ORDER_STATUS_SHIPPED
    assert [(one.quantity_delivered, one.quantity_backordered) for one in order.items] == [(5, 0)]
    assert (await get(site, later)).status == order_pb2.ORDER_STATUS_PENDING_RETRY
    assert (await backorders(site))[0].status == storage_pb2.BACKORDER_STATUS_FULFILLED
    failure = await failing(site.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id)))
    assert failure.reason == "UNITS_NOT_SHIPPED"
    assert len((await ship(site, order_id)).shipments) == 2
    await site.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))
    types = [event.type for event in await events(site, order_id)]
    assert types.count("wms.order.backorder-fulfilled") == 1
    assert types.count("wms.order.shipped") == 2
    assert types[-1] == "wms.order.completed"


async def test_an_order_that_allows_no_part_fails_whole(site: Api, fulfillment: Fulfillment) -> None:
    """Three of five units are not allocated to an order that wants all or nothing."""
    order_id = await five(site, allow_partial=False)
    await fulfillment.deliver(site)
    order = await get(site, order_id)
    assert order.status == order_pb2.ORDER_STATUS_PENDING_RETRY
    assert order.last_failure_reason == "Inventory unavailable"
    assert await backorders(site) == []


async def test_less_than_half_is_a_failure(site: Api, fulfillment: Fulfillment) -> None:
    """The share that has to be there is configured; below it the order waits for its retry."""
    request = create_order(items=[item(quantity=7)])
    order_id = (await site.orders.CreateOrder(request)).order.order_id
    await fulfillment.deliver(site)
    assert (await get(site, order_id)).status == order_pb2.ORDER_STATUS_PENDING_RETRY


async def test_the_ratio_counts_units_over_all_lines_of_a_sku(site: Api, fulfillment: Fulfillment) -> None:
    """Three of five is 0.6, also when the SKU stands on two lines."""
    request = create_order(items=[item(quantity=2), item(quantity=3)])
    order_id = (await site.orders.CreateOrder(request)).order.order_id
    await fulfillment.deliver(site)
    (partial,) = [
        event.payload for event in await events(site, order_id) if event.type.endswith("partially-fulfilled")
    ]
    assert partial["fulfillmentRatio"] == 0.6
    assert len(partial["backorderedItems"]) == 1


async def test_a_cancelled_backorder_is_owed_no_more(site: Api, fulfillment: Fulfillment) -> None:
    """CancelBackorder closes it, and the order can be completed with what it got."""
    order_id = await five(site)
    await fulfillment.deliver(site)
    await ship(site, order_id)
    (owed,) = await backorders(site, order_id=order_id)
    request = storage_pb2.CancelBackorderRequest(backorder_id=owed.backorder_id, reason="discontinued")
    cancelled = (await site.storage.CancelBackorder(request)).backorder
    assert cancelled.status == storage_pb2.BACKORDER_STATUS_CANCELLED
    assert (await site.storage.CancelBackorder(request)).backorder == cancelled
    completed = await site.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))
    assert completed.order.status == order_pb2.ORDER_STATUS_COMPLETED


async def test_a_backorder_in_progress_lets_go_of_its_stock_when_it_is_cancelled(
    site: Api, fulfillment: Fulfillment
) -> None:
    """Stock that was on its way for a cancelled backorder is free again."""
    order_id = await five(site)
    await fulfillment.deliver(site)
    await site.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 2)))
    await fulfillment.run()
    (owed,) = await backorders(site, order_id=order_id)
    assert owed.status == storage_pb2.BACKORDER_STATUS_IN_PROGRESS
    await site.storage.CancelBackorder(storage_pb2.CancelBackorderRequest(backorder_id=owed.backorder_id))
    (stock,) = (await site.storage.GetStock(storage_pb2.GetStockRequest())).stock
    assert (stock.on_hand, stock.allocated, stock.available) == (2, 0, 2)
    assert [line.quantity_allocated for line in (await get(site, order_id)).items] == [0]


async def test_a_picker_who_finds_less_opens_a_backorder(
    site: Api, fulfillment: Fulfillment, sql: Any
) -> None:
    """A short pick takes units out of the books, and the order goes on with what was found."""
    request = create_order(items=[item(quantity=3)])
    order_id = (await site.orders.CreateOrder(request)).order.order_id
    await fulfillment.deliver(site)
    report = storage_pb2.ReportShortPickRequest(
        order_id=order_id,
        sku="SKU-001",
        missing_quantity=1,
        reason=storage_pb2.SHORT_PICK_REASON_DAMAGED,
    )
    answer = await site.storage.ReportShortPick(report)
    assert answer.order.status == order_pb2.ORDER_STATUS_PACKING
    assert [one.reason for one in answer.backorders] == [storage_pb2.BACKORDER_REASON_DAMAGED]
    assert await sql.fetchval("SELECT sum(quantity) FROM write_offs") == 1
    report.missing_quantity = 3
    failure = await failing(site.storage.ReportShortPick(report))
    assert (failure.reason, failure.metadata["quantity"]) == ("QUANTITY_EXCEEDED", "2")


async def test_a_picker_who_finds_nothing_counts_a_failure(
    site: Api, fulfillment: Fulfillment, sql: Any
) -> None:
    """With too little left the order fails in the status it was in, and no unit comes back."""
    request = create_order(items=[item(quantity=3)])
    order_id = (await site.orders.CreateOrder(request)).order.order_id
    await fulfillment.deliver(site)
    report = storage_pb2.ReportShortPickRequest(
        order_id=order_id,
        sku="SKU-001",
        missing_quantity=3,
        reason=storage_pb2.SHORT_PICK_REASON_NOT_FOUND,
    )
    answer = await site.storage.ReportShortPick(report)
    assert answer.order.status == order_pb2.ORDER_STATUS_PENDING_RETRY
    assert answer.order.failed_status == order_pb2.ORDER_STATUS_PACKING
    order = await get(site, order_id)
    assert [(one.quantity_allocated, one.quantity_delivered) for one in order.items] == [(0, 0)]
    assert await sql.fetchval("SELECT coalesce(sum(quantity), 0) FROM carriers") == 0


async def test_a_cancelled_order_closes_its_backorders_and_gives_its_units_back(
    site: Api, fulfillment: Fulfillment
) -> None:
    """After CancelOrder nothing is owed, and what had been delivered is stock again."""
    order_id = await five(site)
    await fulfillment.deliver(site)
    await site.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="changed mind"))
    (owed,) = await backorders(site)
    assert owed.status == storage_pb2.BACKORDER_STATUS_CANCELLED
    await fulfillment.deliver(site)
    (stock,) = (await site.storage.GetStock(storage_pb2.GetStockRequest())).stock
    assert (stock.on_hand, stock.available) == (3, 3)


async def test_only_the_head_of_a_lane_leaves_and_blockers_are_moved_out_of_the_way(
    api: Api, fulfillment: Fulfillment
) -> None:
    """A wanted carrier behind two others is brought after both were relocated to another lane."""
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
    await fulfillment.deliver(api)
    assert (await get(api, order_id)).status == order_pb2.ORDER_STATUS_PACKING
    lanes = (await api.storage.ListLanes(storage_pb2.ListLanesRequest())).lanes
    assert {lane.lane_id: lane.occupied for lane in lanes} == {"LANE-1": 0, "LANE-2": 2}


async def test_a_carrier_with_too_many_in_front_of_it_is_the_last_that_is_used(
    api: Api, fulfillment: Fulfillment
) -> None:
    """A younger carrier is used before it; when there is no other it is dug out, step by step."""
    for lane_id in ("LANE-1", "LANE-2"):
        await api.storage.PutLane(put_lane(lane_id))
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(
        receive(*[(f"B-{n}", "OTHER", 1) for n in range(3)], ("DEEP", "SKU-001", 2))
    )
    await api.storage.ReceiveCarriers(receive(("NEAR", "SKU-001", 2), lane_id="LANE-2"))
    for used in ({"NEAR"}, {"NEAR", "DEEP"}):
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        await fulfillment.deliver(api, most_blockers=2)
        assert (await get(api, order_id)).status == order_pb2.ORDER_STATUS_PACKING
        listed = await api.storage.ListCarriers(
            storage_pb2.ListCarriersRequest(locations=[storage_pb2.CARRIER_LOCATION_LEFT])
        )
        assert {carrier.carrier_id for carrier in listed.carriers} == used


async def test_an_order_that_waits_for_a_carrier_held_meanwhile_fails_and_finds_another(
    api: Api, fulfillment: Fulfillment
) -> None:
    """A carrier put on hold in its lane is let go of, and the retry takes the next one."""
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
    order = await get(api, order_id)
    assert order.status == order_pb2.ORDER_STATUS_PENDING_RETRY
    assert "recall" in order.last_failure_reason
