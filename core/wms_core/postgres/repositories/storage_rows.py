"""Convert rows to lanes, destinations, load carriers, moves and waves."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from wms_core.domain.stock.warehouse import (
    Carrier,
    CarrierLocation,
    CarrierStatus,
    Destination,
    Lane,
    LaneStatus,
    Move,
    MoveKind,
    MoveStatus,
    StockLevel,
    Wave,
)
from wms_core.postgres.repositories.order_rows import as_utc


def to_lane(row: asyncpg.Record) -> Lane:
    """Convert a row to a lane."""
    return Lane(
        row["lane_id"],
        row["warehouse_id"],
        row["zone"],
        row["capacity"],
        row["occupied"],
        LaneStatus(row["status"]),
        row["created_at"],
        row["updated_at"],
    )


def to_destination(row: asyncpg.Record) -> Destination:
    """Convert a row to a destination; its queue counts are 0 if the query has no such columns."""
    return Destination(
        row["destination_id"],
        row["warehouse_id"],
        row["queue_capacity"],
        tuple(row["zones"]),
        row["paused"],
        row.get("in_queue", 0),
        row.get("waiting_orders", 0),
        row["created_at"],
        row["updated_at"],
    )


def to_carrier(row: asyncpg.Record) -> Carrier:
    """Convert a row to a load carrier."""
    return Carrier(
        carrier_id=row["carrier_id"],
        warehouse_id=row["warehouse_id"],
        sku=row["sku"],
        quantity=row["quantity"],
        allocated_units=row["allocated"],
        status=CarrierStatus(row["status"]),
        location=CarrierLocation(row["location"]),
        produced_at=as_utc(row["produced_at"]),
        received_at=as_utc(row["received_at"]),
        lane_id=row["lane_id"],
        lane_position=row["position_in_lane"] or None,
        status_reason=row["status_reason"],
        updated_at=row["updated_at"],
        destination_id=row["destination_id"],
    )


def to_move(row: asyncpg.Record | Mapping[str, Any]) -> Move:
    """Convert a row, joined with its load carrier's SKU and quantity, to a move."""
    return Move(
        move_id=row["move_id"],
        warehouse_id=row["warehouse_id"],
        carrier_id=row["carrier_id"],
        sku=row["sku"],
        quantity=row["quantity"],
        kind=MoveKind(row["kind"]),
        status=MoveStatus(row["status"]),
        requested_at=row["requested_at"],
        deadline_at=row["deadline_at"],
        from_lane_id=row["from_lane_id"],
        to_lane_id=row["to_lane_id"],
        destination_id=row["destination_id"],
        claimed_by=row["claimed_by"],
        claimed_at=row["claimed_at"],
        finished_at=row["finished_at"],
        failure_reason=row["failure_reason"],
    )


def to_stock_level(row: asyncpg.Record) -> StockLevel:
    """Convert a row to a stock level."""
    return StockLevel(
        row["warehouse_id"], row["sku"], row["on_hand"], row["allocated"], row["available"], row["on_hold"]
    )


def to_wave(row: asyncpg.Record) -> Wave:
    """Convert a row to a wave."""
    return Wave(row["wave_id"], row["warehouse_id"], row["destination_id"], row["created_at"])
