"""Backorders and short picks: calls of the StorageService, each inside a transaction."""

import random
from datetime import datetime

from wms_core.application.database import BackorderFilter, Page, Transaction
from wms_core.application.orders import lock_order, save_change
from wms_core.domain.call_context import Caller
from wms_core.domain.errors import BackorderNotFound
from wms_core.domain.events.payloads import ShortageReason
from wms_core.domain.failures import failures
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders import backorders
from wms_core.domain.orders.backorders import Backorder, PartialFulfillmentRule
from wms_core.domain.orders.orders import Order
from wms_core.runtime.ids import new_id


async def list_page(
    transaction: Transaction, backorder_filter: BackorderFilter, page: Page
) -> list[Backorder]:
    """Return a page, oldest first, with one extra backorder if more follow."""
    return await transaction.backorders.list_page(backorder_filter, page)


async def report_short_pick(
    transaction: Transaction,
    order_id: str,
    etag: str,
    sku: str,
    quantity: int,
    reason: ShortageReason,
    partial_rule: PartialFulfillmentRule,
    retry_policy: RetryPolicy,
    caller: Caller,
    now: datetime,
) -> tuple[Order, tuple[Backorder, ...]]:
    """Write off units that a picker did not find, and open backorders or count a failure.

    Return the order and the opened backorders. Raises OrderNotFound, EtagMismatch, StatusConflict,
    SkuNotOnOrder, QuantityExceeded.
    """
    order = await lock_order(transaction, order_id, etag)
    reduced_order, missing_by_line = backorders.apply_short_pick(order, sku, quantity)
    await transaction.backorders.write_off(
        order.warehouse_id, order_id, sku, quantity, reason.value, caller.actor_name, now
    )
    await transaction.orders.save_lines(reduced_order)
    if partial_rule.allows_shortage(reduced_order, quantity):
        change = backorders.open_backorders(reduced_order, missing_by_line, reason, new_id, caller, now)
    else:
        jitter_draw = random.random()  # noqa: S311 # jitter, no secret
        change = failures.fail(
            reduced_order, failures.NO_STOCK, now, retry_policy, caller, now, jitter_draw=jitter_draw
        )
    return await save_change(transaction, change), change.opened_backorders


async def cancel(
    transaction: Transaction, backorder_id: str, reason: str, caller: Caller, now: datetime
) -> Backorder:
    """Cancel the outstanding units of a backorder; a cancelled backorder does not change.

    Raises BackorderNotFound, BackorderStatusConflict.
    """
    backorder = await _get(transaction, backorder_id)
    order = await lock_order(transaction, backorder.order_id)
    # Read again: the backorder may have changed before its order was locked.
    backorder = await _get(transaction, backorder_id)
    allocated_units = await transaction.backorders.get_allocated_units(backorder_id)
    await save_change(transaction, backorders.cancel(order, backorder, allocated_units, reason, caller, now))
    return await _get(transaction, backorder_id)


async def _get(transaction: Transaction, backorder_id: str) -> Backorder:
    backorder = await transaction.backorders.get(backorder_id)
    if backorder is None:
        raise BackorderNotFound(backorder_id=backorder_id)
    return backorder
