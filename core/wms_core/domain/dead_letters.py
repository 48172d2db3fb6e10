"""An entry of the dead letter queue and what supervisors decided about it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wms_core.domain.errors import DeadLetterAlreadyResolved
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import FailureAttempt, Order


class Resolution(StrEnum):
    """What a supervisor decides about a dead-lettered order."""

    MANUAL_RETRY = "manual_retry"  # back to the beginning, no failures counted
    CANCELLED = "cancelled"  # the order is given up
    ESCALATED = "escalated"  # closed for the supervisor, the order stays; may be decided once more


@dataclass(frozen=True, slots=True)
class Decision:
    """One resolution, by whom and when."""

    resolution: Resolution
    notes: str
    resolved_by: str
    resolved_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetterEntry:
    """Why an order is dead-lettered, every attempt of its life, and the order as it was."""

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
    decisions: tuple[Decision, ...] = ()

    @property
    def decision(self) -> Decision | None:
        """Give the decision that counts: the last."""
        return self.decisions[-1] if self.decisions else None

    def check_resolvable(self, resolution: Resolution) -> None:
        """Raise DeadLetterAlreadyResolved unless open, or escalated and now decided for good."""
        last = self.decision
        if last is None:
            return
        if last.resolution is Resolution.ESCALATED and resolution is not Resolution.ESCALATED:
            return
        raise DeadLetterAlreadyResolved(
            entry_id=self.entry_id,
            order_id=self.order_id,
            resolution=last.resolution.value,
            resolved_by=last.resolved_by,
        )


@dataclass(frozen=True, slots=True)
class DeadLetterStats:
    """Counts from one snapshot: by failure status the unresolved, by resolution the resolved."""

    total_entries: int
    unresolved_count: int
    resolved_count: int
    by_failure_status: dict[str, int]
    by_resolution: dict[str, int]
    oldest_unresolved_at: datetime | None
