"""Conversion of lanes, destinations, load carriers, moves, stock and backorders."""

from collections.abc import Sequence
from datetime import datetime

from wms.orders.v1 import storage_pb2
from wms_core.domain.events.payloads import ShortageReason
from wms_core.domain.orders.backorders import Backorder, BackorderStatus
from wms_core.domain.stock.warehouse import (
    Carrier,
    CarrierLocation,
    CarrierStatus,
    Destination,
    Lane,
    LaneStatus,
    Move,
    MoveStatus,
    StockLevel,
)
from wms_server.mapping.common import enum_names, enum_numbers, read_datetime, to_optional_timestamp

LANE_STATUS_NAMES = enum_names(storage_pb2.LaneStatus, "LANE_STATUS_", LaneStatus)
LANE_STATUS_NUMBERS = enum_numbers(storage_pb2.LaneStatus, "LANE_STATUS_")
CARRIER_STATUS_NAMES = enum_names(storage_pb2.CarrierStatus, "CARRIER_STATUS_", CarrierStatus)
CARRIER_STATUS_NUMBERS = enum_numbers(storage_pb2.CarrierStatus, "CARRIER_STATUS_")
LOCATION_NAMES = enum_names(storage_pb2.CarrierLocation, "CARRIER_LOCATION_", CarrierLocation)
LOCATION_NUMBERS = enum_numbers(storage_pb2.CarrierLocation, "CARRIER_LOCATION_")
MOVE_KIND_NUMBERS = enum_numbers(storage_pb2.MoveKind, "MOVE_KIND_")
MOVE_STATUS_NAMES = enum_names(storage_pb2.MoveStatus, "MOVE_STATUS_", MoveStatus)
MOVE_STATUS_NUMBERS = enum_numbers(storage_pb2.MoveStatus, "MOVE_STATUS_")
SHORT_PICK_REASON_NAMES = enum_names(storage_pb2.ShortPickReason, "SHORT_PICK_REASON_", ShortageReason)
BACKORDER_REASON_NUMBERS = enum_numbers(storage_pb2.BackorderReason, "BACKORDER_REASON_")
BACKORDER_STATUS_NAMES = enum_names(storage_pb2.BackorderStatus, "BACKORDER_STATUS_", BackorderStatus)
BACKORDER_STATUS_NUMBERS = enum_numbers(storage_pb2.BackorderStatus, "BACKORDER_STATUS_")


def to_lane(message: storage_pb2.Lane) -> Lane:
    """Return the lane of a message; its default status is open."""
    status = LANE_STATUS_NAMES.get(message.status, LaneStatus.OPEN)
    return Lane(message.lane_id, message.warehouse_id, message.zone, message.capacity, 0, status)


def to_lane_message(lane: Lane) -> storage_pb2.Lane:
    """Return the message of a lane."""
    return storage_pb2.Lane(
        lane_id=lane.lane_id,
        warehouse_id=lane.warehouse_id,
        zone=lane.zone,
        capacity=lane.capacity,
        status=LANE_STATUS_NUMBERS[lane.status.value],  # type: ignore[arg-type]
        occupied=lane.occupied_positions,
        created_at=to_optional_timestamp(lane.created_at),
        updated_at=to_optional_timestamp(lane.updated_at),
    )


def to_destination(message: storage_pb2.Destination) -> Destination:
    """Return the destination of a message."""
    return Destination(
        message.destination_id,
        message.warehouse_id,
        message.queue_capacity,
        tuple(message.zones),
        message.paused,
    )


def to_destination_message(destination: Destination) -> storage_pb2.Destination:
    """Return the message of a destination."""
    return storage_pb2.Destination(
        destination_id=destination.destination_id,
        warehouse_id=destination.warehouse_id,
        queue_capacity=destination.queue_capacity,
        zones=destination.zones,
        paused=destination.is_paused,
        in_queue=destination.queued_carriers,
        created_at=to_optional_timestamp(destination.created_at),
        updated_at=to_optional_timestamp(destination.updated_at),
    )


