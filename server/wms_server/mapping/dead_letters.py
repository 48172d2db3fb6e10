"""Conversion of dead letters and failure attempts."""

from collections.abc import Iterable
from typing import Any

from wms.orders.v1 import dead_letter_pb2
from wms_core.application.reprocessing import RetryMetadata
from wms_core.domain.failures.dead_letters import DeadLetterDecision, DeadLetterEntry, Resolution
from wms_core.domain.orders.orders import FailureAttempt
from wms_server.mapping.common import enum_names, enum_numbers, to_optional_timestamp
from wms_server.mapping.orders import to_order_message, to_status_number

RESOLUTION_NAMES = enum_names(dead_letter_pb2.DeadLetterResolution, "DEAD_LETTER_RESOLUTION_", Resolution)
RESOLUTION_NUMBERS = enum_numbers(dead_letter_pb2.DeadLetterResolution, "DEAD_LETTER_RESOLUTION_")


def to_entry_message(entry: DeadLetterEntry) -> dead_letter_pb2.DeadLetterEntry:
    """Return the message of an entry; its resolution fields are those of the latest decision."""
    latest_decision = entry.latest_decision
    return dead_letter_pb2.DeadLetterEntry(
        entry_id=entry.entry_id,
        order_id=entry.order_id,
        customer_id=entry.customer_id,
        warehouse_id=entry.warehouse_id,
        final_failure_status=to_status_number(entry.final_failure_status),
        final_failure_reason=entry.final_failure_reason,
        total_retry_attempts=entry.total_retry_attempts,
        attempts=to_attempt_messages(entry.attempts),
        order_snapshot=to_order_message(entry.order_snapshot, entry.created_at),
        created_at=to_optional_timestamp(entry.created_at),
        resolution=_to_resolution_number(latest_decision),
        notes=latest_decision.notes if latest_decision else "",
        resolved_by=latest_decision.resolved_by if latest_decision else "",
        resolved_at=to_optional_timestamp(latest_decision.resolved_at if latest_decision else None),
        resolutions=[
            dead_letter_pb2.DeadLetterDecision(
                resolution=_to_resolution_number(past_decision),
                notes=past_decision.notes,
                resolved_by=past_decision.resolved_by,
                resolved_at=to_optional_timestamp(past_decision.resolved_at),
            )
            for past_decision in entry.decision_history
        ],
    )


def _to_resolution_number(entry_decision: DeadLetterDecision | None) -> Any:
    return RESOLUTION_NUMBERS[entry_decision.resolution.value] if entry_decision else 0


def to_attempt_messages(attempts: Iterable[FailureAttempt]) -> list[dead_letter_pb2.FailureAttempt]:
    """Return the messages of failure attempts."""
    return [
        dead_letter_pb2.FailureAttempt(
            attempt_number=attempt.attempt_number,
            status=to_status_number(attempt.status),
            reason=attempt.reason,
            failed_at=to_optional_timestamp(attempt.failed_at),
            workflow_id=attempt.workflow_id,
        )
        for attempt in attempts
    ]


def to_retry_fields(retry_metadata: RetryMetadata) -> dict[str, Any]:
    """Return the fields of `RetryMetadata`, which some responses have, too."""
    order = retry_metadata.order
    return {
        "order_id": order.order_id,
        "retry_count": order.retry_count,
        "max_retries": retry_metadata.max_retries,
        "last_failure_reason": order.last_failure_reason or "",
        "last_failed_at": to_optional_timestamp(order.last_failed_at),
        "next_retry_at": to_optional_timestamp(order.next_retry_at),
        "is_eligible_for_retry": retry_metadata.is_eligible,
        "attempts": to_attempt_messages(retry_metadata.attempts),
    }
