"""OrderService over gRPC: update, validate, cancel, ship and complete an order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import (
    assert_valid_history,
    dead_letter_order,
    domain_status_of,
    list_event_types,
    parse_timestamp,
    place_order,
    place_order_in_status,
    read_history,
    read_order,
    receive_stock,
    to_python_dict,
)
from tests.support.builders.requests import address, create_order, item
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.invariants.tables import count_table_rows
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2, orders_pb2
from wms_core.domain.orders.status import UPDATABLE_STATUSES, WORKING_STATUSES, OrderStatus, is_allowed

pytestmark = pytest.mark.also_over_http

_S = OrderStatus


def build_update(order_id: str, *paths: str, etag: str = "", **fields: Any) -> orders_pb2.UpdateOrderRequest:
    """Return a request to update these fields, with a mask if paths are given."""
    return orders_pb2.UpdateOrderRequest(
        order_id=order_id,
        order=order_pb2.Order(**fields),
        update_mask=FieldMask(paths=paths) if paths else None,
        etag=etag,
    )


# UpdateOrder


async def test_update_without_a_mask_changes_the_set_fields(api: Api) -> None:
    """The other fields stay, the etag changes, and the event names the changes."""
    order = await place_order(api, promised_delivery_at=Timestamp(seconds=100))
    request = build_update(
        order.order_id,
        priority=order_pb2.ORDER_PRIORITY_SAME_DAY,
        shipping_address=address(city="Oslo", country="NO"),
    )
    updated = (await api.orders.UpdateOrder(request)).order
    assert updated.priority == order_pb2.ORDER_PRIORITY_SAME_DAY
    assert updated.shipping_address == address(city="Oslo", country="NO")
    assert (updated.promised_delivery_at, updated.items) == (order.promised_delivery_at, order.items)
    assert updated.etag != order.etag
    assert updated.created_at == order.created_at
    assert await read_order(api, order.order_id) == updated
    events = await read_history(api, order.order_id)
    assert events[-1].type == "wms.order.updated"
    assert to_python_dict(events[-1].payload["changes"]) == {
        "priority": "same_day",
        "shippingAddress": {"street": "123 Main St", "city": "Oslo", "country": "NO"},
    }
    assert_valid_history(events)


async def test_update_changes_only_fields_in_the_mask(api: Api) -> None:
    """Other fields of the request are neither used nor validated."""
    order = await place_order(api)
    request = build_update(
        order.order_id,
        "priority",
        priority=order_pb2.ORDER_PRIORITY_NEXT_DAY,
        shipping_address=address(country="nowhere"),
        items=[item(quantity=-5)],
        created_at=Timestamp(seconds=1),
    )
    updated = (await api.orders.UpdateOrder(request)).order
    assert updated.priority == order_pb2.ORDER_PRIORITY_NEXT_DAY
    assert updated.created_at == order.created_at
    assert (updated.shipping_address, updated.items) == (order.shipping_address, order.items)


async def test_promised_time_can_be_set_and_cleared(api: Api) -> None:
    """A field in the mask without a value is cleared, which the event shows as null."""
    order = await place_order(api)
    promised = Timestamp(seconds=1_900_000_000)
    updated = (
        await api.orders.UpdateOrder(build_update(order.order_id, promised_delivery_at=promised))
    ).order
    assert updated.promised_delivery_at == promised
    cleared = (await api.orders.UpdateOrder(build_update(order.order_id, "promised_delivery_at"))).order
    assert not cleared.HasField("promised_delivery_at")
    events = await read_history(api, order.order_id)
    assert to_python_dict(events[-2].payload["changes"]) == {"promisedDeliveryAt": "2030-03-17T17:46:40Z"}
    assert to_python_dict(events[-1].payload["changes"]) == {"promisedDeliveryAt": None}


async def test_required_field_can_not_be_cleared(api: Api, sql: SqlConnection) -> None:
    """A required field in the mask without a value is an error of that field."""
    order = await place_order(api)
    before = await count_table_rows(sql)
    for field in ["priority", "shipping_address", "items"]:
        failure = await expect_failure(api.orders.UpdateOrder(build_update(order.order_id, field)))
        assert failure.reason == "INVALID_REQUEST"
        assert list(failure.violations_by_field) == [f"order.{field}"]
        assert await count_table_rows(sql) == before


async def test_update_replaces_all_items(api: Api) -> None:
    """The new lines are numbered from 1 and have no quantities of the old ones."""
    order = await place_order(api, items=[item("A", 1), item("B", 2), item("C", 3)])
    new_items = [item("D", 7), item("A", 9, unit_price=None)]
    updated = (await api.orders.UpdateOrder(build_update(order.order_id, "items", items=new_items))).order
    assert [(line.line_number, line.sku, line.quantity) for line in updated.items] == [
        (1, "D", 7),
        (2, "A", 9),
    ]
    assert await read_order(api, order.order_id) == updated
    events = await read_history(api, order.order_id)
    changes = to_python_dict(events[-1].payload["changes"])
    assert [line["sku"] for line in changes["items"]] == ["D", "A"]


async def test_update_without_a_difference_writes_nothing(api: Api, sql: SqlConnection) -> None:
    """The same values keep the etag and cause no event."""
    order = await place_order(api)
    before = await count_table_rows(sql)
    request = build_update(order.order_id, priority=order.priority, shipping_address=order.shipping_address)
    assert (await api.orders.UpdateOrder(request)).order == order
    assert await count_table_rows(sql) == before


async def test_update_without_fields_is_invalid(api: Api) -> None:
    """It has neither a mask nor an updatable field."""
    order = await place_order(api)
    failure = await expect_failure(api.orders.UpdateOrder(build_update(order.order_id, customer_id="other")))
    assert (failure.reason, list(failure.violations_by_field)) == ("INVALID_REQUEST", ["order"])


async def test_all_field_errors_of_an_update_are_returned_at_once(api: Api) -> None:
    """Errors of the request and of the changed fields, by path."""
    order = await place_order(api)
    request = build_update(
        order.order_id,
        "items",
        "shipping_address",
        "status",
        items=[item("A", 0), item("", 1)],
        shipping_address=address(street="\n", country="XX"),
        etag="\x07",
    )
    failure = await expect_failure(api.orders.UpdateOrder(request))
    assert set(failure.violations_by_field) == {
        "update_mask",
        "etag",
        "order.items[0].quantity",
        "order.items[1].sku",
        "order.shipping_address.street",
        "order.shipping_address.country",
    }


async def test_update_is_validated_before_its_replay(api: Api) -> None:
    """Checks have this order: syntax, replay, existence, etag, status."""
    order = await place_order(api)
    valid_request = build_update(order.order_id, priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
    valid_request.request_id = "U-1"
    await api.orders.UpdateOrder(valid_request)
    invalid_request = build_update(order.order_id, "priority")
    invalid_request.request_id = "U-1"
    assert (await expect_failure(api.orders.UpdateOrder(invalid_request))).reason == "INVALID_REQUEST"


async def test_update_with_a_stale_etag_is_rejected(api: Api, sql: SqlConnection) -> None:
    """The error has the current etag, with which the update succeeds."""
    order = await place_order(api)
    urgent = order_pb2.ORDER_PRIORITY_SAME_DAY
    first = (
        await api.orders.UpdateOrder(build_update(order.order_id, priority=urgent, etag=order.etag))
    ).order
    before = await count_table_rows(sql)
    next_day = order_pb2.ORDER_PRIORITY_NEXT_DAY
    failure = await expect_failure(
        api.orders.UpdateOrder(build_update(order.order_id, priority=next_day, etag=order.etag))
    )
    assert failure.reason == "ETAG_MISMATCH"
    assert failure.metadata == {"orderId": order.order_id, "etag": first.etag}
    assert await count_table_rows(sql) == before
    await api.orders.UpdateOrder(
        build_update(order.order_id, priority=next_day, etag=failure.metadata["etag"])
    )


async def test_order_can_be_updated_only_before_picking(api: Api, fulfillment: Fulfillment) -> None:
    """In other statuses than RECEIVED, VALIDATED and ASSIGNED_TO_WAVE, the error names the statuses."""
    await receive_stock(api)
    for status in list(OrderStatus):
        order = await place_order_in_status(api, fulfillment, status)
        request = build_update(order.order_id, priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
        if status in UPDATABLE_STATUSES:
            updated = (await api.orders.UpdateOrder(request)).order
            assert (updated.priority, updated.status) == (order_pb2.ORDER_PRIORITY_SAME_DAY, order.status)
        else:
            failure = await expect_failure(api.orders.UpdateOrder(request))
            assert failure.reason == "ORDER_STATUS_CONFLICT"
            assert failure.metadata["status"] == status.value
            assert failure.metadata["requiredStatuses"] == "received,validated,assigned_to_wave"
            assert await read_order(api, order.order_id) == order


async def test_update_of_items_releases_their_allocations(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The allocated units of an order in a wave are available again after it gets new lines."""
    await receive_stock(api, quantity=10)
    order = await place_order(api, items=[item(quantity=4)])
    cycle = fulfillment.cycle()
    for step in (cycle.validate, cycle.plan_waves, cycle.allocate):
        await step()
    assert (await read_order(api, order.order_id)).items[0].quantity_allocated == 4
    updated = (
        await api.orders.UpdateOrder(build_update(order.order_id, "items", items=[item(quantity=7)]))
    ).order
    assert (updated.items[0].quantity, updated.items[0].quantity_allocated) == (7, 0)
    assert await sql.fetchval("SELECT sum(allocated) FROM carriers") == 0
    assert await find_violations(sql) == []


