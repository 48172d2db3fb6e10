"""Published payloads, from calls to the event log, match the Order Service specification and our AsyncAPI."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import (
    dead_letter_order,
    place_order,
    place_order_in_status,
    receive_stock,
    record_failure,
)
from tests.support.builders.requests import address, create_order, item, put_destination, put_lane, receive
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection
from tests.support.specs.asyncapi import find_payload_errors, messages, published_document
from tests.support.waiting import eventually
from tests.unit.core.domain.test_events import (
    DOCUMENTED,
    MOVED_TO_DLQ,
    OURS,
    PARTIALLY_FULFILLED,
    RETRY_SCHEDULED,
)
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    order_pb2,
    orders_pb2,
    storage_pb2,
)
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders.status import OrderStatus

_S = OrderStatus
REQUEST_IDS = (
    ("x-wms-correlation-id", "550e8400-e29b-41d4-a716-446655440000"),
    ("x-wms-workflow-id", "order-fulfillment-ORD-12345"),
)
_WAVE_FIELDS = ("waveId", "destinationId")


async def _read_complete_log(sql: SqlConnection) -> Sequence[asyncpg.Record]:
    """Return the log when the outbox is empty."""

    async def is_outbox_empty() -> bool:
        return not await sql.fetchval("SELECT count(*) FROM outbox")

    await eventually(is_outbox_empty)
    return await sql.fetch("SELECT *, payload::text AS text FROM order_events ORDER BY position")


def _replace_timestamp(example: str, timestamp: str) -> str:
    """Return an example of the specification with another time, encoded like a published payload."""
    return json.dumps({**json.loads(example), "timestamp": timestamp}, separators=(",", ":"))


async def _assert_matches_example(sql: SqlConnection, example: str) -> None:
    """Assert that the newest payload of this type has the bytes of the example except for the time."""
    event_type = json.loads(example)["type"]
    text = [row["text"] for row in await _read_complete_log(sql) if row["type"] == event_type][-1]
    assert text == _replace_timestamp(example, json.loads(text)["timestamp"])


async def test_retry_scheduled_payload_matches_its_example(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The third failure while picking has the same bytes, except for the time."""
    await receive_stock(api)
    await place_order_in_status(api, fulfillment, _S.PICKING, "ORD-12345")
    for _ in range(3):
        await record_failure(api, "ORD-12345", "Inventory unavailable")
    await _assert_matches_example(sql, RETRY_SCHEDULED)


async def test_moved_to_dlq_payload_matches_its_example(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The fifth failure has the same bytes, except for the time."""
    await receive_stock(api)
    await place_order_in_status(api, fulfillment, _S.PICKING, "ORD-12345")
    for _ in range(5):
        await record_failure(api, "ORD-12345", "Max retries exceeded")
    await _assert_matches_example(sql, MOVED_TO_DLQ)


async def test_partially_fulfilled_payload_matches_its_example(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """With three of five units in stock it has the same bytes, except for the time."""
    await receive_stock(api, 3)
    await place_order(api, order_id="ORD-12345", items=[item(quantity=5)])
    await fulfillment.run()
    await _assert_matches_example(sql, PARTIALLY_FULFILLED)


async def test_every_event_type_is_published_as_documented(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The eleven types of the specification and five more: type first, time last, no undocumented keys."""
    await _cause_all_events(api, fulfillment, sql)
    rows = await _read_complete_log(sql)
    assert {row["type"] for row in rows} == DOCUMENTED | OURS == messages().keys()
    changes = {name for row in rows for name in json.loads(row["text"]).get("changes", {})}
    assert changes == published_document()["components"]["schemas"]["Changes"]["properties"].keys()
    errors_by_type = {
        row["type"]: payload_errors
        for row in rows
        if (payload_errors := find_payload_errors(row["type"], row["text"]))
    }
    assert errors_by_type == {}
    for row in rows:
        payload = json.loads(row["text"])
        assert [*payload][:3] == ["type", "orderId", "customerId"]
        assert [*payload][-1] == "timestamp"
        assert (payload["type"], payload["orderId"]) == (row["type"], row["order_id"])
        assert _parse_timestamp(payload) == row["occurred_at"]


async def test_worker_events_have_the_correlation_of_the_order(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """Every event type of the worker has the correlation and workflow ids of CreateOrder."""
    await _cause_all_events(api, fulfillment, sql)
    rows = [row for row in await _read_complete_log(sql) if row["actor"] == "worker/test"]
    assert {row["type"].removeprefix("wms.order.") for row in rows} == {
        "validated",
        "wave-assigned",
        "picking-started",
        "packing-started",
        "partially-fulfilled",
        "backorder-created",
        "backorder-fulfilled",
        "retry-scheduled",
        "retry-started",
        "moved-to-dlq",
    }
    assert {(row["correlation_id"], row["workflow_id"]) for row in rows} == {
        (REQUEST_IDS[0][1], REQUEST_IDS[1][1])
    }
    in_a_wave = [row for row in rows if set(_WAVE_FIELDS) <= json.loads(row["text"]).keys()]
    assert in_a_wave
    for row in in_a_wave:
        assert row["wave_number"] == json.loads(row["text"])["waveId"]


def _parse_timestamp(payload: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(payload["timestamp"])


async def _cause_all_events(api: Api, fulfillment: Fulfillment, sql: SqlConnection) -> None:
    """Cause every event type by public calls and the worker's cycle."""
    await api.storage.PutLane(put_lane())
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive(("CAR-1", "SKU-001", 3)))
    await _complete_changed_order(api, fulfillment)
    await _cancel_backorder(api, fulfillment)
    await _cancel_orders(api)
    await _fail_in_the_worker(api, fulfillment, sql)


async def _complete_changed_order(api: Api, fulfillment: Fulfillment) -> None:
    """Update all fields of an order, deliver five units, two of them later, ship twice and complete it."""
    order_id = await _place(api, promised_delivery_at=Timestamp(seconds=1_900_000_000))
    updated_order = order_pb2.Order(
        priority=order_pb2.ORDER_PRIORITY_SAME_DAY,
        shipping_address=address(recipient_name="Ö", state="BE", zip_code="3000", phone="1"),
        items=[item(quantity=5)],
    )
    mask = FieldMask(paths=["promised_delivery_at", "priority", "shipping_address", "items"])
    await api.orders.UpdateOrder(
        orders_pb2.UpdateOrderRequest(order_id=order_id, order=updated_order, update_mask=mask)
    )
    await fulfillment.deliver_all(api)
    await _ship(api, order_id)
    await api.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 2)))
    await fulfillment.deliver_all(api)
    await _ship(api, order_id)
    await api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))


