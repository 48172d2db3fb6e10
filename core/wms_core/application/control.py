"""The FulfillmentService: each function is one call's work inside a transaction."""

from datetime import datetime

from wms_core.application.identifiers import new_id
from wms_core.application.ports import Page, RunFilter, Transaction
from wms_core.domain.caller import Caller
from wms_core.domain.errors import FulfillmentPaused, NoActiveWorker, RunNotFound, WarehouseNotFound
from wms_core.domain.events import json_time
from wms_core.domain.runs import Pause, Run, WarehouseStats
from wms_core.domain.workers import Role


async def start(transaction: Transaction, warehouse_id: str, caller: Caller, now: datetime) -> Run:
    """Ask the active worker for a cycle now. Raises WarehouseNotFound, NoActiveWorker, FulfillmentPaused."""
    await _check_warehouse(transaction, warehouse_id)
    if not await transaction.storage.role_is_held(Role.FULFILLMENT):
        raise NoActiveWorker(role=Role.FULFILLMENT)
    for pause in await transaction.fulfillment.pauses():
        if pause.warehouse_id in ("", warehouse_id):
            raise FulfillmentPaused(
                warehouse_id=pause.warehouse_id,
                pause_reason=pause.reason,
                expires_at=pause.expires_at and json_time(pause.expires_at),
            )
    run = await transaction.fulfillment.request_run(new_id("RUN-"), warehouse_id, caller.actor, now)
    await transaction.storage.audit(caller, "fulfillment.start", {f"run/{run.run_id}": {}}, now)
    return run


async def get_run(transaction: Transaction, run_id: str) -> Run:
    """Give a run. Raises RunNotFound."""
    run = await transaction.fulfillment.run(run_id)
    if run is None:
        raise RunNotFound(run_id=run_id)
    return run


async def list_runs(transaction: Transaction, wanted: RunFilter, page: Page) -> list[Run]:
    """Give a page, newest first, with one more when there are more."""
    return await transaction.fulfillment.runs(wanted, page)


async def pause(
    transaction: Transaction,
    warehouse_id: str,
    reason: str,
    expires_at: datetime | None,
    caller: Caller,
    now: datetime,
) -> Pause:
    """Stop new work in a warehouse, or everywhere; a second pause replaces the first.

    Raises WarehouseNotFound.
    """
    await _check_warehouse(transaction, warehouse_id)
    made = await transaction.fulfillment.pause(Pause(warehouse_id, reason, caller.actor, now, expires_at))
    subject = f"warehouse/{warehouse_id or '*'}"
    await transaction.storage.audit(caller, "fulfillment.pause", {subject: {"reason": reason}}, now)
    return made


async def resume(
    transaction: Transaction, warehouse_id: str, reason: str, caller: Caller, now: datetime
) -> list[Pause]:
    """Let new work begin again; what is not paused stays so. Gives the pauses that are still in force."""
    await _check_warehouse(transaction, warehouse_id)
    await transaction.fulfillment.resume(warehouse_id)
    subject = f"warehouse/{warehouse_id or '*'}"
    await transaction.storage.audit(caller, "fulfillment.resume", {subject: {"reason": reason}}, now)
    return await transaction.fulfillment.pauses()


async def stats(
    transaction: Transaction, warehouse_id: str, now: datetime
) -> tuple[list[WarehouseStats], list[Pause]]:
    """Sum up each warehouse, or one, and give the pauses in force. Raises WarehouseNotFound."""
    await _check_warehouse(transaction, warehouse_id)
    return await transaction.fulfillment.stats(warehouse_id, now), await transaction.fulfillment.pauses()


async def _check_warehouse(transaction: Transaction, warehouse_id: str) -> None:
    if warehouse_id and not await transaction.storage.warehouse_exists(warehouse_id):
        raise WarehouseNotFound(warehouse_id=warehouse_id)