# ValidateOrder


async def test_order_is_validated_once(api: Api) -> None:
    """The second call succeeds without an event."""
    order = await place_order(api)
    request = orders_pb2.ValidateOrderRequest(order_id=order.order_id)
    first = (await api.orders.ValidateOrder(request)).order
    assert domain_status_of(first) is _S.VALIDATED
    assert (await api.orders.ValidateOrder(request)).order == first
    assert await list_event_types(api, order.order_id) == ["received", "validated"]


async def test_stale_etag_is_rejected_even_in_a_valid_status(api: Api) -> None:
    """The etag is checked before the status."""
    order = await place_order(api)
    validate = api.orders.ValidateOrder
    await validate(orders_pb2.ValidateOrderRequest(order_id=order.order_id, etag=order.etag))
    stale = orders_pb2.ValidateOrderRequest(order_id=order.order_id, etag=order.etag)
    assert (await expect_failure(validate(stale))).reason == "ETAG_MISMATCH"


async def test_changes_of_an_unknown_order_fail_with_not_found(api: Api) -> None:
    """Existence is checked before etag and status."""
    for rpc in ["ValidateOrder", "CancelOrder", "CompleteOrder"]:
        request_type = getattr(orders_pb2, f"{rpc}Request")
        failure = await expect_failure(getattr(api.orders, rpc)(request_type(order_id="gone", etag='"7"')))
        assert (failure.reason, failure.metadata) == ("ORDER_NOT_FOUND", {"orderId": "gone"})


