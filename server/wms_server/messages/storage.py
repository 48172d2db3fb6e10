"""Lanes, destinations, carriers, moves and stock."""

from collections.abc import Sequence
from datetime import datetime

from wms.orders.v1 import storage_pb2
from wms_core.domain.backorders import Backorder, BackorderStatus
from wms_core.domain.payloads import ShortageReason
from wms_core.domain.storage import (
    Carrier,
    CarrierLocation,
    CarrierStatus,
    Destination,
    Lane,
    LaneStatus,
    Move,
    MoveStatus,
    Stock,
)
from wms_server.messages.values import moment, numbers, timestamp, words

LANE_STATUS_WORDS = words(storage_pb2.LaneStatus, "LANE_STATUS_", LaneStatus)
LANE_STATUS_NUMBERS = numbers(storage_pb2.LaneStatus, "LANE_STATUS_")
CARRIER_STATUS_WORDS = words(storage_pb2.CarrierStatus, "CARRIER_STATUS_", CarrierStatus)
CARRIER_STATUS_NUMBERS = numbers(storage_pb2.CarrierStatus, "CARRIER_STATUS_")
LOCATION_WORDS = words(storage_pb2.CarrierLocation, "CARRIER_LOCATION_", CarrierLocation)
LOCATION_NUMBERS = numbers(storage_pb2.CarrierLocation, "CARRIER_LOCATION_")
MOVE_KIND_NUMBERS = numbers(storage_pb2.MoveKind, "MOVE_KIND_")
MOVE_STATUS_WORDS = words(storage_pb2.MoveStatus, "MOVE_STATUS_", MoveStatus)
MOVE_STATUS_NUMBERS = numbers(storage_pb2.MoveStatus, "MOVE_STATUS_")
SHORT_PICK_WORDS = words(storage_pb2.ShortPickReason, "SHORT_PICK_REASON_", ShortageReason)
BACKORDER_REASON_NUMBERS = numbers(storage_pb2.BackorderReason, "BACKORDER_REASON_")
BACKORDER_STATUS_WORDS = words(storage_pb2.BackorderStatus, "BACKORDER_STATUS_", BackorderStatus)
BACKORDER_STATUS_NUMBERS = numbers(storage_pb2.BackorderStatus, "BACKORDER_STATUS_")


def lane_from(message: storage_pb2.Lane) -> Lane:
    """Read a lane; it is open unless said otherwise."""
    status = LANE_STATUS_WORDS.get(message.status, LaneStatus.OPEN)
    return Lane(message.lane_id, message.warehouse_id, message.zone, message.capacity, 0, status)


def lane_message(lane: Lane) -> storage_pb2.Lane:
    """Write a lane."""
    return storage_pb2.Lane(
        lane_id=lane.lane_id,
        warehouse_id=lane.warehouse_id,
        zone=lane.zone,
        capacity=lane.capacity,
        status=LANE_STATUS_NUMBERS[lane.status.value],  # type: ignore[arg-type]
        occupied=lane.occupied,
        created_at=timestamp(lane.created_at),
        updated_at=timestamp(lane.updated_at),
    )


def destination_from(message: storage_pb2.Destination) -> Destination:
    """Read a destination."""
    return Destination(
        message.destination_id,
        message.warehouse_id,
        message.queue_capacity,
        tuple(message.zones),
        message.paused,
    )


def destination_message(destination: Destination) -> storage_pb2.Destination:
    """Write a destination."""
    return storage_pb2.Destination(
        destination_id=destination.destination_id,
        warehouse_id=destination.warehouse_id,
        queue_capacity=destination.queue_capacity,
        zones=destination.zones,
        paused=destination.paused,
        in_queue=destination.in_queue,
        created_at=timestamp(destination.created_at),
        updated_at=timestamp(destination.updated_at),
    )


def carriers_from(
    messages: Sequence[storage_pb2.NewCarrier], warehouse_id: str, now: datetime
) -> list[Carrier]:
    """Read new carriers: available, and produced and received now, unless said otherwise."""
    return [
        Carrier(
            carrier_id=message.carrier_id,
            warehouse_id=warehouse_id,
            sku=message.sku,
            quantity=message.quantity,
            allocated=0,
            status=CARRIER_STATUS_WORDS.get(message.status, CarrierStatus.AVAILABLE),
            location=CarrierLocation.IN_LANE,
            produced_at=moment(message, "produced_at") or moment(message, "received_at") or now,
            received_at=moment(message, "received_at") or now,
            lane_id=message.lane_id,
        )
        for message in messages
    ]


def carrier_message(carrier: Carrier) -> storage_pb2.Carrier:
    """Write a carrier."""
    return storage_pb2.Carrier(
        carrier_id=carrier.carrier_id,
        warehouse_id=carrier.warehouse_id,
        sku=carrier.sku,
        quantity=carrier.quantity,
        allocated_quantity=carrier.allocated,
        status=CARRIER_STATUS_NUMBERS[carrier.status.value],  # type: ignore[arg-type]
        location=LOCATION_NUMBERS[carrier.location.value],  # type: ignore[arg-type]
        lane_id=carrier.lane_id or "",
        lane_position=carrier.lane_position or 0,
        destination_id=carrier.destination_id or "",
        produced_at=timestamp(carrier.produced_at),
        received_at=timestamp(carrier.received_at),
        status_reason=carrier.status_reason,
        updated_at=timestamp(carrier.updated_at),
    )


def move_message(move: Move) -> storage_pb2.Move:
    """Write a move."""
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
        requested_at=timestamp(move.requested_at),
        claimed_at=timestamp(move.claimed_at),
        deadline_at=timestamp(move.deadline_at),
        finished_at=timestamp(move.finished_at),
        failure_reason=move.failure_reason or "",
    )


def stock_message(stock: Stock) -> storage_pb2.Stock:
    """Write a line of the stock list."""
    return storage_pb2.Stock(
        warehouse_id=stock.warehouse_id,
        sku=stock.sku,
        on_hand=stock.on_hand,
        allocated=stock.allocated,
        available=stock.available,
        on_hold=stock.on_hold,
    )


def backorder_message(backorder: Backorder) -> storage_pb2.Backorder:
    """Write a backorder."""
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
        created_at=timestamp(backorder.created_at),
        updated_at=timestamp(backorder.updated_at),
        closed_at=timestamp(backorder.closed_at),
        cancel_reason=backorder.cancel_reason,
        customer_id=backorder.customer_id,
    )
