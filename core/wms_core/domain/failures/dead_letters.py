"""Entries of the dead letter queue and their resolutions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wms_core.domain.errors import DeadLetterAlreadyResolved
from wms_core.domain.orders.orders import FailureAttempt, Order
from wms_core.domain.orders.status import OrderStatus


class Resolution(StrEnum):
    """A supervisor's decision on a dead letter."""

    MANUAL_RETRY = "manual_retry"  # back to `received`, failures are counted anew
    CANCELLED = "cancelled"  # the order is cancelled
    ESCALATED = "escalated"  # the order stays; one more decision is possible


@dataclass(frozen=True, slots=True)
class DeadLetterDecision:
    """One resolution with its author and time."""

    resolution: Resolution
    notes: str
    resolved_by: str
    resolved_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetterEntry:
    """A dead letter: its reason, all attempts of its retry generation, and a snapshot of the order."""

    entry_id: str
    order_id: str
    customer_id: str
    warehouse_id: str
    final_failure_status: OrderStatus
    final_failure_reason: str
    total_retry_attempts: int
    attempts: tuple[FailureAttempt, ...]
    order_snapshot: Order
    created_at: datetime
    decision_history: tuple[DeadLetterDecision, ...] = ()

    @property
    def latest_decision(self) -> DeadLetterDecision | None:
        """The last decision, which is the valid one, or None."""
        return self.decision_history[-1] if self.decision_history else None

    def check_resolvable(self, resolution: Resolution) -> None:
        """Raise DeadLetterAlreadyResolved unless the entry is open, or escalated and now finally resolved."""
        previous_decision = self.latest_decision
        if previous_decision is None:
            return
        if previous_decision.resolution is Resolution.ESCALATED and resolution is not Resolution.ESCALATED:
            return
        raise DeadLetterAlreadyResolved(
            entry_id=self.entry_id,
            order_id=self.order_id,
            resolution=previous_decision.resolution.value,
            resolved_by=previous_decision.resolved_by,
        )


@dataclass(frozen=True, slots=True)
class DeadLetterStats:
    """Counts of one snapshot: unresolved entries by failure status, resolved ones by resolution."""

    total_entries: int
    unresolved_count: int
    resolved_count: int
    by_failure_status: dict[str, int]
    by_resolution: dict[str, int]
    oldest_unresolved_at: datetime | None