# Each call in each status, as the status table says

_CALLS = {
    "ValidateOrder": (_S.VALIDATED, {}),
    "CancelOrder": (_S.CANCELLED, {}),
    "CompleteOrder": (_S.COMPLETED, {}),
    "ShipOrder": (_S.SHIPPED, {"carrier_code": "UPS", "tracking_number": "1Z"}),
}


@pytest.mark.parametrize("rpc", list(_CALLS))
async def test_status_table_decides_which_calls_are_allowed(
    api: Api, fulfillment: Fulfillment, rpc: str, sql: SqlConnection
) -> None:
    """Legal transitions succeed, the current status is kept, and others are rejected."""
    await receive_stock(api)
    target_status, fields = _CALLS[rpc]
    for status in OrderStatus:
        order = await place_order_in_status(api, fulfillment, status)
        event_count = len(await read_history(api, order.order_id))
        request = getattr(orders_pb2, f"{rpc}Request")(order_id=order.order_id, **fields)
        call = getattr(api.orders, rpc)(request)
        if is_allowed(status, target_status):
            assert domain_status_of((await call).order) is target_status
        elif status is target_status and rpc != "ShipOrder":
            assert (await call).order == order
            assert len(await read_history(api, order.order_id)) == event_count
        else:
            failure = await expect_failure(call)
            expected = "NOTHING_TO_SHIP" if status is target_status else "ORDER_STATUS_CONFLICT"
            assert failure.reason == expected, (status, failure)
            assert await read_order(api, order.order_id) == order
        assert_valid_history(await read_history(api, order.order_id))
    assert await find_violations(sql) == []


