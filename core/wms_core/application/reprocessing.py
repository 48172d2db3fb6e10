"""The ReprocessingService: each function runs one call inside a transaction."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wms_core.application.database import Transaction
from wms_core.application.dead_letters import get as get_entry
from wms_core.application.orders import get, lock_order, save_change
from wms_core.domain.call_context import Caller
from wms_core.domain.failures import failures
from wms_core.domain.failures.dead_letters import DeadLetterEntry
from wms_core.domain.failures.failures import EligibleOrder, RetryPolicy
from wms_core.domain.orders.orders import FailureAttempt, Order
from wms_core.domain.orders.status import OrderStatus


@dataclass(frozen=True, slots=True)
class RetryMetadata:
    """Failures of an order in its current retry generation."""

    order: Order
    max_retries: int
    attempts: tuple[FailureAttempt, ...]

    @property
    def is_eligible(self) -> bool:
        """True if the order waits for a retry, due or not, and has fewer failures than allowed."""
        return self.order.status is OrderStatus.PENDING_RETRY and self.order.retry_count < self.max_retries


async def list_eligible(
    transaction: Transaction, statuses: Sequence[OrderStatus], max_retries: int, limit: int
) -> tuple[list[EligibleOrder], int]:
    """Return the first orders that wait for a retry with fewer failures, and their total number."""
    return await transaction.orders.list_eligible(statuses, max_retries, limit)


async def read_retry_metadata(
    transaction: Transaction, order_id: str, retry_policy: RetryPolicy
) -> RetryMetadata:
    """Return the failures of an order. Raises OrderNotFound."""
    return await _build_retry_metadata(transaction, await get(transaction, order_id), retry_policy)


async def record_failure(
    transaction: Transaction,
    order_id: str,
    etag: str,
    reason: str,
    failed_at: datetime,
    workflow_id: str,
    retry_policy: RetryPolicy,
    caller: Caller,
    now: datetime,
) -> RetryMetadata:
    """Count a failure. Raises OrderNotFound, EtagMismatch, StatusConflict."""
    order = await lock_order(transaction, order_id, etag)
    change = failures.fail(
        order,
        reason,
        failed_at,
        retry_policy,
        caller,
        now,
        workflow_id=workflow_id,
        jitter_draw=random.random(),  # noqa: S311 # jitter, no secret
    )
    return await _build_retry_metadata(transaction, await save_change(transaction, change), retry_policy)


async def reset_order(
    transaction: Transaction, order_id: str, etag: str, caller: Caller, now: datetime
) -> Order:
    """Return an order to `received` before its retry is due.

    Raises OrderNotFound, EtagMismatch, StatusConflict.
    """
    order = await lock_order(transaction, order_id, etag)
    return await save_change(transaction, failures.reset_order(order, caller, now))


async def move_to_dead_letter_queue(
    transaction: Transaction,
    order_id: str,
    etag: str,
    status: OrderStatus | None,
    reason: str,
    caller: Caller,
    now: datetime,
) -> DeadLetterEntry:
    """Move an order to the dead letter queue. Raises OrderNotFound, EtagMismatch, StatusConflict."""
    order = await lock_order(transaction, order_id, etag)
    await save_change(transaction, failures.dead_letter(order, status, reason, caller, now))
    return await get_entry(transaction, order_id, "")


async def _build_retry_metadata(
    transaction: Transaction, order: Order, retry_policy: RetryPolicy
) -> RetryMetadata:
    attempts = await transaction.orders.list_attempts(order.order_id, order.retry_generation)
    return RetryMetadata(order, retry_policy.max_retries, tuple(attempts))
