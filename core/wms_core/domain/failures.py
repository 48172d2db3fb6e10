"""What happens to an order that fails: retries, the dead letter queue, and the ways back."""

from dataclasses import replace
from datetime import datetime

from wms_core.domain import events
from wms_core.domain.caller import Caller
from wms_core.domain.change import Change, Changing, let_go, told
from wms_core.domain.dead_letters import Resolution
from wms_core.domain.order_status import OrderStatus, sources
from wms_core.domain.orders import FailureAttempt, Order
from wms_core.domain.retries import RetryPolicy

#: Why an order fails that stock does not do for (source: the seed's retry chapter).
NO_STOCK = "Inventory unavailable"


def fail(
    order: Order,
    reason: str,
    failed_at: datetime,
    policy: RetryPolicy,
    caller: Caller,
    now: datetime,
    *,
    workflow_id: str = "",
    draw: float = 0.0,
) -> Change:
    """Count a failure: schedule a retry or, when it was the last allowed one, dead-letter the order."""
    order.require(*sources(OrderStatus.PENDING_RETRY))
    status = order.failed_status or order.status
    attempt = FailureAttempt(order.retry_count + 1, status, reason, failed_at, workflow_id)
    failed = replace(
        order,
        retry_count=attempt.attempt_number,
        failed_status=status,
        last_failure_reason=reason,
        last_failed_at=failed_at,
        waiting_reason=None,
    )
    if policy.exhausted(attempt.attempt_number):
        return _dead_letter(order, failed, status, reason, caller, now, attempt=attempt)
    event = events.RetryScheduled(
        **told(order, now),
        retry_number=attempt.attempt_number,
        failure_status=status,
        failure_reason=reason,
    )
    after = replace(
        failed,
        status=OrderStatus.PENDING_RETRY,
        next_retry_at=policy.next_retry_at(failed_at, attempt.attempt_number, draw),
    )
    changing = Changing(order, caller, now)
    changing.tell(event, after, moved=True)
    return changing.done(let_go(after), attempt=attempt, releases=True)


def dead_letter(
    order: Order, status: OrderStatus | None, reason: str, caller: Caller, now: datetime
) -> Change:
    """Give the order to a person at once; adds no attempt. `status` defaults to the one it failed in."""
    if order.status is OrderStatus.DEAD_LETTER:
        return Change(before=order, order=order)
    order.require(*sources(OrderStatus.DEAD_LETTER))
    status = status or order.failed_status or order.status
    after = replace(order, failed_status=status)
    return _dead_letter(order, after, status, reason, caller, now)


def _dead_letter(
    before: Order,
    failed: Order,
    status: OrderStatus,
    reason: str,
    caller: Caller,
    now: datetime,
    *,
    attempt: FailureAttempt | None = None,
) -> Change:
    after = replace(
        failed,
        status=OrderStatus.DEAD_LETTER,
        last_failure_reason=reason,
        next_retry_at=None,
        waiting_reason=None,
    )
    event = events.MovedToDeadLetterQueue(
        **told(before, now),
        final_failure_status=status,
        final_failure_reason=reason,
        total_retry_attempts=after.retry_count,
    )
    changing = Changing(before, caller, now)
    changing.tell(event, after, moved=True)
    return changing.done(let_go(after), attempt=attempt, releases=True, dead_letter=(status, reason))


def reset(order: Order, caller: Caller, now: datetime) -> Change:
    """Put an order that waits for its retry back to the beginning; the failure count stays."""
    if order.status is OrderStatus.RECEIVED:
        return Change(before=order, order=order)
    order.require(OrderStatus.PENDING_RETRY)
    changing = Changing(order, caller, now)
    return _restart(changing, _restarted(order))


def resolve(
    order: Order,
    entry_id: str,
    resolution: Resolution,
    notes: str,
    resolved_by: str,
    caller: Caller,
    now: datetime,
) -> Change:
    """Do what a supervisor decided about a dead-lettered order; the decision is an event of its own."""
    order.require(OrderStatus.DEAD_LETTER)
    changing = Changing(order, caller, now)
    decision = events.DeadLetterResolved(
        **told(order, now),
        entry_id=entry_id,
        resolution=resolution,
        notes=notes,
        resolved_by=resolved_by,
    )
    changing.tell(decision, order, moved=False)
    match resolution:
        case Resolution.MANUAL_RETRY:
            fresh = replace(
                _restarted(order),
                retry_count=0,
                life=order.life + 1,
                last_failure_reason=None,
                last_failed_at=None,
            )
            return _restart(changing, fresh)
        case Resolution.CANCELLED:
            reason = notes or "resolved as cancelled"
            after = replace(order, status=OrderStatus.CANCELLED, cancel_reason=reason, failed_status=None)
            changing.tell(events.Cancelled(**told(order, now), reason=reason), after, moved=True)
            return changing.done(after, releases=True)
        case Resolution.ESCALATED:
            return changing.done(order)


def _restart(changing: Changing, after: Order) -> Change:
    event = events.RetryStarted(**told(after, changing.now), retry_number=after.retry_count)
    changing.tell(event, after, moved=True)
    return changing.done(after, releases=True)


def _restarted(order: Order) -> Order:
    cleared = replace(
        order,
        status=OrderStatus.RECEIVED,
        failed_status=None,
        next_retry_at=None,
        waiting_reason=None,
        wave_id=None,
        destination_id=None,
    )
    return let_go(cleared)
