"""Between rows and orders."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from wms_core.domain.caller import Caller
from wms_core.domain.events import EventRecord
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import (
    Address,
    FailureAttempt,
    Money,
    Order,
    OrderItem,
    Priority,
    Shipment,
)
from wms_core.postgres.times import aware


def order_from(row: asyncpg.Record) -> Order:
    """Build an order from a row of `order_documents`, or of `orders` (then without lines and shipments)."""
    failed = row["failed_status"]
    return Order(
        order_id=row["order_id"],
        customer_id=row["customer_id"],
        warehouse_id=row["warehouse_id"],
        priority=Priority(row["priority"]),
        status=OrderStatus(row["status"]),
        items=tuple(_item(line) for line in _lines(row, "items")),
        shipping_address=address_from(json.loads(row["shipping_address"])),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        promised_delivery_at=aware(row["promised_delivery_at"]),
        allow_partial=row["allow_partial"],
        wave_id=row["wave_id"],
        destination_id=row["destination_id"],
        retry_count=row["retry_count"],
        life=row["life"],
        failed_status=OrderStatus(failed) if failed else None,
        last_failure_reason=row["last_failure_reason"],
        last_failed_at=aware(row["last_failed_at"]),
        next_retry_at=row["next_retry_at"],
        waiting_reason=row["waiting_reason"],
        cancel_reason=row["cancel_reason"],
        delivered_at=aware(row["delivered_at"]),
        shipments=tuple(_shipment(line) for line in _lines(row, "shipments")),
        correlation_id=row["correlation_id"],
        wave_number=row["wave_number"],
        workflow_id=row["workflow_id"],
        version=row["version"],
        sequence=row["sequence"],
    )


def _lines(row: asyncpg.Record, column: str) -> list[list[Any]]:
    text = row.get(column)
    return json.loads(text) if text else []


def _item(line: Sequence[Any]) -> OrderItem:
    number, sku, quantity, currency, units, nanos, allocated, delivered, shipped, backordered = line
    price = None if currency is None else Money(currency, units, nanos)
    return OrderItem(number, sku, quantity, price, allocated, delivered, shipped, backordered)


def _shipment(line: Sequence[Any]) -> Shipment:
    number, carrier_code, tracking_number, shipped_at, lines = line
    units = tuple((line_number, sku, quantity) for line_number, sku, quantity in lines)
    return Shipment(number, carrier_code, tracking_number, datetime.fromisoformat(shipped_at), units)


def address_from(body: Mapping[str, str]) -> Address:
    """Build an address from the JSON that `address_text` writes."""
    return Address(
        street=body["street"],
        city=body["city"],
        country=body["country"],
        recipient_name=body.get("recipientName", ""),
        state=body.get("state", ""),
        zip_code=body.get("zipCode", ""),
        phone=body.get("phone", ""),
    )


def event_from(row: asyncpg.Record) -> EventRecord:
    """Build an event from a row of the log or of the outbox."""
    event_id: UUID = row["event_id"]
    before, after = row["from_status"], row["to_status"]
    return EventRecord(
        order_id=row["order_id"],
        sequence=row["sequence"],
        version=row["version"],
        type=row["type"],
        occurred_at=row["occurred_at"],
        from_status=OrderStatus(before) if before else None,
        to_status=OrderStatus(after) if after else None,
        wave_number=row["wave_number"],
        warehouse_id=row["warehouse_id"],
        caller=Caller(
            row["actor"], row["correlation_id"], row["wave_number"], row["workflow_id"], row["traceparent"]
        ),
        payload=row["payload"],
        event_id=str(event_id),
        position=row["position"],
    )


def event_columns(records: Sequence[EventRecord], limit: int) -> list[list[Any]]:
    """Lay events out as the columns of an insert into the outbox.

    The only way into it, so that no event is written that the broker would refuse: raises EventTooLarge when
    one has more bytes than the limit.
    """
    for record in records:
        if fault := record.size_fault(limit):
            raise fault
    rows = [
        (
            record.order_id,
            record.sequence,
            record.version,
            record.type,
            record.occurred_at,
            record.from_status,
            record.to_status,
            record.warehouse_id,
            record.caller.actor,
            record.caller.correlation_id,
            record.wave_number,
            record.caller.workflow_id,
            record.caller.traceparent,
            record.payload,
        )
        for record in records
    ]
    return columns(rows, 14)


def item_columns(orders: Sequence[Order]) -> list[list[Any]]:
    """Lay the lines of orders out as the columns of an insert."""
    rows = [
        (
            order.order_id,
            item.line_number,
            item.sku,
            item.quantity,
            *(
                (price.currency, price.units, price.nanos)
                if (price := item.unit_price)
                else (None, None, None)
            ),
        )
        for order in orders
        for item in order.items
    ]
    return columns(rows, 7)


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Turn rows into columns, `width` empty ones when there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def attempt_from(row: asyncpg.Record) -> FailureAttempt:
    """Build an attempt from a row of `order_failures`."""
    return FailureAttempt(
        row["attempt_number"],
        OrderStatus(row["status"]),
        row["reason"],
        aware(row["failed_at"]),
        row["workflow_id"],
    )
