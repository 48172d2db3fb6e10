"""The StorageService: each function is one call's work inside a transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from wms_core.application.ports import Transaction
from wms_core.domain.caller import Caller
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
from wms_core.domain.storage import (
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
    """Raise WarehouseNotFound unless anything was ever put into the warehouse."""
    if not await transaction.storage.warehouse_exists(warehouse_id):
        raise WarehouseNotFound(warehouse_id=warehouse_id)


async def put_lane(
    transaction: Transaction, lane: Lane, caller: Caller, now: datetime, *, keep_status: bool = False
) -> Lane:
    """Make a lane or change it; with `keep_status` one that exists keeps the status it has.

    Raises WarehouseMismatch, LaneFull, ConcurrentChange.
    """
    await transaction.storage.put_warehouse(lane.warehouse_id)
    present = (await transaction.storage.lock_lanes([lane.lane_id])).get(lane.lane_id)
    if present is not None:
        _check_change(present, lane)
        lane = replace(lane, status=present.status) if keep_status else lane
    stored = await transaction.storage.put_lane(lane)
    if stored is None:
        # Made just now, in another warehouse.
        raise ConcurrentChange
    detail = {"zone": lane.zone, "capacity": lane.capacity, "status": lane.status.value}
    await transaction.storage.audit(caller, "lane.put", {f"lane/{lane.lane_id}": detail}, now)
    return stored


def _check_change(present: Lane, lane: Lane) -> None:
    if present.warehouse_id != lane.warehouse_id:
        raise WarehouseMismatch(
            resource=lane.lane_id,
            warehouse_id=present.warehouse_id,
            required_warehouse_id=lane.warehouse_id,
        )
    if present.occupied > lane.capacity:
        raise LaneFull(lane_id=lane.lane_id, capacity=lane.capacity, occupied=present.occupied)


async def set_lane_status(
    transaction: Transaction, lane_id: str, status: LaneStatus, reason: str, caller: Caller, now: datetime
) -> Lane:
    """Open or block a lane; the status it has already changes nothing. Raises LaneNotFound."""
    lane = (await transaction.storage.lock_lanes([lane_id])).get(lane_id)
    if lane is None:
        raise LaneNotFound(lane_id=lane_id)
    if lane.status is status:
        return lane
    detail = {"from": lane.status.value, "to": status.value, "reason": reason}
    await transaction.storage.audit(caller, "lane.status", {f"lane/{lane_id}": detail}, now)
    return await transaction.storage.set_lane_status(lane_id, status, now)


async def put_destination(
    transaction: Transaction, destination: Destination, caller: Caller, now: datetime
) -> Destination:
    """Make a destination or change it. Raises WarehouseMismatch."""
    await transaction.storage.put_warehouse(destination.warehouse_id)
    stored = await transaction.storage.put_destination(destination)
    if stored is None:
        present = await transaction.storage.destination(destination.destination_id)
        raise WarehouseMismatch(
            resource=destination.destination_id,
            warehouse_id=present.warehouse_id if present else "",
            required_warehouse_id=destination.warehouse_id,
        )
    detail = {
        "queueCapacity": destination.queue_capacity,
        "zones": list(destination.zones),
        "paused": destination.paused,
    }
    subject = f"destination/{destination.destination_id}"
    await transaction.storage.audit(caller, "destination.put", {subject: detail}, now)
    return stored


async def receive_carriers(
    transaction: Transaction, warehouse_id: str, carriers: Sequence[Carrier], caller: Caller, now: datetime
) -> list[Carrier]:
    """Put new carriers at the end of their lanes: all of them, or none.

    Raises WarehouseNotFound, LaneNotFound, WarehouseMismatch, LaneBlocked, LaneFull, CarrierAlreadyExists.
    """
    await expect_warehouse(transaction, warehouse_id)
    lane_ids = [carrier.lane_id or "" for carrier in carriers]
    lanes = await transaction.storage.lock_lanes(sorted(set(lane_ids)))
    for lane_id in lane_ids:
        _check_lane(lane_id, lanes.get(lane_id), warehouse_id, lane_ids.count(lane_id))
    seen: set[str] = set()
    for carrier in carriers:
        if carrier.carrier_id in seen:
            raise CarrierAlreadyExists(carrier_id=carrier.carrier_id)
        seen.add(carrier.carrier_id)
    made = await transaction.storage.insert_carriers(carriers, now)
    details = {}
    for carrier in carriers:
        if carrier.carrier_id not in made:
            raise CarrierAlreadyExists(carrier_id=carrier.carrier_id)
        detail = {"sku": carrier.sku, "quantity": carrier.quantity, "laneId": carrier.lane_id}
        details[f"carrier/{carrier.carrier_id}"] = detail
    await transaction.storage.audit(caller, "carrier.received", details, now)
    return [made[carrier.carrier_id] for carrier in carriers]


def _check_lane(lane_id: str, lane: Lane | None, warehouse_id: str, wanted: int) -> None:
    if lane is None:
        raise LaneNotFound(lane_id=lane_id)
    if lane.warehouse_id != warehouse_id:
        raise WarehouseMismatch(
            resource=lane_id, warehouse_id=lane.warehouse_id, required_warehouse_id=warehouse_id
        )
    if lane.status is LaneStatus.BLOCKED:
        raise LaneBlocked(lane_id=lane_id)
    if lane.occupied + wanted > lane.capacity:
        raise LaneFull(lane_id=lane_id, capacity=lane.capacity, occupied=lane.occupied)


async def set_carrier_status(
    transaction: Transaction,
    carrier_id: str,
    status: CarrierStatus,
    reason: str,
    caller: Caller,
    now: datetime,
) -> Carrier:
    """Hold a carrier or set it free; the status it has already changes nothing.

    Raises CarrierNotFound, CarrierLeft.
    """
    carrier = await transaction.storage.lock_carrier(carrier_id)
    if carrier is None:
        raise CarrierNotFound(carrier_id=carrier_id)
    if carrier.location is CarrierLocation.LEFT:
        raise CarrierLeft(carrier_id=carrier_id)
    if carrier.status is status:
        return carrier
    detail = {"from": carrier.status.value, "to": status.value, "reason": reason}
    await transaction.storage.audit(caller, "carrier.status", {f"carrier/{carrier_id}": detail}, now)
    return await transaction.storage.set_carrier_status(carrier_id, status, reason, now)


async def claim_moves(
    transaction: Transaction, warehouse_id: str, limit: int, claimed_by: str, caller: Caller, now: datetime
) -> list[Move]:
    """Give requested moves to one caller, the oldest first. Raises WarehouseNotFound."""
    moves = await transaction.storage.claim_moves(warehouse_id, limit, claimed_by, now)
    if not moves:
        await expect_warehouse(transaction, warehouse_id)
    await _audit_moves(transaction, caller, "move.claimed", moves, now)
    return moves


async def complete_move(
    transaction: Transaction, move_id: str, claimed_by: str, caller: Caller, now: datetime
) -> Move:
    """Record that a claimed move is done. Raises MoveNotFound, MoveClaimedByOther, MoveStatusConflict."""
    (outcome,) = await complete_moves(transaction, [move_id], claimed_by, caller, now)
    if isinstance(outcome, WmsError):
        raise outcome
    return outcome


async def complete_moves(
    transaction: Transaction, move_ids: Sequence[str], claimed_by: str, caller: Caller, now: datetime
) -> list[Move | WmsError]:
    """Record that claimed moves are done: each its move or its own error, in the order given."""
    found = await transaction.storage.lock_moves(move_ids)
    faults = {
        move_id: fault
        for move_id in move_ids
        if (fault := _fault(move_id, found.get(move_id), claimed_by, MoveStatus.COMPLETED))
    }
    claimed = [
        move_id
        for move_id in move_ids
        if move_id not in faults and found[move_id].status is MoveStatus.CLAIMED
    ]
    done = await transaction.storage.complete_moves(claimed, now) if claimed else {}
    await _audit_moves(transaction, caller, "move.completed", list(done.values()), now)
    return [faults.get(move_id) or done.get(move_id) or found[move_id] for move_id in move_ids]


async def fail_move(
    transaction: Transaction, move_id: str, claimed_by: str, reason: str, caller: Caller, now: datetime
) -> Move:
    """Record that a claimed move failed; the worker counts the failure for the orders that wait for it.

    Raises MoveNotFound, MoveClaimedByOther, MoveStatusConflict.
    """
    move = (await transaction.storage.lock_moves([move_id])).get(move_id)
    if fault := _fault(move_id, move, claimed_by, MoveStatus.FAILED):
        raise fault
    failed = await transaction.storage.fail_moves([move_id], reason, now)
    await _audit_moves(transaction, caller, "move.failed", list(failed.values()), now)
    return failed.get(move_id) or (await transaction.storage.lock_moves([move_id]))[move_id]


async def _audit_moves(
    transaction: Transaction, caller: Caller, action: str, moves: Sequence[Move], now: datetime
) -> None:
    if moves:
        details = {f"move/{move.move_id}": _move_detail(move) for move in moves}
        await transaction.storage.audit(caller, action, details, now)


def _move_detail(move: Move) -> dict[str, object]:
    facts = {"carrierId": move.carrier_id, "claimedBy": move.claimed_by, "reason": move.failure_reason}
    return {name: fact for name, fact in facts.items() if fact}


def _fault(move_id: str, move: Move | None, claimed_by: str, wanted: MoveStatus) -> WmsError | None:
    """Say why a report about a move can't be taken; the same report again is no fault."""
    if move is None:
        return MoveNotFound(move_id=move_id)
    if claimed_by and move.claimed_by and claimed_by != move.claimed_by:
        return MoveClaimedByOther(move_id=move_id, claimed_by=move.claimed_by)
    if move.status in (MoveStatus.CLAIMED, wanted):
        return None
    return MoveStatusConflict(
        move_id=move_id, status=move.status.value, required_statuses=MoveStatus.CLAIMED.value
    )
