"""Metrics of a worker replica: roles, cycles, orders and the relay.

The order counters are derived from the events of the log. Their names come from the Order Service
specification, and their labels are words of the contract.
"""

from datetime import datetime
from math import nan

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    Summary,
    disable_created_metrics,
)

from wms_core.domain.backlog_metrics import EventCounts, EventGroup
from wms_core.domain.cycle_runs import CycleStep, Run
from wms_core.domain.events.events import (
    DeadLetterResolved,
    MovedToDeadLetterQueue,
    OrderCancelled,
    OrderEvent,
    OrderReceived,
    OrderShipped,
    RetryScheduled,
    RetryStarted,
)
from wms_core.domain.failures.dead_letters import Resolution
from wms_core.domain.orders.orders import Priority
from wms_core.domain.orders.status import WORKING_STATUSES, OrderStatus
from wms_core.runtime.clock import CLOCK_SKEW_METRIC, DATABASE_CLOCK

_WORKING_STATUSES = tuple(status.value for status in WORKING_STATUSES)
#: Causes of a retry: it was due or the order was reset; or a dead letter was resolved by a manual retry.
CAUSE_SCHEDULED, CAUSE_RESOLVED = "scheduled", "resolved"
#: Outcomes of a retry, by the event that ends it.
RETRY_OUTCOMES = {
    OrderShipped.type: "shipped",
    RetryScheduled.type: "failed_again",
    MovedToDeadLetterQueue.type: "dead_lettered",
    OrderCancelled.type: "cancelled",
}


class OrderCounters:
    """Counters of orders. Every series starts at 0."""

    def __init__(self, collector_registry: CollectorRegistry) -> None:

        def create_counter(name: str, text: str, label_name: str, values: tuple[str, ...]) -> Counter:
            new_counter = Counter(name, text, [label_name], registry=collector_registry)
            for value in values:
                new_counter.labels(value)
            return new_counter

        self._created_counter = create_counter(
            "wms_orders_created",
            "Accepted orders",
            "priority",
            tuple(priority.value for priority in Priority),
        )
        self._processed_counter = create_counter(
            "wms_orders_processed", "Orders by the status that they reached", "status", tuple(OrderStatus)
        )
        self._failure_counter = create_counter(
            "wms_order_failures", "Failures by the status of the order", "failure_status", _WORKING_STATUSES
        )
        self._retry_counter = create_counter(
            "wms_order_retry_attempts", "Started retries", "cause", (CAUSE_SCHEDULED, CAUSE_RESOLVED)
        )
        self._retry_outcome_counter = create_counter(
            "wms_order_retry_outcome",
            "Finished retries by outcome",
            "outcome",
            tuple(RETRY_OUTCOMES.values()),
        )
        self._dead_letter_counter = create_counter(
            "wms_dlq_entries", "Orders moved to the dead letter queue", "failure_status", _WORKING_STATUSES
        )
        self._resolution_counter = create_counter(
            "wms_dlq_resolutions", "Decisions about dead letters", "resolution", tuple(Resolution)
        )

    def record_group(self, event_group: EventGroup) -> None:
        """Count the events of a group, which have the same type and labels."""
        if event_group.to_status:
            self._processed_counter.labels(event_group.to_status).inc(event_group.event_count)
        if event_group.is_retry_outcome:
            self._retry_outcome_counter.labels(RETRY_OUTCOMES[event_group.type]).inc(event_group.event_count)
        if event_group.type == RetryStarted.type:
            by_decision = event_group.from_status == OrderStatus.DEAD_LETTER
            self._retry_counter.labels(CAUSE_RESOLVED if by_decision else CAUSE_SCHEDULED).inc(
                event_group.event_count
            )
        for detail_counter in self._select_detail_counters(event_group.type):
            detail_counter.labels(event_group.event_detail).inc(event_group.event_count)

    def _select_detail_counters(self, event_type: str) -> tuple[Counter, ...]:
        return {
            OrderReceived.type: (self._created_counter,),
            RetryScheduled.type: (self._failure_counter,),
            MovedToDeadLetterQueue.type: (self._failure_counter, self._dead_letter_counter),
            DeadLetterResolved.type: (self._resolution_counter,),
        }.get(event_type, ())