def to_carriers(
    carrier_messages: Sequence[storage_pb2.NewCarrier], warehouse_id: str, now: datetime
) -> list[Carrier]:
    """Return new load carriers; the defaults are available, produced and received now."""
    return [
        Carrier(
            carrier_id=message.carrier_id,
            warehouse_id=warehouse_id,
            sku=message.sku,
            quantity=message.quantity,
            allocated_units=0,
            status=CARRIER_STATUS_NAMES.get(message.status, CarrierStatus.AVAILABLE),
            location=CarrierLocation.IN_LANE,
            produced_at=read_datetime(message, "produced_at") or read_datetime(message, "received_at") or now,
            received_at=read_datetime(message, "received_at") or now,
            lane_id=message.lane_id,
        )
        for message in carrier_messages
    ]


def to_carrier_message(carrier: Carrier) -> storage_pb2.Carrier:
    """Return the message of a load carrier."""
    return storage_pb2.Carrier(
        carrier_id=carrier.carrier_id,
        warehouse_id=carrier.warehouse_id,
        sku=carrier.sku,
        quantity=carrier.quantity,
        allocated_quantity=carrier.allocated_units,
        status=CARRIER_STATUS_NUMBERS[carrier.status.value],  # type: ignore[arg-type]
        location=LOCATION_NUMBERS[carrier.location.value],  # type: ignore[arg-type]
        lane_id=carrier.lane_id or "",
        lane_position=carrier.lane_position or 0,
        destination_id=carrier.destination_id or "",
        produced_at=to_optional_timestamp(carrier.produced_at),
        received_at=to_optional_timestamp(carrier.received_at),
        status_reason=carrier.status_reason,
        updated_at=to_optional_timestamp(carrier.updated_at),
    )


def to_move_message(move: Move) -> storage_pb2.Move:
    """Return the message of a move."""
    return storage_pb2.Move(
        move_id=move.move_id,
        warehouse_id=move.warehouse_id,
        carrier_id=move.carrier_id,
        sku=move.sku,
        quantity=move.quantity,
        kind=MOVE_KIND_NUMBERS[move.kind.value],  # type: ignore[arg-type]
        status=MOVE_STATUS_NUMBERS[move.status.value],  # type: ignore[arg-type]
        from_lane_id=move.from_lane_id or "",
        to_lane_id=move.to_lane_id or "",
        destination_id=move.destination_id or "",
        claimed_by=move.claimed_by or "",
        requested_at=to_optional_timestamp(move.requested_at),
        claimed_at=to_optional_timestamp(move.claimed_at),
        deadline_at=to_optional_timestamp(move.deadline_at),
        finished_at=to_optional_timestamp(move.finished_at),
        failure_reason=move.failure_reason or "",
    )


def to_stock_message(stock_level: StockLevel) -> storage_pb2.Stock:
    """Return the message of a stock level."""
    return storage_pb2.Stock(
        warehouse_id=stock_level.warehouse_id,
        sku=stock_level.sku,
        on_hand=stock_level.on_hand,
        allocated=stock_level.allocated_units,
        available=stock_level.available_units,
        on_hold=stock_level.on_hold,
    )


def to_backorder_message(backorder: Backorder) -> storage_pb2.Backorder:
    """Return the message of a backorder."""
    return storage_pb2.Backorder(
        backorder_id=backorder.backorder_id,
        order_id=backorder.order_id,
        line_number=backorder.line_number,
        warehouse_id=backorder.warehouse_id,
        sku=backorder.sku,
        quantity=backorder.quantity,
        quantity_fulfilled=backorder.quantity_fulfilled,
        reason=BACKORDER_REASON_NUMBERS[backorder.reason.value],  # type: ignore[arg-type]
        status=BACKORDER_STATUS_NUMBERS[backorder.status.value],  # type: ignore[arg-type]
        created_at=to_optional_timestamp(backorder.created_at),
        updated_at=to_optional_timestamp(backorder.updated_at),
        closed_at=to_optional_timestamp(backorder.closed_at),
        cancel_reason=backorder.cancel_reason,
        customer_id=backorder.customer_id,
    )
