"""What is owed to orders: the calls of the StorageService about shortages, each inside a transaction."""

import random
from datetime import datetime

from wms_core.application.identifiers import new_id
from wms_core.application.orders import locked, saved
from wms_core.application.ports import BackorderFilter, Page, Transaction
from wms_core.domain import backorders, failures
from wms_core.domain.backorders import Backorder, PartialRule
from wms_core.domain.caller import Caller
from wms_core.domain.errors import BackorderNotFound
from wms_core.domain.orders import Order
from wms_core.domain.payloads import ShortageReason
from wms_core.domain.retries import RetryPolicy


async def list_page(transaction: Transaction, wanted: BackorderFilter, page: Page) -> list[Backorder]:
    """Give a page, oldest first, with one more when there are more."""
    return await transaction.backorders.page(wanted, page)


async def report_short_pick(
    transaction: Transaction,
    order_id: str,
    etag: str,
    sku: str,
    quantity: int,
    reason: ShortageReason,
    rule: PartialRule,
    policy: RetryPolicy,
    caller: Caller,
    now: datetime,
) -> tuple[Order, tuple[Backorder, ...]]:
    """Take units out of the books that a picker did not find; the rest goes on, or a failure is counted.

    Gives the order and the backorders that were opened. Raises OrderNotFound, EtagMismatch, StatusConflict,
    SkuNotOnOrder, QuantityExceeded.
    """
    order = await locked(transaction, order_id, etag)
    without, missing = backorders.lose(order, sku, quantity)
    await transaction.backorders.write_off(
        order.warehouse_id, order_id, sku, quantity, reason.value, caller.actor, now
    )
    await transaction.orders.save_lines(without)
    if rule.allows(without, quantity):
        change = backorders.go_on_without(without, missing, reason, new_id, caller, now)
    else:
        draw = random.random()  # noqa: S311 # jitter, no secret
        change = failures.fail(without, failures.NO_STOCK, now, policy, caller, now, draw=draw)
    return await saved(transaction, change), change.opened


async def cancel(
    transaction: Transaction, backorder_id: str, reason: str, caller: Caller, now: datetime
) -> Backorder:
    """Give up what is still owed; a cancelled one stays as it is.

    Raises BackorderNotFound, BackorderStatusConflict.
    """
    backorder = await _get(transaction, backorder_id)
    order = await locked(transaction, backorder.order_id)
    # Read again: what it was before the order was locked may be history.
    backorder = await _get(transaction, backorder_id)
    held = await transaction.backorders.held(backorder_id)
    await saved(transaction, backorders.cancel(order, backorder, held, reason, caller, now))
    return await _get(transaction, backorder_id)


async def _get(transaction: Transaction, backorder_id: str) -> Backorder:
    backorder = await transaction.backorders.get(backorder_id)
    if backorder is None:
        raise BackorderNotFound(backorder_id=backorder_id)
    return backorder
