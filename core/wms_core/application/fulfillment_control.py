"""The FulfillmentService: each function runs one call inside a transaction."""

from datetime import datetime

from wms_core.application.database import Page, RunFilter, Transaction
from wms_core.domain.call_context import Caller
from wms_core.domain.cycle_runs import FulfillmentPause, Run, WarehouseStats
from wms_core.domain.errors import FulfillmentPaused, NoActiveWorker, RunNotFound, WarehouseNotFound
from wms_core.domain.events.events import format_json_time
from wms_core.domain.workers import Role
from wms_core.runtime.ids import new_id


async def request_run(transaction: Transaction, warehouse_id: str, caller: Caller, now: datetime) -> Run:
    """Request a cycle from the active worker. Raises WarehouseNotFound, NoActiveWorker, FulfillmentPaused."""
    await _check_warehouse(transaction, warehouse_id)
    if not await transaction.warehouse_storage.is_role_held(Role.FULFILLMENT):
        raise NoActiveWorker(role=Role.FULFILLMENT)
    for active_pause in await transaction.fulfillment_runs.list_pauses():
        if active_pause.warehouse_id in ("", warehouse_id):
            raise FulfillmentPaused(
                warehouse_id=active_pause.warehouse_id,
                pause_reason=active_pause.reason,
                expires_at=active_pause.expires_at and format_json_time(active_pause.expires_at),
            )
    run = await transaction.fulfillment_runs.request_run(new_id("RUN-"), warehouse_id, caller.actor_name, now)
    await transaction.warehouse_storage.record_audit(
        caller, "fulfillment.start", {f"run/{run.run_id}": {}}, now
    )
    return run


async def get_run(transaction: Transaction, run_id: str) -> Run:
    """Return a run. Raises RunNotFound."""
    run = await transaction.fulfillment_runs.get_run(run_id)
    if run is None:
        raise RunNotFound(run_id=run_id)
    return run


async def list_runs(transaction: Transaction, run_filter: RunFilter, page: Page) -> list[Run]:
    """Return a page, newest first, with one extra run if more follow."""
    return await transaction.fulfillment_runs.list_runs(run_filter, page)


async def pause_fulfillment(
    transaction: Transaction,
    warehouse_id: str,
    reason: str,
    expires_at: datetime | None,
    caller: Caller,
    now: datetime,
) -> FulfillmentPause:
    """Stop new work in a warehouse, or everywhere; a second pause replaces the first.

    Raises WarehouseNotFound.
    """
    await _check_warehouse(transaction, warehouse_id)
    stored_pause = await transaction.fulfillment_runs.upsert_pause(
        FulfillmentPause(warehouse_id, reason, caller.actor_name, now, expires_at)
    )
    audit_subject = f"warehouse/{warehouse_id or '*'}"
    await transaction.warehouse_storage.record_audit(
        caller, "fulfillment.upsert_pause", {audit_subject: {"reason": reason}}, now
    )
    return stored_pause


async def resume_fulfillment(
    transaction: Transaction, warehouse_id: str, reason: str, caller: Caller, now: datetime
) -> list[FulfillmentPause]:
    """End a pause, if there is one. Return the pauses that are still in force. Raises WarehouseNotFound."""
    await _check_warehouse(transaction, warehouse_id)
    await transaction.fulfillment_runs.delete_pause(warehouse_id)
    audit_subject = f"warehouse/{warehouse_id or '*'}"
    await transaction.warehouse_storage.record_audit(
        caller, "fulfillment.delete_pause", {audit_subject: {"reason": reason}}, now
    )
    return await transaction.fulfillment_runs.list_pauses()


async def read_stats(
    transaction: Transaction, warehouse_id: str, now: datetime
) -> tuple[list[WarehouseStats], list[FulfillmentPause]]:
    """Return statistics of each warehouse, or of one, and the pauses in force. Raises WarehouseNotFound."""
    await _check_warehouse(transaction, warehouse_id)
    return await transaction.fulfillment_runs.read_warehouse_stats(
        warehouse_id, now
    ), await transaction.fulfillment_runs.list_pauses()


async def _check_warehouse(transaction: Transaction, warehouse_id: str) -> None:
    if warehouse_id and not await transaction.warehouse_storage.warehouse_exists(warehouse_id):
        raise WarehouseNotFound(warehouse_id=warehouse_id)
