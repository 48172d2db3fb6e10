"""Worker replicas: each function runs one call inside a transaction."""

from dataclasses import replace
from datetime import datetime

from wms_core.application.database import Transaction
from wms_core.domain.call_context import Caller
from wms_core.domain.errors import NoActiveWorker, RoleNotFound, RoleNotHeld, WorkerNotFound
from wms_core.domain.workers import Worker, WorkerMode


async def list_workers(transaction: Transaction, after_id: str, limit: int) -> list[Worker]:
    """Return the replicas after an id that have a recent heartbeat."""
    return await transaction.workers.list_page(after_id, limit)


async def set_mode(
    transaction: Transaction, worker_id: str, mode: WorkerMode, caller: Caller, now: datetime
) -> Worker:
    """Set the mode of a replica. Raises WorkerNotFound."""
    worker = await _get_worker(transaction, worker_id)
    await transaction.workers.set_mode(worker_id, mode)
    await transaction.warehouse_storage.record_audit(
        caller, "worker.mode", {f"worker/{worker_id}": {"mode": mode}}, now
    )
    return replace(worker, mode=mode)


async def step_down(
    transaction: Transaction, worker_id: str, role: str, caller: Caller, now: datetime
) -> Worker:
    """Ask the leader of a role to release it; `worker_id`, if given, must be the leader.

    Raises RoleNotFound, RoleNotHeld, WorkerNotFound, NoActiveWorker.
    """
    holder_id = await transaction.workers.get_holder(role)
    if holder_id is None:
        raise RoleNotFound(role=role, worker_id=worker_id)
    if worker_id:
        await _get_worker(transaction, worker_id)
    if not holder_id:
        raise NoActiveWorker(role=role)
    if worker_id not in ("", holder_id):
        raise RoleNotHeld(role=role, worker_id=worker_id)
    holder_worker = await _get_worker(transaction, holder_id)
    await transaction.workers.ask_to_step_down(role)
    await transaction.warehouse_storage.record_audit(
        caller, "worker.step-down", {f"worker/{holder_id}": {"role": role}}, now
    )
    return holder_worker


async def _get_worker(transaction: Transaction, worker_id: str) -> Worker:
    worker = await transaction.workers.get_worker(worker_id)
    if worker is None:
        raise WorkerNotFound(worker_id=worker_id)
    return worker
