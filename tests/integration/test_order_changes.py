"""OrderService over gRPC: changing, validating, cancelling, shipping and completing an order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.api import Api
from tests.support.failures import failing
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql, breaches
from tests.support.orders import (
    assert_legal,
    created,
    dead_letter,
    facts,
    history,
    moment,
    order_in,
    read,
    status_of,
    stocked,
    told,
)
from tests.support.requests import address, create_order, item
from tests.support.tables import counts
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2, orders_pb2
from wms_core.domain.order_status import UPDATABLE, WORKING, OrderStatus, allowed

pytestmark = pytest.mark.also_over_http

_S = OrderStatus


def change(order_id: str, *paths: str, etag: str = "", **fields: Any) -> orders_pb2.UpdateOrderRequest:
    """Give a request to update these fields, with a mask when paths are named."""
    return orders_pb2.UpdateOrderRequest(
        order_id=order_id,
        order=order_pb2.Order(**fields),
        update_mask=FieldMask(paths=paths) if paths else None,
        etag=etag,
    )


# UpdateOrder


async def test_without_a_mask_the_fields_that_are_set_are_changed(api: Api) -> None:
    """The others stay; the etag is another one; the event names what changed."""
    order = await created(api, promised_delivery_at=Timestamp(seconds=100))
    request = change(
        order.order_id,
        priority=order_pb2.ORDER_PRIORITY_SAME_DAY,
        shipping_address=address(city="Oslo", country="NO"),
    )
    after = (await api.orders.UpdateOrder(request)).order
    assert after.priority == order_pb2.ORDER_PRIORITY_SAME_DAY
    assert after.shipping_address == address(city="Oslo", country="NO")
    assert (after.promised_delivery_at, after.items) == (order.promised_delivery_at, order.items)
    assert after.etag != order.etag
    assert after.created_at == order.created_at
    assert await read(api, order.order_id) == after
    events = await history(api, order.order_id)
    assert events[-1].type == "wms.order.updated"
    assert facts(events[-1].payload["changes"]) == {
        "priority": "same_day",
        "shippingAddress": {"street": "123 Main St", "city": "Oslo", "country": "NO"},
    }
    assert_legal(events)


async def test_only_what_the_mask_names_is_changed(api: Api) -> None:
    """What is set beside it is neither read nor checked."""
    order = await created(api)
    request = change(
        order.order_id,
        "priority",
        priority=order_pb2.ORDER_PRIORITY_NEXT_DAY,
        shipping_address=address(country="nowhere"),
        items=[item(quantity=-5)],
        created_at=Timestamp(seconds=1),
    )
    after = (await api.orders.UpdateOrder(request)).order
    assert after.priority == order_pb2.ORDER_PRIORITY_NEXT_DAY
    assert after.created_at == order.created_at
    assert (after.shipping_address, after.items) == (order.shipping_address, order.items)


async def test_the_promised_time_can_be_set_and_cleared(api: Api) -> None:
    """Named and not set clears it; that is told as null."""
    order = await created(api)
    promised = Timestamp(seconds=1_900_000_000)
    after = (await api.orders.UpdateOrder(change(order.order_id, promised_delivery_at=promised))).order
    assert after.promised_delivery_at == promised
    cleared = (await api.orders.UpdateOrder(change(order.order_id, "promised_delivery_at"))).order
    assert not cleared.HasField("promised_delivery_at")
    events = await history(api, order.order_id)
    assert facts(events[-2].payload["changes"]) == {"promisedDeliveryAt": "2030-03-17T17:46:40Z"}
    assert facts(events[-1].payload["changes"]) == {"promisedDeliveryAt": None}


async def test_a_field_that_an_order_must_have_is_not_cleared(api: Api, sql: Sql) -> None:
    """Named and not set is a fault of that field."""
    order = await created(api)
    before = await counts(sql)
    for field in ["priority", "shipping_address", "items"]:
        failure = await failing(api.orders.UpdateOrder(change(order.order_id, field)))
        assert failure.reason == "INVALID_REQUEST"
        assert list(failure.violations) == [f"order.{field}"]
        assert await counts(sql) == before


async def test_items_are_replaced_as_a_whole(api: Api) -> None:
    """New lines, numbered from 1, with nothing of the old ones."""
    order = await created(api, items=[item("A", 1), item("B", 2), item("C", 3)])
    new = [item("D", 7), item("A", 9, unit_price=None)]
    after = (await api.orders.UpdateOrder(change(order.order_id, "items", items=new))).order
    assert [(line.line_number, line.sku, line.quantity) for line in after.items] == [(1, "D", 7), (2, "A", 9)]
    assert await read(api, order.order_id) == after
    events = await history(api, order.order_id)
    changed = facts(events[-1].payload["changes"])
    assert [line["sku"] for line in changed["items"]] == ["D", "A"]


async def test_an_update_that_changes_nothing_writes_nothing(api: Api, sql: Sql) -> None:
    """The same values again: same etag, no event."""
    order = await created(api)
    before = await counts(sql)
    request = change(order.order_id, priority=order.priority, shipping_address=order.shipping_address)
    assert (await api.orders.UpdateOrder(request)).order == order
    assert await counts(sql) == before


async def test_an_update_without_anything_to_change_is_a_fault(api: Api) -> None:
    """Neither a mask nor a field that can be changed."""
    order = await created(api)
    failure = await failing(api.orders.UpdateOrder(change(order.order_id, customer_id="other")))
    assert (failure.reason, list(failure.violations)) == ("INVALID_REQUEST", ["order"])


async def test_all_faults_of_an_update_are_told_at_once(api: Api) -> None:
    """Those of the request and those of the changed fields, by path."""
    order = await created(api)
    request = change(
        order.order_id,
        "items",
        "shipping_address",
        "status",
        items=[item("A", 0), item("", 1)],
        shipping_address=address(street="\n", country="XX"),
        etag="\x07",
    )
    failure = await failing(api.orders.UpdateOrder(request))
    assert set(failure.violations) == {
        "update_mask",
        "etag",
        "order.items[0].quantity",
        "order.items[1].sku",
        "order.shipping_address.street",
        "order.shipping_address.country",
    }


async def test_faults_of_an_update_come_before_the_replay_of_its_id(api: Api) -> None:
    """Checks come in order: syntax, replay, existence, etag, status."""
    order = await created(api)
    good = change(order.order_id, priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
    good.request_id = "U-1"
    await api.orders.UpdateOrder(good)
    bad = change(order.order_id, "priority")
    bad.request_id = "U-1"
    assert (await failing(api.orders.UpdateOrder(bad))).reason == "INVALID_REQUEST"


async def test_an_etag_that_is_not_the_present_one_refuses_the_update(api: Api, sql: Sql) -> None:
    """The error carries the present one; with that the update goes through."""
    order = await created(api)
    urgent = order_pb2.ORDER_PRIORITY_SAME_DAY
    first = (await api.orders.UpdateOrder(change(order.order_id, priority=urgent, etag=order.etag))).order
    before = await counts(sql)
    later = order_pb2.ORDER_PRIORITY_NEXT_DAY
    failure = await failing(api.orders.UpdateOrder(change(order.order_id, priority=later, etag=order.etag)))
    assert failure.reason == "ETAG_MISMATCH"
    assert failure.metadata == {"orderId": order.order_id, "etag": first.etag}
    assert await counts(sql) == before
    await api.orders.UpdateOrder(change(order.order_id, priority=later, etag=failure.metadata["etag"]))


async def test_an_order_is_updated_before_picking_only(api: Api, fulfillment: Fulfillment) -> None:
    """In RECEIVED, VALIDATED and ASSIGNED_TO_WAVE; else the error names both statuses."""
    await stocked(api)
    for status in list(OrderStatus):
        order = await order_in(api, fulfillment, status)
        request = change(order.order_id, priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
        if status in UPDATABLE:
            after = (await api.orders.UpdateOrder(request)).order
            assert (after.priority, after.status) == (order_pb2.ORDER_PRIORITY_SAME_DAY, order.status)
        else:
            failure = await failing(api.orders.UpdateOrder(request))
            assert failure.reason == "ORDER_STATUS_CONFLICT"
            assert failure.metadata["status"] == status.value
            assert failure.metadata["requiredStatuses"] == "received,validated,assigned_to_wave"
            assert await read(api, order.order_id) == order


async def test_replaced_items_let_go_of_the_stock_they_held(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """An order in a wave that holds stock gets new lines: what it held is free again."""
    await stocked(api, quantity=10)
    order = await created(api, items=[item(quantity=4)])
    cycle = fulfillment.cycle()
    for step in (cycle.validate, cycle.plan_waves, cycle.allocate):
        await step()
    assert (await read(api, order.order_id)).items[0].quantity_allocated == 4
    after = (await api.orders.UpdateOrder(change(order.order_id, "items", items=[item(quantity=7)]))).order
    assert (after.items[0].quantity, after.items[0].quantity_allocated) == (7, 0)
    assert await sql.fetchval("SELECT sum(allocated) FROM carriers") == 0
    assert await breaches(sql) == []


# ValidateOrder


async def test_a_received_order_is_validated_once(api: Api) -> None:
    """The second call succeeds and tells nothing new."""
    order = await created(api)
    request = orders_pb2.ValidateOrderRequest(order_id=order.order_id)
    first = (await api.orders.ValidateOrder(request)).order
    assert status_of(first) is _S.VALIDATED
    assert (await api.orders.ValidateOrder(request)).order == first
    assert await told(api, order.order_id) == ["received", "validated"]


async def test_a_stale_etag_is_refused_even_when_the_status_is_right(api: Api) -> None:
    """The etag is checked before the status."""
    order = await created(api)
    validate = api.orders.ValidateOrder
    await validate(orders_pb2.ValidateOrderRequest(order_id=order.order_id, etag=order.etag))
    stale = orders_pb2.ValidateOrderRequest(order_id=order.order_id, etag=order.etag)
    assert (await failing(validate(stale))).reason == "ETAG_MISMATCH"


async def test_an_unknown_order_is_not_found_by_any_change(api: Api) -> None:
    """Existence is checked before etag and status."""
    for rpc in ["ValidateOrder", "CancelOrder", "CompleteOrder"]:
        request_type = getattr(orders_pb2, f"{rpc}Request")
        failure = await failing(getattr(api.orders, rpc)(request_type(order_id="gone", etag='"7"')))
        assert (failure.reason, failure.metadata) == ("ORDER_NOT_FOUND", {"orderId": "gone"})


# Each call in each status: the table decides

_CALLS = {
    "ValidateOrder": (_S.VALIDATED, {}),
    "CancelOrder": (_S.CANCELLED, {}),
    "CompleteOrder": (_S.COMPLETED, {}),
    "ShipOrder": (_S.SHIPPED, {"carrier_code": "UPS", "tracking_number": "1Z"}),
}


@pytest.mark.parametrize("rpc", list(_CALLS))
async def test_the_table_decides_which_calls_an_order_takes(
    api: Api, fulfillment: Fulfillment, rpc: str, sql: Sql
) -> None:
    """An arrow is followed, the status it has is kept, all else is refused naming both statuses."""
    await stocked(api)
    to, fields = _CALLS[rpc]
    for status in OrderStatus:
        order = await order_in(api, fulfillment, status)
        events = len(await history(api, order.order_id))
        request = getattr(orders_pb2, f"{rpc}Request")(order_id=order.order_id, **fields)
        call = getattr(api.orders, rpc)(request)
        if allowed(status, to):
            assert status_of((await call).order) is to
        elif status is to and rpc != "ShipOrder":
            assert (await call).order == order
            assert len(await history(api, order.order_id)) == events
        else:
            failure = await failing(call)
            expected = "NOTHING_TO_SHIP" if status is to else "ORDER_STATUS_CONFLICT"
            assert failure.reason == expected, (status, failure)
            assert await read(api, order.order_id) == order
        assert_legal(await history(api, order.order_id))
    assert await breaches(sql) == []


# CancelOrder


async def test_an_order_is_cancelled_before_it_is_shipped(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """With its reason, one event, nothing held any more; again it changes nothing."""
    await stocked(api, quantity=10)
    for status in [*WORKING, _S.PENDING_RETRY]:
        order = await order_in(api, fulfillment, status)
        request = orders_pb2.CancelOrderRequest(order_id=order.order_id, reason="Customer request")
        after = (await api.orders.CancelOrder(request)).order
        assert (status_of(after), after.cancel_reason) == (_S.CANCELLED, "Customer request")
        assert not after.HasField("next_retry_at")
        assert after.failed_status == order_pb2.ORDER_STATUS_UNSPECIFIED
        assert [line.quantity_allocated for line in after.items] == [0]
        request.reason = "another"
        assert (await api.orders.CancelOrder(request)).order == after
        events = await history(api, order.order_id)
        assert [event.type for event in events].count("wms.order.cancelled") == 1
        assert events[-1].payload["reason"] == "Customer request"
        assert_legal(events)
        assert await sql.fetchval("SELECT sum(quantity) FROM carriers WHERE location <> 'left'") == 10
        assert await breaches(sql) == []


async def test_cancelling_a_dead_lettered_order_resolves_its_entry(api: Api, sql: Sql) -> None:
    """By the caller, with the reason as notes; both facts are told."""
    order = await created(api)
    await dead_letter(api, order.order_id)
    request = orders_pb2.CancelOrderRequest(order_id=order.order_id, reason="gave up")
    after = (await api.orders.CancelOrder(request, metadata=(("x-wms-actor", "SUP-1"),))).order
    assert (status_of(after), after.cancel_reason) == (_S.CANCELLED, "gave up")
    assert after.failed_status == order_pb2.ORDER_STATUS_UNSPECIFIED
    entry = (
        await api.dead_letters.GetDeadLetterEntry(
            dead_letters_pb2.GetDeadLetterEntryRequest(order_id=order.order_id)
        )
    ).entry
    assert entry.resolution == dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED
    assert (entry.resolved_by, entry.notes) == ("SUP-1", "gave up")
    assert await told(api, order.order_id) == ["received", "moved-to-dlq", "dlq-resolved", "cancelled"]
    assert await breaches(sql) == []


# ShipOrder and CompleteOrder


async def test_what_was_delivered_is_shipped(api: Api, fulfillment: Fulfillment, sql: Sql) -> None:
    """The shipment names carrier, number and lines; the event says the same; quantities move on."""
    await stocked(api)
    order = await order_in(api, fulfillment, _S.PACKING)
    assert [(line.quantity_allocated, line.quantity_delivered) for line in order.items] == [(0, 2)]
    request = orders_pb2.ShipOrderRequest(
        order_id=order.order_id, carrier_code="UPS", tracking_number="1Z999AA10123456784"
    )
    after = (await api.orders.ShipOrder(request)).order
    assert status_of(after) is _S.SHIPPED
    (shipment,) = after.shipments
    assert (shipment.shipment_number, shipment.carrier_code) == (1, "UPS")
    assert shipment.tracking_number == "1Z999AA10123456784"
    assert [(line.line_number, line.sku, line.quantity) for line in shipment.lines] == [(1, "SKU-001", 2)]
    assert [line.quantity_shipped for line in after.items] == [2]
    assert await read(api, order.order_id) == after
    event = (await history(api, order.order_id))[-1]
    assert event.type == "wms.order.shipped"
    body = facts(event.payload)
    assert moment(str(body.pop("timestamp"))) == shipment.shipped_at
    assert body == {
        "type": "wms.order.shipped",
        "orderId": order.order_id,
        "customerId": "CUST-001",
        "shipmentNumber": 1,
        "carrierCode": "UPS",
        "trackingNumber": "1Z999AA10123456784",
        "items": [{"sku": "SKU-001", "quantity": 2}],
    }
    assert await breaches(sql) == []


async def test_shipping_again_without_anything_new_is_an_error(api: Api, fulfillment: Fulfillment) -> None:
    """The order was shipped whole; there is nothing for a further shipment."""
    await stocked(api)
    order = await order_in(api, fulfillment, _S.SHIPPED)
    request = orders_pb2.ShipOrderRequest(order_id=order.order_id, carrier_code="UPS", tracking_number="2")
    failure = await failing(api.orders.ShipOrder(request))
    assert (failure.reason, failure.metadata) == ("NOTHING_TO_SHIP", {"orderId": order.order_id})
    assert len((await read(api, order.order_id)).shipments) == 1


async def test_delivery_is_confirmed_at_the_time_given(api: Api, fulfillment: Fulfillment) -> None:
    """To the microsecond, in the order and in the event."""
    await stocked(api)
    order = await order_in(api, fulfillment, _S.SHIPPED)
    delivered_at = Timestamp(seconds=1_700_000_000, nanos=987_654_000)
    request = orders_pb2.CompleteOrderRequest(order_id=order.order_id, delivered_at=delivered_at)
    after = (await api.orders.CompleteOrder(request)).order
    assert (status_of(after), after.delivered_at) == (_S.COMPLETED, delivered_at)
    event = (await history(api, order.order_id))[-1]
    assert event.payload["deliveredAt"] == "2023-11-14T22:13:20.987654Z"


async def test_delivery_is_confirmed_now_when_no_time_is_given(api: Api, fulfillment: Fulfillment) -> None:
    """The time of the call."""
    await stocked(api)
    order = await order_in(api, fulfillment, _S.COMPLETED)
    assert order.delivered_at == order.updated_at


async def test_a_delivery_may_lie_five_minutes_ahead_and_no_more(api: Api, fulfillment: Fulfillment) -> None:
    """Clocks differ a little; more is a mistake that changes nothing."""
    await stocked(api)
    order = await order_in(api, fulfillment, _S.SHIPPED)
    request = orders_pb2.CompleteOrderRequest(order_id=order.order_id)
    request.delivered_at.FromDatetime(datetime.now(UTC) + timedelta(minutes=5, seconds=30))
    failure = await failing(api.orders.CompleteOrder(request))
    assert (failure.reason, failure.metadata["field"]) == ("TIME_IN_FUTURE", "delivered_at")
    assert await read(api, order.order_id) == order
    request.delivered_at.FromDatetime(datetime.now(UTC) + timedelta(minutes=4, seconds=30))
    await api.orders.CompleteOrder(request)


async def test_an_overdue_order_is_overdue_until_it_is_shipped(api: Api, fulfillment: Fulfillment) -> None:
    """Failed and dead-lettered orders stay overdue; shipped and cancelled ones are not."""
    await stocked(api)
    past = Timestamp(seconds=1)
    order = (await api.orders.CreateOrder(create_order(promised_delivery_at=past))).order
    await fulfillment.deliver(api)
    assert (await read(api, order.order_id)).overdue
    request = orders_pb2.ShipOrderRequest(order_id=order.order_id, carrier_code="UPS", tracking_number="1")
    assert not (await api.orders.ShipOrder(request)).order.overdue
    lost = await created(api, promised_delivery_at=past)
    await dead_letter(api, lost.order_id)
    assert (await read(api, lost.order_id)).overdue
    cancelled = await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=lost.order_id))
    assert not cancelled.order.overdue
