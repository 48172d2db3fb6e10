"""The DeadLetterQueueService: each function is one call's work inside a transaction."""

from datetime import datetime

from wms_core.application.ports import DeadLetterFilter, Page, ResultPage, Transaction
from wms_core.domain import failures
from wms_core.domain.caller import Caller
from wms_core.domain.dead_letters import DeadLetterEntry, DeadLetterStats, Decision, Resolution
from wms_core.domain.errors import DeadLetterEntryNotFound
from wms_core.domain.orders import Order


async def list_page(
    transaction: Transaction, wanted: DeadLetterFilter, page: Page
) -> ResultPage[DeadLetterEntry]:
    """Return a page, newest first."""
    return await transaction.dead_letters.page(wanted, page)


async def stats(transaction: Transaction) -> DeadLetterStats:
    """Count the entries in one snapshot."""
    return await transaction.dead_letters.stats()


async def get(transaction: Transaction, order_id: str, entry_id: str) -> DeadLetterEntry:
    """Give an entry, or the newest of an order. Raises DeadLetterEntryNotFound."""
    if entry_id:
        entry = await transaction.dead_letters.get(entry_id)
    else:
        entry = await transaction.dead_letters.newest(order_id)
    if entry is None:
        raise DeadLetterEntryNotFound(entry_id=entry_id, order_id="" if entry_id else order_id)
    return entry


async def resolve(
    transaction: Transaction,
    order_id: str,
    etag: str,
    resolution: Resolution,
    notes: str,
    resolved_by: str,
    caller: Caller,
    now: datetime,
) -> tuple[DeadLetterEntry, Order]:
    """Do what a supervisor decided about the order's newest entry.

    Raises DeadLetterEntryNotFound, EtagMismatch, DeadLetterAlreadyResolved.
    """
    found = await transaction.orders.lock([order_id])
    entry = await get(transaction, order_id, "")
    order = found[order_id]
    order.expect(etag)
    return await _decide(transaction, order, entry, resolution, notes, resolved_by, caller, now)


async def cancel(transaction: Transaction, order: Order, reason: str, caller: Caller, now: datetime) -> Order:
    """Cancel a locked order that is dead-lettered: its entry is resolved so, by the caller."""
    entry = await get(transaction, order.order_id, "")
    _, cancelled = await _decide(
        transaction, order, entry, Resolution.CANCELLED, reason, caller.actor, caller, now
    )
    return cancelled


async def _decide(
    transaction: Transaction,
    order: Order,
    entry: DeadLetterEntry,
    resolution: Resolution,
    notes: str,
    resolved_by: str,
    caller: Caller,
    now: datetime,
) -> tuple[DeadLetterEntry, Order]:
    entry.check_resolvable(resolution)
    change = failures.resolve(order, entry.entry_id, resolution, notes, resolved_by, caller, now)
    await transaction.dead_letters.decide(entry, Decision(resolution, notes, resolved_by, now))
    await transaction.orders.save([change])
    return await get(transaction, order.order_id, entry.entry_id), change.order
