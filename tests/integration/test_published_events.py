"""What is published, from calls to the log that Kafka is fed from: the seed's payloads, our own document."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.api import Api
from tests.support.asyncapi import faults_of_payload, messages, published_document
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql
from tests.support.orders import created, dead_letter, fail, order_in, stocked
from tests.support.requests import address, create_order, item, put_destination, put_lane, receive
from tests.support.waiting import eventually
from tests.unit.test_events import DOCUMENTED, MOVED_TO_DLQ, OURS, PARTIALLY_FULFILLED, RETRY_SCHEDULED
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    order_pb2,
    orders_pb2,
    storage_pb2,
)
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.retries import RetryPolicy

_S = OrderStatus
IDS = (
    ("x-wms-correlation-id", "550e8400-e29b-41d4-a716-446655440000"),
    ("x-wms-workflow-id", "order-fulfillment-ORD-12345"),
)
_MOVES = ("waveId", "destinationId")


async def _log(sql: Sql) -> Sequence[asyncpg.Record]:
    """Give the whole log, once everything that was told is in it."""

    async def moved() -> bool:
        return not await sql.fetchval("SELECT count(*) FROM outbox")

    await eventually(moved)
    return await sql.fetch("SELECT *, payload::text AS text FROM order_events ORDER BY position")


def _printed(example: str, timestamp: str) -> str:
    """Give an example of the seed as it is published, at another time."""
    return json.dumps({**json.loads(example), "timestamp": timestamp}, separators=(",", ":"))


async def _assert_as_printed(sql: Sql, example: str) -> None:
    """Hold the newest payload of the example's type to it: same keys, order and values, but the time."""
    event_type = json.loads(example)["type"]
    text = [row["text"] for row in await _log(sql) if row["type"] == event_type][-1]
    assert text == _printed(example, json.loads(text)["timestamp"])


async def test_retry_scheduled_is_published_as_it_is_printed(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """The third failure while picking, to the byte but for the time."""
    await stocked(api)
    await order_in(api, fulfillment, _S.PICKING, "ORD-12345")
    for _ in range(3):
        await fail(api, "ORD-12345", "Inventory unavailable")
    await _assert_as_printed(sql, RETRY_SCHEDULED)


async def test_moved_to_dlq_is_published_as_it_is_printed(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """The fifth failure, to the byte but for the time."""
    await stocked(api)
    await order_in(api, fulfillment, _S.PICKING, "ORD-12345")
    for _ in range(5):
        await fail(api, "ORD-12345", "Max retries exceeded")
    await _assert_as_printed(sql, MOVED_TO_DLQ)


async def test_partially_fulfilled_is_published_as_it_is_printed(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """The worker finds three of five units: to the byte but for the time."""
    await stocked(api, 3)
    await created(api, order_id="ORD-12345", items=[item(quantity=5)])
    await fulfillment.run()
    await _assert_as_printed(sql, PARTIALLY_FULFILLED)


async def test_every_event_is_published_and_is_what_its_document_says(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """All eleven of the seed and the five beside them: type first, time last, nothing undocumented."""
    await _everything_happens(api, fulfillment, sql)
    rows = await _log(sql)
    assert {row["type"] for row in rows} == DOCUMENTED | OURS == messages().keys()
    changes = {name for row in rows for name in json.loads(row["text"]).get("changes", {})}
    assert changes == published_document()["components"]["schemas"]["Changes"]["properties"].keys()
    faults = {row["type"]: found for row in rows if (found := faults_of_payload(row["type"], row["text"]))}
    assert faults == {}
    for row in rows:
        body = json.loads(row["text"])
        assert [*body][:3] == ["type", "orderId", "customerId"]
        assert [*body][-1] == "timestamp"
        assert (body["type"], body["orderId"]) == (row["type"], row["order_id"])
        assert _moment(body) == row["occurred_at"]


async def test_what_the_worker_publishes_is_on_the_errand_of_the_order(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """Correlation and workflow are those that the order came with, in every kind of event that it writes."""
    await _everything_happens(api, fulfillment, sql)
    rows = [row for row in await _log(sql) if row["actor"] == "worker/test"]
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
    assert {(row["correlation_id"], row["workflow_id"]) for row in rows} == {(IDS[0][1], IDS[1][1])}
    in_a_wave = [row for row in rows if set(_MOVES) <= json.loads(row["text"]).keys()]
    assert in_a_wave
    for row in in_a_wave:
        assert row["wave_number"] == json.loads(row["text"])["waveId"]


def _moment(body: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(body["timestamp"])


async def _everything_happens(api: Api, fulfillment: Fulfillment, sql: Sql) -> None:
    """Bring about every event there is, by the public calls and the worker's cycle."""
    await api.storage.PutLane(put_lane())
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive(("CAR-1", "SKU-001", 3)))
    await _a_whole_way(api, fulfillment)
    await _owed_no_more(api, fulfillment)
    await _given_up(api)
    await _failures_of_the_worker(api, fulfillment, sql)


async def _a_whole_way(api: Api, fulfillment: Fulfillment) -> None:
    """Deliver five units, two of them later; changed before in all that can be, shipped twice, completed."""
    order_id = await _placed(api, promised_delivery_at=Timestamp(seconds=1_900_000_000))
    changed = order_pb2.Order(
        priority=order_pb2.ORDER_PRIORITY_SAME_DAY,
        shipping_address=address(recipient_name="Ö", state="BE", zip_code="3000", phone="1"),
        items=[item(quantity=5)],
    )
    mask = FieldMask(paths=["promised_delivery_at", "priority", "shipping_address", "items"])
    await api.orders.UpdateOrder(
        orders_pb2.UpdateOrderRequest(order_id=order_id, order=changed, update_mask=mask)
    )
    await fulfillment.deliver(api)
    await _ship(api, order_id)
    await api.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 2)))
    await fulfillment.deliver(api)
    await _ship(api, order_id)
    await api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))


