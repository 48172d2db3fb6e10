"""The ReprocessingService: each function is one call's work inside a transaction."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wms_core.application.dead_letters import get as get_entry
from wms_core.application.orders import get, locked, saved
from wms_core.application.ports import Transaction
from wms_core.domain import failures
from wms_core.domain.caller import Caller
from wms_core.domain.dead_letters import DeadLetterEntry
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import FailureAttempt, Order
from wms_core.domain.retries import EligibleOrder, RetryPolicy


@dataclass(frozen=True, slots=True)
class RetryMetadata:
    """How often an order has failed in its present life, and what comes next."""

    order: Order
    max_retries: int
    attempts: tuple[FailureAttempt, ...]

    @property
    def eligible(self) -> bool:
        """Waiting for a retry with fewer failures than allowed, due or not."""
        return self.order.status is OrderStatus.PENDING_RETRY and self.order.retry_count < self.max_retries


async def list_eligible(
    transaction: Transaction, statuses: Sequence[OrderStatus], max_retries: int, limit: int
) -> tuple[list[EligibleOrder], int]:
    """Return the first orders that wait for a retry and have failed fewer times, and how many there are."""
    return await transaction.orders.eligible(statuses, max_retries, limit)


async def metadata(transaction: Transaction, order_id: str, policy: RetryPolicy) -> RetryMetadata:
    """Give the failures of an order. Raises OrderNotFound."""
    return await _metadata(transaction, await get(transaction, order_id), policy)


async def record_failure(
    transaction: Transaction,
    order_id: str,
    etag: str,
    reason: str,
    failed_at: datetime,
    workflow_id: str,
    policy: RetryPolicy,
    caller: Caller,
    now: datetime,
) -> RetryMetadata:
    """Count a failure. Raises OrderNotFound, EtagMismatch, StatusConflict."""
    order = await locked(transaction, order_id, etag)
    change = failures.fail(
        order,
        reason,
        failed_at,
        policy,
        caller,
        now,
        workflow_id=workflow_id,
        draw=random.random(),  # noqa: S311 # jitter, no secret
    )
    return await _metadata(transaction, await saved(transaction, change), policy)


async def reset(transaction: Transaction, order_id: str, etag: str, caller: Caller, now: datetime) -> Order:
    """Put an order back to the beginning before its retry is due.

    Raises OrderNotFound, EtagMismatch, StatusConflict.
    """
    order = await locked(transaction, order_id, etag)
    return await saved(transaction, failures.reset(order, caller, now))


async def move_to_dead_letter_queue(
    transaction: Transaction,
    order_id: str,
    etag: str,
    status: OrderStatus | None,
    reason: str,
    caller: Caller,
    now: datetime,
) -> DeadLetterEntry:
    """Give an order to a person at once. Raises OrderNotFound, EtagMismatch, StatusConflict."""
    order = await locked(transaction, order_id, etag)
    await saved(transaction, failures.dead_letter(order, status, reason, caller, now))
    return await get_entry(transaction, order_id, "")


async def _metadata(transaction: Transaction, order: Order, policy: RetryPolicy) -> RetryMetadata:
    attempts = await transaction.orders.attempts(order.order_id, order.life)
    return RetryMetadata(order, policy.max_retries, tuple(attempts))