async def _cancel_backorder(api: Api, fulfillment: Fulfillment) -> None:
    """Cancel the backorder of an order."""
    await api.storage.ReceiveCarriers(receive(("CAR-3", "SKU-001", 3)))
    order_id = await _place(api, quantity=5)
    await fulfillment.deliver_all(api)
    (backorder,) = (
        await api.storage.ListBackorders(storage_pb2.ListBackordersRequest(order_id=order_id))
    ).backorders
    await api.storage.CancelBackorder(
        storage_pb2.CancelBackorderRequest(backorder_id=backorder.backorder_id, reason="discontinued")
    )


async def _cancel_orders(api: Api) -> None:
    """Cancel an order by its call, and a dead letter after every other resolution."""
    order_id = await _place(api, sku="SKU-NONE")
    await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="Customer request"))
    order_id = await _place(api, sku="SKU-NONE")
    for resolution in ("ESCALATED", "MANUAL_RETRY", "CANCELLED"):
        if resolution != "MANUAL_RETRY":
            await dead_letter_order(api, order_id)
        await api.dead_letters.ResolveDeadLetterEntry(
            dead_letters_pb2.ResolveDeadLetterEntryRequest(
                order_id=order_id,
                resolution=dead_letter_pb2.DeadLetterResolution.Value(f"DEAD_LETTER_RESOLUTION_{resolution}"),
                notes="decided",
                resolved_by="SUPERVISOR-001",
            )
        )


async def _fail_in_the_worker(api: Api, fulfillment: Fulfillment, sql: SqlConnection) -> None:
    """Let the worker find no stock until the order is dead-lettered."""
    order_id = await _place(api, sku="SKU-NONE")
    policy = RetryPolicy(max_retries=2, base_delay=timedelta(milliseconds=1))
    await fulfillment.run(retry_policy=policy)

    async def is_dead_lettered() -> bool:
        await fulfillment.run(retry_policy=policy)
        return bool(
            await sql.fetchval("SELECT status = 'dead_letter' FROM orders WHERE order_id = $1", order_id)
        )

    await eventually(is_dead_lettered)


async def _place(api: Api, quantity: int = 2, sku: str = "SKU-001", **fields: Any) -> str:
    request = create_order(items=[item(sku, quantity)], **fields)
    return (await api.orders.CreateOrder(request, metadata=REQUEST_IDS)).order.order_id


async def _ship(api: Api, order_id: str) -> None:
    await api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="UPS", tracking_number="1Z")
    )
