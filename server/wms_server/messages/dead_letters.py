"""Dead letters and failures."""

from collections.abc import Iterable
from typing import Any

from wms.orders.v1 import dead_letter_pb2
from wms_core.application.reprocessing import RetryMetadata
from wms_core.domain.dead_letters import DeadLetterEntry, Decision, Resolution
from wms_core.domain.orders import FailureAttempt
from wms_server.messages.orders import order_message, status_number
from wms_server.messages.values import numbers, timestamp, words

RESOLUTION_WORDS = words(dead_letter_pb2.DeadLetterResolution, "DEAD_LETTER_RESOLUTION_", Resolution)
RESOLUTION_NUMBERS = numbers(dead_letter_pb2.DeadLetterResolution, "DEAD_LETTER_RESOLUTION_")


def entry_message(entry: DeadLetterEntry) -> dead_letter_pb2.DeadLetterEntry:
    """Write an entry; the fields of its resolution are those of the last decision."""
    last = entry.decision
    return dead_letter_pb2.DeadLetterEntry(
        entry_id=entry.entry_id,
        order_id=entry.order_id,
        customer_id=entry.customer_id,
        warehouse_id=entry.warehouse_id,
        final_failure_status=status_number(entry.final_failure_status),
        final_failure_reason=entry.final_failure_reason,
        total_retry_attempts=entry.total_retry_attempts,
        attempts=attempt_messages(entry.attempts),
        order_snapshot=order_message(entry.order_snapshot, entry.created_at),
        created_at=timestamp(entry.created_at),
        resolution=_resolution(last),
        notes=last.notes if last else "",
        resolved_by=last.resolved_by if last else "",
        resolved_at=timestamp(last.resolved_at if last else None),
        resolutions=[
            dead_letter_pb2.DeadLetterDecision(
                resolution=_resolution(decision),
                notes=decision.notes,
                resolved_by=decision.resolved_by,
                resolved_at=timestamp(decision.resolved_at),
            )
            for decision in entry.decisions
        ],
    )


def _resolution(decision: Decision | None) -> Any:
    return RESOLUTION_NUMBERS[decision.resolution.value] if decision else 0


def attempt_messages(attempts: Iterable[FailureAttempt]) -> list[dead_letter_pb2.FailureAttempt]:
    """Write attempts."""
    return [
        dead_letter_pb2.FailureAttempt(
            attempt_number=attempt.attempt_number,
            status=status_number(attempt.status),
            reason=attempt.reason,
            failed_at=timestamp(attempt.failed_at),
            workflow_id=attempt.workflow_id,
        )
        for attempt in attempts
    ]


def retry_fields(retry: RetryMetadata) -> dict[str, Any]:
    """Write retry metadata as the fields of its message, or of the answer that is one."""
    order = retry.order
    return {
        "order_id": order.order_id,
        "retry_count": order.retry_count,
        "max_retries": retry.max_retries,
        "last_failure_reason": order.last_failure_reason or "",
        "last_failed_at": timestamp(order.last_failed_at),
        "next_retry_at": timestamp(order.next_retry_at),
        "is_eligible_for_retry": retry.eligible,
        "attempts": attempt_messages(retry.attempts),
    }