#: Outcomes of a cycle: all steps done, some steps failed, rejected by the fence, database unavailable or
#: busy, unexpected error.
CYCLE_OUTCOMES = ("completed", "failed", "refused", "interrupted", "broke")
EVENT_TYPES = tuple(sorted({kind.type.removeprefix("wms.order.") for kind in OrderEvent.__subclasses__()}))

_MINUTE_SECONDS, _HOUR_SECONDS = 60, 3600
_CYCLE_BUCKETS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_DELAY_BUCKETS_SECONDS = (
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    5,
    30,
    2 * _MINUTE_SECONDS,
    10 * _MINUTE_SECONDS,
    _HOUR_SECONDS,
    6 * _HOUR_SECONDS,
)
_FULFILLMENT_BUCKETS_SECONDS = (
    *(1, 5, 15, _MINUTE_SECONDS, 5 * _MINUTE_SECONDS, 15 * _MINUTE_SECONDS, 30 * _MINUTE_SECONDS),
    *(
        _HOUR_SECONDS,
        2 * _HOUR_SECONDS,
        4 * _HOUR_SECONDS,
        8 * _HOUR_SECONDS,
        16 * _HOUR_SECONDS,
        24 * _HOUR_SECONDS,
        48 * _HOUR_SECONDS,
        72 * _HOUR_SECONDS,
        168 * _HOUR_SECONDS,
    ),
)