# CancelOrder


async def test_order_can_be_cancelled_before_it_is_shipped(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """It has its reason, one event and no allocations. Repeating the call changes nothing."""
    await receive_stock(api, quantity=10)
    for status in [*WORKING_STATUSES, _S.PENDING_RETRY]:
        order = await place_order_in_status(api, fulfillment, status)
        request = orders_pb2.CancelOrderRequest(order_id=order.order_id, reason="Customer request")
        cancelled = (await api.orders.CancelOrder(request)).order
        assert (domain_status_of(cancelled), cancelled.cancel_reason) == (_S.CANCELLED, "Customer request")
        assert not cancelled.HasField("next_retry_at")
        assert cancelled.failed_status == order_pb2.ORDER_STATUS_UNSPECIFIED
        assert [line.quantity_allocated for line in cancelled.items] == [0]
        request.reason = "another"
        assert (await api.orders.CancelOrder(request)).order == cancelled
        events = await read_history(api, order.order_id)
        assert [event.type for event in events].count("wms.order.cancelled") == 1
        assert events[-1].payload["reason"] == "Customer request"
        assert_valid_history(events)
        assert await sql.fetchval("SELECT sum(quantity) FROM carriers WHERE location <> 'left'") == 10
        assert await find_violations(sql) == []


async def test_cancellation_of_a_dead_letter_resolves_its_entry(api: Api, sql: SqlConnection) -> None:
    """The caller resolves it, the reason becomes its notes, and both facts are events."""
    order = await place_order(api)
    await dead_letter_order(api, order.order_id)
    request = orders_pb2.CancelOrderRequest(order_id=order.order_id, reason="gave up")
    cancelled = (await api.orders.CancelOrder(request, metadata=(("x-wms-actor", "SUP-1"),))).order
    assert (domain_status_of(cancelled), cancelled.cancel_reason) == (_S.CANCELLED, "gave up")
    assert cancelled.failed_status == order_pb2.ORDER_STATUS_UNSPECIFIED
    entry = (
        await api.dead_letters.GetDeadLetterEntry(
            dead_letters_pb2.GetDeadLetterEntryRequest(order_id=order.order_id)
        )
    ).entry
    assert entry.resolution == dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED
    assert (entry.resolved_by, entry.notes) == ("SUP-1", "gave up")
    assert await list_event_types(api, order.order_id) == [
        "received",
        "moved-to-dlq",
        "dlq-resolved",
        "cancelled",
    ]
    assert await find_violations(sql) == []


# ShipOrder and CompleteOrder


async def test_delivered_units_are_shipped(api: Api, fulfillment: Fulfillment, sql: SqlConnection) -> None:
    """Shipment and event have parcel carrier, tracking number and lines."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, _S.PACKING)
    assert [(line.quantity_allocated, line.quantity_delivered) for line in order.items] == [(0, 2)]
    request = orders_pb2.ShipOrderRequest(
        order_id=order.order_id, carrier_code="UPS", tracking_number="1Z999AA10123456784"
    )
    shipped = (await api.orders.ShipOrder(request)).order
    assert domain_status_of(shipped) is _S.SHIPPED
    (shipment,) = shipped.shipments
    assert (shipment.shipment_number, shipment.carrier_code) == (1, "UPS")
    assert shipment.tracking_number == "1Z999AA10123456784"
    assert [(line.line_number, line.sku, line.quantity) for line in shipment.lines] == [(1, "SKU-001", 2)]
    assert [line.quantity_shipped for line in shipped.items] == [2]
    assert await read_order(api, order.order_id) == shipped
    event = (await read_history(api, order.order_id))[-1]
    assert event.type == "wms.order.shipped"
    payload = to_python_dict(event.payload)
    assert parse_timestamp(str(payload.pop("timestamp"))) == shipment.shipped_at
    assert payload == {
        "type": "wms.order.shipped",
        "orderId": order.order_id,
        "customerId": "CUST-001",
        "shipmentNumber": 1,
        "carrierCode": "UPS",
        "trackingNumber": "1Z999AA10123456784",
        "items": [{"sku": "SKU-001", "quantity": 2}],
    }
    assert await find_violations(sql) == []


async def test_shipping_without_delivered_units_is_an_error(api: Api, fulfillment: Fulfillment) -> None:
    """The order was shipped completely, so no units are left for a further shipment."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, _S.SHIPPED)
    request = orders_pb2.ShipOrderRequest(order_id=order.order_id, carrier_code="UPS", tracking_number="2")
    failure = await expect_failure(api.orders.ShipOrder(request))
    assert (failure.reason, failure.metadata) == ("NOTHING_TO_SHIP", {"orderId": order.order_id})
    assert len((await read_order(api, order.order_id)).shipments) == 1


async def test_order_is_completed_at_the_given_time(api: Api, fulfillment: Fulfillment) -> None:
    """The order and the event have it to the microsecond."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, _S.SHIPPED)
    delivered_at = Timestamp(seconds=1_700_000_000, nanos=987_654_000)
    request = orders_pb2.CompleteOrderRequest(order_id=order.order_id, delivered_at=delivered_at)
    completed = (await api.orders.CompleteOrder(request)).order
    assert (domain_status_of(completed), completed.delivered_at) == (_S.COMPLETED, delivered_at)
    event = (await read_history(api, order.order_id))[-1]
    assert event.payload["deliveredAt"] == "2023-11-14T22:13:20.987654Z"


async def test_order_is_completed_now_without_a_given_time(api: Api, fulfillment: Fulfillment) -> None:
    """It is the time of the call."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, _S.COMPLETED)
    assert order.delivered_at == order.updated_at


async def test_delivery_time_may_be_at_most_five_minutes_ahead(api: Api, fulfillment: Fulfillment) -> None:
    """This allows for clock differences. A later time is rejected without an effect."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, _S.SHIPPED)
    request = orders_pb2.CompleteOrderRequest(order_id=order.order_id)
    request.delivered_at.FromDatetime(datetime.now(UTC) + timedelta(minutes=5, seconds=30))
    failure = await expect_failure(api.orders.CompleteOrder(request))
    assert (failure.reason, failure.metadata["field"]) == ("TIME_IN_FUTURE", "delivered_at")
    assert await read_order(api, order.order_id) == order
    request.delivered_at.FromDatetime(datetime.now(UTC) + timedelta(minutes=4, seconds=30))
    await api.orders.CompleteOrder(request)


async def test_order_is_overdue_until_it_is_shipped_or_cancelled(api: Api, fulfillment: Fulfillment) -> None:
    """Failed and dead-lettered orders stay overdue."""
    await receive_stock(api)
    past = Timestamp(seconds=1)
    order = (await api.orders.CreateOrder(create_order(promised_delivery_at=past))).order
    await fulfillment.deliver_all(api)
    assert (await read_order(api, order.order_id)).overdue
    request = orders_pb2.ShipOrderRequest(order_id=order.order_id, carrier_code="UPS", tracking_number="1")
    assert not (await api.orders.ShipOrder(request)).order.overdue
    dead_lettered = await place_order(api, promised_delivery_at=past)
    await dead_letter_order(api, dead_lettered.order_id)
    assert (await read_order(api, dead_lettered.order_id)).overdue
    cancelled = await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=dead_lettered.order_id))
    assert not cancelled.order.overdue