async def _owed_no_more(api: Api, fulfillment: Fulfillment) -> None:
    """Give up what is owed of an order."""
    await api.storage.ReceiveCarriers(receive(("CAR-3", "SKU-001", 3)))
    order_id = await _placed(api, quantity=5)
    await fulfillment.deliver(api)
    (owed,) = (
        await api.storage.ListBackorders(storage_pb2.ListBackordersRequest(order_id=order_id))
    ).backorders
    await api.storage.CancelBackorder(
        storage_pb2.CancelBackorderRequest(backorder_id=owed.backorder_id, reason="discontinued")
    )


async def _given_up(api: Api) -> None:
    """Cancel one order by its call and one out of the dead letter queue, after every other decision."""
    order = await _placed(api, sku="SKU-NONE")
    await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order, reason="Customer request"))
    order = await _placed(api, sku="SKU-NONE")
    for resolution in ("ESCALATED", "MANUAL_RETRY", "CANCELLED"):
        if resolution != "MANUAL_RETRY":
            await dead_letter(api, order)
        await api.dead_letters.ResolveDeadLetterEntry(
            dead_letters_pb2.ResolveDeadLetterEntryRequest(
                order_id=order,
                resolution=dead_letter_pb2.DeadLetterResolution.Value(f"DEAD_LETTER_RESOLUTION_{resolution}"),
                notes="decided",
                resolved_by="SUPERVISOR-001",
            )
        )


async def _failures_of_the_worker(api: Api, fulfillment: Fulfillment, sql: Sql) -> None:
    """Have the worker find no stock until it gives an order up."""
    order = await _placed(api, sku="SKU-NONE")
    policy = RetryPolicy(max_retries=2, base=timedelta(milliseconds=1))
    await fulfillment.run(retry_policy=policy)

    async def dead() -> bool:
        await fulfillment.run(retry_policy=policy)
        return bool(
            await sql.fetchval("SELECT status = 'dead_letter' FROM orders WHERE order_id = $1", order)
        )

    await eventually(dead)


async def _placed(api: Api, quantity: int = 2, sku: str = "SKU-001", **fields: Any) -> str:
    request = create_order(items=[item(sku, quantity)], **fields)
    return (await api.orders.CreateOrder(request, metadata=IDS)).order.order_id


async def _ship(api: Api, order_id: str) -> None:
    await api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="UPS", tracking_number="1Z")
    )
