"""The StorageService: each function runs one call inside a transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from wms_core.application.database import Transaction
from wms_core.domain.call_context import Caller
from wms_core.domain.errors import (
    CarrierAlreadyExists,
    CarrierLeft,
    CarrierNotFound,
    ConcurrentChange,
    LaneBlocked,
    LaneFull,
    LaneNotFound,
    MoveClaimedByOther,
    MoveNotFound,
    MoveStatusConflict,
    WarehouseMismatch,
    WarehouseNotFound,
    WmsError,
)
from wms_core.domain.stock.warehouse import (
    Carrier,
    CarrierLocation,
    CarrierStatus,
    Destination,
    Lane,
    LaneStatus,
    Move,
    MoveStatus,
)


async def expect_warehouse(transaction: Transaction, warehouse_id: str) -> None:
    """Raise WarehouseNotFound unless the warehouse has or had a lane or a destination."""
    if not await transaction.warehouse_storage.warehouse_exists(warehouse_id):
        raise WarehouseNotFound(warehouse_id=warehouse_id)


async def put_lane(
    transaction: Transaction, lane: Lane, caller: Caller, now: datetime, *, keep_status: bool = False
) -> Lane:
    """Create or change a lane; with `keep_status` an existing lane keeps its status.

    Raises WarehouseMismatch, LaneFull, ConcurrentChange.
    """
    await transaction.warehouse_storage.put_warehouse(lane.warehouse_id)
    current_lane = (await transaction.warehouse_storage.lock_lanes([lane.lane_id])).get(lane.lane_id)
    if current_lane is not None:
        _check_change(current_lane, lane)
        lane = replace(lane, status=current_lane.status) if keep_status else lane
    stored_lane = await transaction.warehouse_storage.put_lane(lane)
    if stored_lane is None:
        # Created concurrently, in another warehouse.
        raise ConcurrentChange
    audit_details = {"zone": lane.zone, "capacity": lane.capacity, "status": lane.status.value}
    await transaction.warehouse_storage.record_audit(
        caller, "lane.put", {f"lane/{lane.lane_id}": audit_details}, now
    )
    return stored_lane


def _check_change(current_lane: Lane, new_lane: Lane) -> None:
    if current_lane.warehouse_id != new_lane.warehouse_id:
        raise WarehouseMismatch(
            resource=new_lane.lane_id,
            warehouse_id=current_lane.warehouse_id,
            required_warehouse_id=new_lane.warehouse_id,
        )
    if current_lane.occupied_positions > new_lane.capacity:
        raise LaneFull(
            lane_id=new_lane.lane_id, capacity=new_lane.capacity, occupied=current_lane.occupied_positions
        )


async def set_lane_status(
    transaction: Transaction, lane_id: str, status: LaneStatus, reason: str, caller: Caller, now: datetime
) -> Lane:
    """Open or block a lane; the current status as target changes nothing. Raises LaneNotFound."""
    lane = (await transaction.warehouse_storage.lock_lanes([lane_id])).get(lane_id)
    if lane is None:
        raise LaneNotFound(lane_id=lane_id)
    if lane.status is status:
        return lane
    audit_details = {"from": lane.status.value, "to": status.value, "reason": reason}
    await transaction.warehouse_storage.record_audit(
        caller, "lane.status", {f"lane/{lane_id}": audit_details}, now
    )
    return await transaction.warehouse_storage.set_lane_status(lane_id, status, now)


async def put_destination(
    transaction: Transaction, destination: Destination, caller: Caller, now: datetime
) -> Destination:
    """Create or change a destination. Raises WarehouseMismatch."""
    await transaction.warehouse_storage.put_warehouse(destination.warehouse_id)
    stored_destination = await transaction.warehouse_storage.put_destination(destination)
    if stored_destination is None:
        current_destination = await transaction.warehouse_storage.get_destination(destination.destination_id)
        raise WarehouseMismatch(
            resource=destination.destination_id,
            warehouse_id=current_destination.warehouse_id if current_destination else "",
            required_warehouse_id=destination.warehouse_id,
        )
    audit_details = {
        "queueCapacity": destination.queue_capacity,
        "zones": list(destination.zones),
        "paused": destination.is_paused,
    }
    audit_subject = f"destination/{destination.destination_id}"
    await transaction.warehouse_storage.record_audit(
        caller, "destination.put", {audit_subject: audit_details}, now
    )
    return stored_destination


async def receive_carriers(
    transaction: Transaction, warehouse_id: str, carriers: Sequence[Carrier], caller: Caller, now: datetime
) -> list[Carrier]:
    """Put new carriers at the end of their lanes: all of them, or none.

    Raises WarehouseNotFound, LaneNotFound, WarehouseMismatch, LaneBlocked, LaneFull, CarrierAlreadyExists.
    """
    await expect_warehouse(transaction, warehouse_id)
    lane_ids = [carrier.lane_id or "" for carrier in carriers]
    lanes = await transaction.warehouse_storage.lock_lanes(sorted(set(lane_ids)))
    for lane_id in lane_ids:
        _check_lane(lane_id, lanes.get(lane_id), warehouse_id, lane_ids.count(lane_id))
    seen_carrier_ids: set[str] = set()
    for carrier in carriers:
        if carrier.carrier_id in seen_carrier_ids:
            raise CarrierAlreadyExists(carrier_id=carrier.carrier_id)
        seen_carrier_ids.add(carrier.carrier_id)
    created_carriers = await transaction.warehouse_storage.insert_carriers(carriers, now)
    details_by_subject = {}
    for carrier in carriers:
        if carrier.carrier_id not in created_carriers:
            raise CarrierAlreadyExists(carrier_id=carrier.carrier_id)
        audit_details = {"sku": carrier.sku, "quantity": carrier.quantity, "laneId": carrier.lane_id}
        details_by_subject[f"carrier/{carrier.carrier_id}"] = audit_details
    await transaction.warehouse_storage.record_audit(caller, "carrier.received", details_by_subject, now)
    return [created_carriers[carrier.carrier_id] for carrier in carriers]


def _check_lane(lane_id: str, lane: Lane | None, warehouse_id: str, requested_positions: int) -> None:
    if lane is None:
        raise LaneNotFound(lane_id=lane_id)
    if lane.warehouse_id != warehouse_id:
        raise WarehouseMismatch(
            resource=lane_id, warehouse_id=lane.warehouse_id, required_warehouse_id=warehouse_id
        )
    if lane.status is LaneStatus.BLOCKED:
        raise LaneBlocked(lane_id=lane_id)
    if lane.occupied_positions + requested_positions > lane.capacity:
        raise LaneFull(lane_id=lane_id, capacity=lane.capacity, occupied=lane.occupied_positions)


async def set_carrier_status(
    transaction: Transaction,
    carrier_id: str,
    status: CarrierStatus,
    reason: str,
    caller: Caller,
    now: datetime,
) -> Carrier:
    """Put a carrier on hold or release it; the current status as target changes nothing.

    Raises CarrierNotFound, CarrierLeft.
    """
    carrier = await transaction.warehouse_storage.lock_carrier(carrier_id)
    if carrier is None:
        raise CarrierNotFound(carrier_id=carrier_id)
    if carrier.location is CarrierLocation.LEFT:
        raise CarrierLeft(carrier_id=carrier_id)
    if carrier.status is status:
        return carrier
    audit_details = {"from": carrier.status.value, "to": status.value, "reason": reason}
    await transaction.warehouse_storage.record_audit(
        caller, "carrier.status", {f"carrier/{carrier_id}": audit_details}, now
    )
    return await transaction.warehouse_storage.set_carrier_status(carrier_id, status, reason, now)


async def claim_moves(
    transaction: Transaction, warehouse_id: str, limit: int, claimed_by: str, caller: Caller, now: datetime
) -> list[Move]:
    """Assign requested moves to one caller, the oldest first. Raises WarehouseNotFound."""
    moves = await transaction.warehouse_storage.claim_moves(warehouse_id, limit, claimed_by, now)
    if not moves:
        await expect_warehouse(transaction, warehouse_id)
    await _audit_moves(transaction, caller, "move.claimed", moves, now)
    return moves


async def complete_move(
    transaction: Transaction, move_id: str, claimed_by: str, caller: Caller, now: datetime
) -> Move:
    """Record that a claimed move is done. Raises MoveNotFound, MoveClaimedByOther, MoveStatusConflict."""
    (move_outcome,) = await complete_moves(transaction, [move_id], claimed_by, caller, now)
    if isinstance(move_outcome, WmsError):
        raise move_outcome
    return move_outcome


async def complete_moves(
    transaction: Transaction, move_ids: Sequence[str], claimed_by: str, caller: Caller, now: datetime
) -> list[Move | WmsError]:
    """Record that claimed moves are done. Return for each its move or its own error, in the given order."""
    moves_by_id = await transaction.warehouse_storage.lock_moves(move_ids)
    errors_by_id = {
        move_id: move_error
        for move_id in move_ids
        if (
            move_error := _find_move_error(
                move_id, moves_by_id.get(move_id), claimed_by, MoveStatus.COMPLETED
            )
        )
    }
    claimed_ids = [
        move_id
        for move_id in move_ids
        if move_id not in errors_by_id and moves_by_id[move_id].status is MoveStatus.CLAIMED
    ]
    completed_moves = (
        await transaction.warehouse_storage.complete_moves(claimed_ids, now) if claimed_ids else {}
    )
    await _audit_moves(transaction, caller, "move.completed", list(completed_moves.values()), now)
    return [
        errors_by_id.get(move_id) or completed_moves.get(move_id) or moves_by_id[move_id]
        for move_id in move_ids
    ]


async def fail_move(
    transaction: Transaction, move_id: str, claimed_by: str, reason: str, caller: Caller, now: datetime
) -> Move:
    """Record that a claimed move failed; the worker counts the failure for the orders that wait for it.

    Raises MoveNotFound, MoveClaimedByOther, MoveStatusConflict.
    """
    move = (await transaction.warehouse_storage.lock_moves([move_id])).get(move_id)
    if move_error := _find_move_error(move_id, move, claimed_by, MoveStatus.FAILED):
        raise move_error
    failed_moves = await transaction.warehouse_storage.fail_moves([move_id], reason, now)
    await _audit_moves(transaction, caller, "move.failed", list(failed_moves.values()), now)
    return failed_moves.get(move_id) or (await transaction.warehouse_storage.lock_moves([move_id]))[move_id]


async def _audit_moves(
    transaction: Transaction, caller: Caller, audit_action: str, moves: Sequence[Move], now: datetime
) -> None:
    if moves:
        details_by_subject = {f"move/{move.move_id}": _build_move_details(move) for move in moves}
        await transaction.warehouse_storage.record_audit(caller, audit_action, details_by_subject, now)


def _build_move_details(move: Move) -> dict[str, object]:
    detail_values = {
        "carrierId": move.carrier_id,
        "claimedBy": move.claimed_by,
        "reason": move.failure_reason,
    }
    return {name: value for name, value in detail_values.items() if value}


def _find_move_error(
    move_id: str, move: Move | None, claimed_by: str, target_status: MoveStatus
) -> WmsError | None:
    """Return why a report about a move is rejected, or None; the same report again is not an error."""
    if move is None:
        return MoveNotFound(move_id=move_id)
    if claimed_by and move.claimed_by and claimed_by != move.claimed_by:
        return MoveClaimedByOther(move_id=move_id, claimed_by=move.claimed_by)
    if move.status in (MoveStatus.CLAIMED, target_status):
        return None
    return MoveStatusConflict(
        move_id=move_id, status=move.status.value, required_statuses=MoveStatus.CLAIMED.value
    )
