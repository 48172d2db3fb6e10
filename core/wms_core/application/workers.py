"""Replicas of the worker: each function is one call's work inside a transaction."""

from dataclasses import replace
from datetime import datetime

from wms_core.application.ports import Transaction
from wms_core.domain.caller import Caller
from wms_core.domain.errors import NoActiveWorker, RoleNotFound, RoleNotHeld, WorkerNotFound
from wms_core.domain.workers import Worker, WorkerMode


async def list_workers(transaction: Transaction, after: str, limit: int) -> list[Worker]:
    """Give the replicas after an id that reported lately."""
    return await transaction.workers.page(after, limit)


async def set_mode(
    transaction: Transaction, worker_id: str, mode: WorkerMode, caller: Caller, now: datetime
) -> Worker:
    """Tell a replica whether to take part in elections. Raises WorkerNotFound."""
    worker = await _worker(transaction, worker_id)
    await transaction.workers.set_mode(worker_id, mode)
    await transaction.storage.audit(caller, "worker.mode", {f"worker/{worker_id}": {"mode": mode}}, now)
    return replace(worker, mode=mode)


async def step_down(
    transaction: Transaction, worker_id: str, role: str, caller: Caller, now: datetime
) -> Worker:
    """Ask who holds a role, or the replica that is named and does, to hand it over.

    Raises RoleNotFound, RoleNotHeld, WorkerNotFound, NoActiveWorker.
    """
    holder = await transaction.workers.holder(role)
    if holder is None:
        raise RoleNotFound(role=role, worker_id=worker_id)
    if worker_id:
        await _worker(transaction, worker_id)
    if not holder:
        raise NoActiveWorker(role=role)
    if worker_id not in ("", holder):
        raise RoleNotHeld(role=role, worker_id=worker_id)
    asked = await _worker(transaction, holder)
    await transaction.workers.ask_to_step_down(role)
    await transaction.storage.audit(caller, "worker.step-down", {f"worker/{holder}": {"role": role}}, now)
    return asked


async def _worker(transaction: Transaction, worker_id: str) -> Worker:
    worker = await transaction.workers.worker(worker_id)
    if worker is None:
        raise WorkerNotFound(worker_id=worker_id)
    return worker
