"""What becomes of orders, counted from the events of the log: made, processed, failed, retried, given up.

The names are those that wms-platform gives its metrics; the labels are words of the contract.
"""

from prometheus_client import CollectorRegistry, Counter

from wms_core.domain.dead_letters import Resolution
from wms_core.domain.events import (
    Cancelled,
    DeadLetterResolved,
    MovedToDeadLetterQueue,
    Received,
    RetryScheduled,
    RetryStarted,
    Shipped,
)
from wms_core.domain.levels import EventGroup
from wms_core.domain.order_status import WORKING, OrderStatus
from wms_core.domain.orders import Priority

_WORKED_ON = tuple(status.value for status in WORKING)
#: Why a try begins anew: its time came or somebody reset the order; or a dead letter was resolved so.
SCHEDULED, RESOLVED = "scheduled", "resolved"
#: How retries end.
RETRY_OUTCOMES = {
    Shipped.type: "shipped",
    RetryScheduled.type: "failed_again",
    MovedToDeadLetterQueue.type: "dead_lettered",
    Cancelled.type: "cancelled",
}


class OrderCounters:
    """Counters of orders, every series of them from 0 on."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""

        def counter(name: str, text: str, label: str, values: tuple[str, ...]) -> Counter:
            made = Counter(name, text, [label], registry=registry)
            for value in values:
                made.labels(value)
            return made

        self._created = counter(
            "wms_orders_created", "Orders taken in", "priority", tuple(one.value for one in Priority)
        )
        self._processed = counter(
            "wms_orders_processed", "Orders that came to a status", "status", tuple(OrderStatus)
        )
        self._failures = counter(
            "wms_order_failures", "Failures by the status of the order", "failure_status", _WORKED_ON
        )
        self._retries = counter(
            "wms_order_retry_attempts", "Retries that were begun", "cause", (SCHEDULED, RESOLVED)
        )
        self._outcomes = counter(
            "wms_order_retry_outcome", "Retries by how they ended", "outcome", tuple(RETRY_OUTCOMES.values())
        )
        self._entries = counter(
            "wms_dlq_entries", "Orders moved to the dead letter queue", "failure_status", _WORKED_ON
        )
        self._resolutions = counter(
            "wms_dlq_resolutions", "Decisions about dead letters", "resolution", tuple(Resolution)
        )

    def told(self, group: EventGroup) -> None:
        """Count events that tell the same."""
        if group.to_status:
            self._processed.labels(group.to_status).inc(group.events)
        if group.retried:
            self._outcomes.labels(RETRY_OUTCOMES[group.type]).inc(group.events)
        if group.type == RetryStarted.type:
            by_decision = group.from_status == OrderStatus.DEAD_LETTER
            self._retries.labels(RESOLVED if by_decision else SCHEDULED).inc(group.events)
        for counter in self._by_detail(group.type):
            counter.labels(group.detail).inc(group.events)

    def _by_detail(self, kind: str) -> tuple[Counter, ...]:
        return {
            Received.type: (self._created,),
            RetryScheduled.type: (self._failures,),
            MovedToDeadLetterQueue.type: (self._failures, self._entries),
            DeadLetterResolved.type: (self._resolutions,),
        }.get(kind, ())
