"""Convert rows to orders, events and failures, and records to columns."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from wms_core.domain.call_context import Caller
from wms_core.domain.events.events import EventRecord
from wms_core.domain.orders.orders import (
    Address,
    FailureAttempt,
    MoneyAmount,
    Order,
    OrderLine,
    Priority,
    Shipment,
)
from wms_core.domain.orders.status import OrderStatus


def as_utc(timestamp: Any) -> Any:
    """Return a timestamp with its zone; None stays None.

    asyncpg stores the first and the last microsecond of Python's calendar as infinities, and returns them
    without a zone.
    """
    return timestamp.replace(tzinfo=UTC) if timestamp is not None and timestamp.tzinfo is None else timestamp


def to_order(row: asyncpg.Record) -> Order:
    """Convert a row of `order_documents`, or of `orders` (without lines and shipments), to an order."""
    failed_status = row["failed_status"]
    return Order(
        order_id=row["order_id"],
        customer_id=row["customer_id"],
        warehouse_id=row["warehouse_id"],
        priority=Priority(row["priority"]),
        status=OrderStatus(row["status"]),
        items=tuple(_to_order_line(line_fields) for line_fields in _parse_json_column(row, "items")),
        shipping_address=to_address(json.loads(row["shipping_address"])),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        promised_delivery_at=as_utc(row["promised_delivery_at"]),
        allow_partial=row["allow_partial"],
        wave_id=row["wave_id"],
        destination_id=row["destination_id"],
        retry_count=row["retry_count"],
        retry_generation=row["retry_generation"],
        failed_status=OrderStatus(failed_status) if failed_status else None,
        last_failure_reason=row["last_failure_reason"],
        last_failed_at=as_utc(row["last_failed_at"]),
        next_retry_at=row["next_retry_at"],
        waiting_reason=row["waiting_reason"],
        cancel_reason=row["cancel_reason"],
        delivered_at=as_utc(row["delivered_at"]),
        shipments=tuple(
            _to_shipment(shipment_fields) for shipment_fields in _parse_json_column(row, "shipments")
        ),
        correlation_id=row["correlation_id"],
        wave_number=row["wave_number"],
        workflow_id=row["workflow_id"],
        version=row["version"],
        sequence=row["sequence"],
    )


def _parse_json_column(row: asyncpg.Record, column_name: str) -> list[list[Any]]:
    text = row.get(column_name)
    return json.loads(text) if text else []


def _to_order_line(line_fields: Sequence[Any]) -> OrderLine:
    (
        line_number,
        sku,
        quantity,
        price_currency,
        price_units,
        price_nanos,
        allocated_units,
        delivered_units,
        shipped_units,
        backordered_units,
    ) = line_fields
    unit_price = None if price_currency is None else MoneyAmount(price_currency, price_units, price_nanos)
    return OrderLine(
        line_number,
        sku,
        quantity,
        unit_price,
        allocated_units,
        delivered_units,
        shipped_units,
        backordered_units,
    )


def _to_shipment(shipment_fields: Sequence[Any]) -> Shipment:
    shipment_number, carrier_code, tracking_number, shipped_at, lines = shipment_fields
    shipped_lines = tuple((line_number, sku, quantity) for line_number, sku, quantity in lines)
    return Shipment(
        shipment_number, carrier_code, tracking_number, datetime.fromisoformat(shipped_at), shipped_lines
    )


def to_address(address_fields: Mapping[str, str]) -> Address:
    """Convert the JSON that `encode_address` writes to an address."""
    return Address(
        street=address_fields["street"],
        city=address_fields["city"],
        country=address_fields["country"],
        recipient_name=address_fields.get("recipientName", ""),
        state=address_fields.get("state", ""),
        zip_code=address_fields.get("zipCode", ""),
        phone=address_fields.get("phone", ""),
    )


def to_event_record(row: asyncpg.Record) -> EventRecord:
    """Convert a row of the log or the outbox to an event."""
    event_id: UUID = row["event_id"]
    from_status, to_status = row["from_status"], row["to_status"]
    return EventRecord(
        order_id=row["order_id"],
        sequence=row["sequence"],
        version=row["version"],
        type=row["type"],
        occurred_at=row["occurred_at"],
        from_status=OrderStatus(from_status) if from_status else None,
        to_status=OrderStatus(to_status) if to_status else None,
        wave_number=row["wave_number"],
        warehouse_id=row["warehouse_id"],
        caller=Caller(
            row["actor"], row["correlation_id"], row["wave_number"], row["workflow_id"], row["traceparent"]
        ),
        payload=row["payload"],
        event_id=str(event_id),
        position=row["position"],
    )


def build_event_columns(records: Sequence[EventRecord], event_max_bytes: int) -> list[list[Any]]:
    """Return events as the columns of an insert into the outbox.

    All inserts except those of new orders and of the cycle use this function, so that no event exceeds the
    size limit of the broker.

    Raises:
        EventTooLarge: an event has more than `event_max_bytes`.
    """
    for record in records:
        if size_error := record.get_size_error(event_max_bytes):
            raise size_error
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
            record.caller.actor_name,
            record.caller.correlation_id,
            record.wave_number,
            record.caller.workflow_id,
            record.caller.traceparent,
            record.payload,
        )
        for record in records
    ]
    return transpose(rows, 14)


def build_line_columns(orders: Sequence[Order]) -> list[list[Any]]:
    """Return the lines of orders as the columns of an insert."""
    rows = [
        (
            order.order_id,
            item.line_number,
            item.sku,
            item.quantity,
            *(
                (unit_price.currency, unit_price.units, unit_price.nanos)
                if (unit_price := item.unit_price)
                else (None, None, None)
            ),
        )
        for order in orders
        for item in order.items
    ]
    return transpose(rows, 7)


def transpose(rows: Sequence[Sequence[Any]], column_count: int) -> list[list[Any]]:
    """Transpose rows to columns; without rows return `column_count` empty columns."""
    return (
        [list(column_values) for column_values in zip(*rows, strict=True)]
        if rows
        else [[] for _ in range(column_count)]
    )


def to_failure_attempt(row: asyncpg.Record) -> FailureAttempt:
    """Convert a row of `order_failures` to an attempt."""
    return FailureAttempt(
        row["attempt_number"],
        OrderStatus(row["status"]),
        row["reason"],
        as_utc(row["failed_at"]),
        row["workflow_id"],
    )