class WorkerMetrics:
    """The counters and gauges of one replica, in their own registry.

    Every series starts at 0, so that Prometheus sees the first increase.
    """

    def __init__(self, *role_names: str) -> None:
        disable_created_metrics()
        self.collector_registry = CollectorRegistry()
        ProcessCollector(registry=self.collector_registry)
        skew_gauge = Gauge(
            CLOCK_SKEW_METRIC,
            "Seconds by which the wall clock is ahead of the database's clock",
            registry=self.collector_registry,
        )
        skew_gauge.set_function(
            lambda: nan if DATABASE_CLOCK.skew_seconds is None else DATABASE_CLOCK.skew_seconds
        )
        self._create_role_metrics(self.collector_registry, role_names)
        self._create_cycle_metrics(self.collector_registry)
        self._create_event_metrics(self.collector_registry)
        self._order_counters = OrderCounters(self.collector_registry)
        self._create_relay_metrics(self.collector_registry)

    def _create_role_metrics(
        self, collector_registry: CollectorRegistry, role_names: tuple[str, ...]
    ) -> None:
        role_labels = ["role"]
        self._active_gauge = Gauge(
            "wms_worker_active",
            "1 while this replica is active in the role",
            role_labels,
            registry=collector_registry,
        )
        self._epoch_gauge = Gauge(
            "wms_worker_epoch",
            "Latest epoch of this replica in the role, 0 before the first",
            role_labels,
            registry=collector_registry,
        )
        self._refused_write_counter = Counter(
            "wms_worker_stale_writes_refused",
            "Writes that the fence rejected",
            role_labels,
            registry=collector_registry,
        )
        self._role_change_counter = Counter(
            "wms_worker_role_changes",
            "Number of times the role was acquired or lost, by cause",
            ["role", "cause"],
            registry=collector_registry,
        )
        for role_name in role_names:
            for role_metric in (self._active_gauge, self._epoch_gauge, self._refused_write_counter):
                role_metric.labels(role_name)
            self._role_change_counter.labels(role_name, "won")

    def _create_cycle_metrics(self, collector_registry: CollectorRegistry) -> None:
        self._cycle_counter = Counter(
            "wms_fulfillment_cycles", "Cycles by outcome", ["outcome"], registry=collector_registry
        )
        self._cycle_seconds_histogram = Histogram(
            "wms_fulfillment_cycle_seconds",
            "Duration of cycles in seconds",
            registry=collector_registry,
            buckets=_CYCLE_BUCKETS_SECONDS,
        )
        step_labels = ["step"]
        self._step_seconds_summary = Summary(
            "wms_fulfillment_step_seconds",
            "Duration of steps in seconds",
            step_labels,
            registry=collector_registry,
        )
        self._step_item_counter = Counter(
            "wms_fulfillment_step_items",
            "Orders or moves that steps processed",
            step_labels,
            registry=collector_registry,
        )
        self._step_error_counter = Counter(
            "wms_fulfillment_step_errors", "Failed steps", step_labels, registry=collector_registry
        )
        for cycle_outcome in CYCLE_OUTCOMES:
            self._cycle_counter.labels(cycle_outcome)
        for step_metric in (self._step_seconds_summary, self._step_item_counter, self._step_error_counter):
            for cycle_step in CycleStep:
                step_metric.labels(cycle_step.value)

    def _create_event_metrics(self, collector_registry: CollectorRegistry) -> None:
        self._event_counter = Counter(
            "wms_order_events",
            "Events of orders while this replica was active",
            ["type"],
            registry=collector_registry,
        )
        self._fulfillment_seconds_histogram = Histogram(
            "wms_fulfillment_seconds",
            "Seconds from an order's creation to its first shipment",
            ["priority"],
            registry=collector_registry,
            buckets=_FULFILLMENT_BUCKETS_SECONDS,
        )
        for event_type in EVENT_TYPES:
            self._event_counter.labels(event_type)
        for priority in Priority:
            self._fulfillment_seconds_histogram.labels(priority.value)

    def _create_relay_metrics(self, collector_registry: CollectorRegistry) -> None:
        self._published_counter = Counter(
            "wms_relay_events_published", "Events that Kafka acknowledged", registry=collector_registry
        )
        self._publishing_failure_counter = Counter(
            "wms_relay_failures",
            "Number of times that publishing failed and was restarted",
            registry=collector_registry,
        )
        self._parked_counter = Counter(
            "wms_relay_events_parked", "Events that Kafka rejected permanently", registry=collector_registry
        )
        self._delay_histogram = Histogram(
            "wms_relay_delay_seconds",
            "Seconds from an event to its acknowledgement by Kafka, for the oldest event of each batch",
            registry=collector_registry,
            buckets=_DELAY_BUCKETS_SECONDS,
        )

    def set_role_active(self, role: str, *, is_active: bool, epoch: int) -> None:
        """Set whether this replica is active in a role, and its epoch."""
        self._active_gauge.labels(role).set(is_active)
        if epoch:
            self._epoch_gauge.labels(role).set(epoch)

    def count_role_change(self, role: str, change_cause: str) -> None:
        """Count a role change by cause: `won`, or the cause of the loss."""
        self._role_change_counter.labels(role, change_cause).inc()

    def count_refused_write(self, role: str) -> None:
        """Count a write that the fence rejected."""
        self._refused_write_counter.labels(role).inc()

    def record_cycle(self, cycle_outcome: str, duration_seconds: float) -> None:
        """Count a cycle by outcome, and record its duration."""
        self._cycle_counter.labels(cycle_outcome).inc()
        self._cycle_seconds_histogram.observe(duration_seconds)

    def record_steps(self, run: Run) -> None:
        """Record the durations, counts and errors of the steps of a cycle."""
        for step_outcome in run.step_outcomes:
            self._step_seconds_summary.labels(step_outcome.cycle_step.value).observe(
                step_outcome.duration_seconds
            )
            self._step_item_counter.labels(step_outcome.cycle_step.value).inc(step_outcome.count)
        for error in run.step_errors:
            self._step_error_counter.labels(error.partition(":")[0]).inc()

    def record_events(self, event_counts: EventCounts) -> None:
        """Count the events of a batch of the log."""
        for event_group in event_counts.event_groups:
            self._event_counter.labels(event_group.type.removeprefix("wms.order.")).inc(
                event_group.event_count
            )
            self._order_counters.record_group(event_group)
        for priority, fulfillment_seconds in event_counts.shipping_seconds:
            self._fulfillment_seconds_histogram.labels(priority.value).observe(fulfillment_seconds)

    def record_published(self, event_count: int, oldest_occurred_at: str = "") -> None:
        """Count acknowledged events, and record the delay of the oldest, given as an ISO 8601 time."""
        self._published_counter.inc(event_count)
        if event_count and oldest_occurred_at:
            delay = DATABASE_CLOCK.now() - datetime.fromisoformat(oldest_occurred_at)
            self._delay_histogram.observe(max(delay.total_seconds(), 0))

    def count_publishing_failure(self) -> None:
        """Count a failure of publishing."""
        self._publishing_failure_counter.inc()

    def record_parked(self, event_count: int) -> None:
        """Count parked events."""
        self._parked_counter.inc(event_count)
