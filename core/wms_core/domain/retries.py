"""How often a failing order is tried again, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from wms_core.domain.order_status import OrderStatus


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`next_retry_at = failed_at + min(cap, base * 2**(failure - 1)) * (1 + jitter * draw)`.

    Failure number `max_retries` is not retried: the order goes to the dead letter queue instead. With the
    defaults the second failure is retried after 30 minutes, which is the example of the Order Service
    document.
    """

    max_retries: int = 5
    base: timedelta = timedelta(minutes=15)
    cap: timedelta = timedelta(hours=6)
    jitter: float = 0.0

    def exhausted(self, failures: int) -> bool:
        """Say whether that many failures are the last allowed one or more."""
        return failures >= self.max_retries

    def delay(self, failures: int, draw: float = 0.0) -> timedelta:
        """Give the wait after failure number `failures` (from 1); `draw` in [0, 1) is the stored chance."""
        # Past the doubling that reaches the cap the power would only overflow.
        doublings = min(failures - 1, 64)
        seconds = min(self.cap.total_seconds(), self.base.total_seconds() * 2.0**doublings)
        return timedelta(seconds=seconds * (1 + self.jitter * draw))

    def next_retry_at(self, failed_at: datetime, failures: int, draw: float = 0.0) -> datetime:
        """Give the time of the retry after failure number `failures` at `failed_at`."""
        return failed_at + self.delay(failures, draw)


class EligibleOrder(NamedTuple):
    """What is told of an order that waits for its retry."""

    order_id: str
    customer_id: str
    warehouse_id: str
    failed_status: OrderStatus | None
    retry_count: int
    last_failure_reason: str
    last_failed_at: datetime | None
    created_at: datetime
    next_retry_at: datetime
