"""The DeadLetterQueueService: each function runs one call inside a transaction."""

from datetime import datetime

from wms_core.application.database import DeadLetterFilter, Page, ResultPage, Transaction
from wms_core.domain.call_context import Caller
from wms_core.domain.errors import DeadLetterEntryNotFound
from wms_core.domain.failures import failures
from wms_core.domain.failures.dead_letters import (
    DeadLetterDecision,
    DeadLetterEntry,
    DeadLetterStats,
    Resolution,
)
from wms_core.domain.orders.orders import Order


async def list_page(
    transaction: Transaction, dead_letter_filter: DeadLetterFilter, page: Page
) -> ResultPage[DeadLetterEntry]:
    """Return a page, newest first."""
    return await transaction.dead_letters.list_page(dead_letter_filter, page)


async def read_stats(transaction: Transaction) -> DeadLetterStats:
    """Return the counts of entries in one snapshot."""
    return await transaction.dead_letters.read_stats()


async def get(transaction: Transaction, order_id: str, entry_id: str) -> DeadLetterEntry:
    """Return an entry by its id, or else the newest entry of an order. Raises DeadLetterEntryNotFound."""
    if entry_id:
        entry = await transaction.dead_letters.get(entry_id)
    else:
        entry = await transaction.dead_letters.find_newest(order_id)
    if entry is None:
        raise DeadLetterEntryNotFound(entry_id=entry_id, order_id="" if entry_id else order_id)
    return entry


async def resolve_entry(
    transaction: Transaction,
    order_id: str,
    etag: str,
    resolution: Resolution,
    notes: str,
    resolved_by: str,
    caller: Caller,
    now: datetime,
) -> tuple[DeadLetterEntry, Order]:
    """Apply a supervisor's resolution to the order's newest entry.

    Raises DeadLetterEntryNotFound, EtagMismatch, DeadLetterAlreadyResolved.
    """
    orders_by_id = await transaction.orders.lock_orders([order_id])
    entry = await get(transaction, order_id, "")
    order = orders_by_id[order_id]
    order.check_etag(etag)
    return await _apply_decision(transaction, order, entry, resolution, notes, resolved_by, caller, now)


async def cancel(transaction: Transaction, order: Order, reason: str, caller: Caller, now: datetime) -> Order:
    """Cancel a locked, dead-lettered order: its entry is resolved as cancelled by the caller."""
    entry = await get(transaction, order.order_id, "")
    _, cancelled_order = await _apply_decision(
        transaction, order, entry, Resolution.CANCELLED, reason, caller.actor_name, caller, now
    )
    return cancelled_order


async def _apply_decision(
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
    change = failures.resolve_dead_letter(order, entry.entry_id, resolution, notes, resolved_by, caller, now)
    await transaction.dead_letters.record_decision(
        entry, DeadLetterDecision(resolution, notes, resolved_by, now)
    )
    await transaction.orders.save([change])
    return await get(transaction, order.order_id, entry.entry_id), change.order
