"""Failures of orders: retry policy, retries and the dead letter queue."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from wms_core.domain.call_context import Caller
from wms_core.domain.events import events
from wms_core.domain.failures.dead_letters import Resolution
from wms_core.domain.orders.change import (
    OrderChange,
    OrderChangeBuilder,
    event_base_fields,
    release_allocations,
)
from wms_core.domain.orders.orders import FailureAttempt, Order
from wms_core.domain.orders.status import OrderStatus, source_statuses


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Backoff of retries: it doubles from `base_delay` up to `max_delay`, plus jitter.

    `next_retry_at = failed_at + min(max_delay, base_delay * 2**(failure - 1)) * (1 + jitter_ratio * draw)`

    Failure number `max_retries` is not retried: the order goes to the dead letter queue instead. With the
    defaults the second failure is retried after 30 minutes, as in the example of the Order Service document.
    """

    max_retries: int = 5
    base_delay: timedelta = timedelta(minutes=15)
    max_delay: timedelta = timedelta(hours=6)
    jitter_ratio: float = 0.0

    def is_exhausted(self, failure_count: int) -> bool:
        """Return whether no retry follows after `failure_count` failures."""
        return failure_count >= self.max_retries

    def compute_delay(self, failure_count: int, jitter_draw: float = 0.0) -> timedelta:
        """Return the delay after failure number `failure_count` (from 1); `jitter_draw` is in [0, 1)."""
        # More doublings would only overflow: the maximum delay is reached long before.
        doubling_count = min(failure_count - 1, 64)
        delay_seconds = min(
            self.max_delay.total_seconds(), self.base_delay.total_seconds() * 2.0**doubling_count
        )
        return timedelta(seconds=delay_seconds * (1 + self.jitter_ratio * jitter_draw))

    def compute_next_retry_at(
        self, failed_at: datetime, failure_count: int, jitter_draw: float = 0.0
    ) -> datetime:
        """Return the time of the retry after failure number `failure_count` at `failed_at`."""
        return failed_at + self.compute_delay(failure_count, jitter_draw)


class EligibleOrder(NamedTuple):
    """An order that waits for its retry."""

    order_id: str
    customer_id: str
    warehouse_id: str
    failed_status: OrderStatus | None
    retry_count: int
    last_failure_reason: str
    last_failed_at: datetime | None
    created_at: datetime
    next_retry_at: datetime


#: Failure reason of an order without enough stock (source: retry chapter of the Order Service document).
NO_STOCK = "Inventory unavailable"


def fail(
    order: Order,
    reason: str,
    failed_at: datetime,
    retry_policy: RetryPolicy,
    caller: Caller,
    now: datetime,
    *,
    workflow_id: str = "",
    jitter_draw: float = 0.0,
) -> OrderChange:
    """Count a failure: schedule a retry or, after the last allowed failure, dead-letter the order.

    `jitter_draw` is a random number in [0, 1). Raises StatusConflict.
    """
    order.require_status(*source_statuses(OrderStatus.PENDING_RETRY))
    status = order.failed_status or order.status
    attempt = FailureAttempt(order.retry_count + 1, status, reason, failed_at, workflow_id)
    failed_order = replace(
        order,
        retry_count=attempt.attempt_number,
        failed_status=status,
        last_failure_reason=reason,
        last_failed_at=failed_at,
        waiting_reason=None,
    )
    if retry_policy.is_exhausted(attempt.attempt_number):
        return _dead_letter(order, failed_order, status, reason, caller, now, attempt=attempt)
    event = events.RetryScheduled(
        **event_base_fields(order, now),
        retry_number=attempt.attempt_number,
        failure_status=status,
        failure_reason=reason,
    )
    order_after = replace(
        failed_order,
        status=OrderStatus.PENDING_RETRY,
        next_retry_at=retry_policy.compute_next_retry_at(failed_at, attempt.attempt_number, jitter_draw),
    )
    change_builder = OrderChangeBuilder(order, caller, now)
    change_builder.add_event(event, order_after, is_transition=True)
    return change_builder.build(release_allocations(order_after), attempt=attempt, should_release=True)


