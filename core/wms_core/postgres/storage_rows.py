"""Between rows and lanes, destinations, carriers, moves and waves."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from wms_core.domain.storage import (
    Carrier,
    CarrierLocation,
    CarrierStatus,
    Destination,
    Lane,
    LaneStatus,
    Move,
    MoveKind,
    MoveStatus,
    Stock,
    Wave,
)
from wms_core.postgres.times import aware


def lane_from(row: asyncpg.Record) -> Lane:
    """Build a lane."""
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


def destination_from(row: asyncpg.Record) -> Destination:
    """Build a destination; its queue is 0 where the query does not count it."""
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


def carrier_from(row: asyncpg.Record) -> Carrier:
    """Build a carrier."""
    return Carrier(
        carrier_id=row["carrier_id"],
        warehouse_id=row["warehouse_id"],
        sku=row["sku"],
        quantity=row["quantity"],
        allocated=row["allocated"],
        status=CarrierStatus(row["status"]),
        location=CarrierLocation(row["location"]),
        produced_at=aware(row["produced_at"]),
        received_at=aware(row["received_at"]),
        lane_id=row["lane_id"],
        lane_position=row["place"] or None,
        status_reason=row["status_reason"],
        updated_at=row["updated_at"],
        destination_id=row["destination_id"],
    )


def move_from(row: asyncpg.Record | Mapping[str, Any]) -> Move:
    """Build a move from its row joined with its carrier's SKU and quantity."""
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


def stock_from(row: asyncpg.Record) -> Stock:
    """Build a line of the stock list."""
    return Stock(
        row["warehouse_id"], row["sku"], row["on_hand"], row["allocated"], row["available"], row["on_hold"]
    )


def wave_from(row: asyncpg.Record) -> Wave:
    """Build a wave."""
    return Wave(row["wave_id"], row["warehouse_id"], row["destination_id"], row["created_at"])