def dead_letter(
    order: Order, status: OrderStatus | None, reason: str, caller: Caller, now: datetime
) -> OrderChange:
    """Move the order to the dead letter queue without counting an attempt.

    `status` defaults to the status in which the order failed. Raises StatusConflict.
    """
    if order.status is OrderStatus.DEAD_LETTER:
        return OrderChange(order_before=order, order=order)
    order.require_status(*source_statuses(OrderStatus.DEAD_LETTER))
    status = status or order.failed_status or order.status
    failed_order = replace(order, failed_status=status)
    return _dead_letter(order, failed_order, status, reason, caller, now)


def _dead_letter(
    order_before: Order,
    failed_order: Order,
    status: OrderStatus,
    reason: str,
    caller: Caller,
    now: datetime,
    *,
    attempt: FailureAttempt | None = None,
) -> OrderChange:
    order_after = replace(
        failed_order,
        status=OrderStatus.DEAD_LETTER,
        last_failure_reason=reason,
        next_retry_at=None,
        waiting_reason=None,
    )
    event = events.MovedToDeadLetterQueue(
        **event_base_fields(order_before, now),
        final_failure_status=status,
        final_failure_reason=reason,
        total_retry_attempts=order_after.retry_count,
    )
    change_builder = OrderChangeBuilder(order_before, caller, now)
    change_builder.add_event(event, order_after, is_transition=True)
    return change_builder.build(
        release_allocations(order_after), attempt=attempt, should_release=True, dead_letter=(status, reason)
    )


def reset_order(order: Order, caller: Caller, now: datetime) -> OrderChange:
    """Reset an order that waits for a retry to `received`; its failure count stays. Raises StatusConflict."""
    if order.status is OrderStatus.RECEIVED:
        return OrderChange(order_before=order, order=order)
    order.require_status(OrderStatus.PENDING_RETRY)
    change_builder = OrderChangeBuilder(order, caller, now)
    return _build_restart(change_builder, _clear_for_restart(order))


def resolve_dead_letter(
    order: Order,
    entry_id: str,
    resolution: Resolution,
    notes: str,
    resolved_by: str,
    caller: Caller,
    now: datetime,
) -> OrderChange:
    """Apply a supervisor's resolution to a dead-lettered order; the resolution is a separate event.

    Raises StatusConflict.
    """
    order.require_status(OrderStatus.DEAD_LETTER)
    change_builder = OrderChangeBuilder(order, caller, now)
    resolved_event = events.DeadLetterResolved(
        **event_base_fields(order, now),
        entry_id=entry_id,
        resolution=resolution,
        notes=notes,
        resolved_by=resolved_by,
    )
    change_builder.add_event(resolved_event, order, is_transition=False)
    match resolution:
        case Resolution.MANUAL_RETRY:
            restarted_order = replace(
                _clear_for_restart(order),
                retry_count=0,
                retry_generation=order.retry_generation + 1,
                last_failure_reason=None,
                last_failed_at=None,
            )
            return _build_restart(change_builder, restarted_order)
        case Resolution.CANCELLED:
            reason = notes or "resolved as cancelled"
            order_after = replace(
                order, status=OrderStatus.CANCELLED, cancel_reason=reason, failed_status=None
            )
            change_builder.add_event(
                events.OrderCancelled(**event_base_fields(order, now), reason=reason),
                order_after,
                is_transition=True,
            )
            return change_builder.build(order_after, should_release=True)
        case Resolution.ESCALATED:
            return change_builder.build(order)


def _build_restart(change_builder: OrderChangeBuilder, order_after: Order) -> OrderChange:
    event = events.RetryStarted(
        **event_base_fields(order_after, change_builder.now), retry_number=order_after.retry_count
    )
    change_builder.add_event(event, order_after, is_transition=True)
    return change_builder.build(order_after, should_release=True)


def _clear_for_restart(order: Order) -> Order:
    cleared_order = replace(
        order,
        status=OrderStatus.RECEIVED,
        failed_status=None,
        next_retry_at=None,
        waiting_reason=None,
        wave_id=None,
        destination_id=None,
    )
    return release_allocations(cleared_order)
